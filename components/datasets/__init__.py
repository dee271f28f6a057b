"""Cases (folders, phantoms), what is made of them for training and validation, samplers and collation."""
from .collate import collate_parts
from .folder import FolderDataset
from .nifti import Geometry, check_same_grid, read_nifti, write_nifti
from .parts import CasesDataset, PartsDataset
from .phantom_dataset import PhantomDataset
from .samplers import PartBatchSampler

__all__ = ['CasesDataset', 'FolderDataset', 'Geometry', 'PartBatchSampler', 'PartsDataset', 'PhantomDataset', 'check_same_grid',
           'collate_parts', 'read_nifti', 'write_nifti']

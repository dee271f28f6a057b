"""Cases (folders, phantoms), what is made of them for training and validation, samplers and collation."""
from .collate import collate_parts
from .folder import FolderDataset
from .geometry import Geometry, check_same_grid
from .images import read_image, write_image
from .label_values import LabelValues
from .nifti import read_nifti, write_nifti
from .parts import CasesDataset, PartsDataset
from .phantom_dataset import PhantomDataset
from .samplers import PartBatchSampler

__all__ = ['CasesDataset', 'FolderDataset', 'Geometry', 'LabelValues', 'PartBatchSampler', 'PartsDataset', 'PhantomDataset',
           'check_same_grid', 'collate_parts', 'read_image', 'read_nifti', 'write_image', 'write_nifti']

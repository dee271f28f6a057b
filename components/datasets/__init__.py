"""Cases (folders, phantoms), what is made of them for training and validation, samplers and collation."""
from .formats.geometry import Geometry, check_same_grid
from .formats.images import load_image, save_image
from .formats.nifti import read_nifti, write_nifti
from .layouts.described import MSDDataset, NnUNetDataset
from .layouts.folder import FolderDataset
from .layouts.label_values import LabelValues
from .parts.collate import collate_parts
from .parts.datasets import CasesDataset, PartsDataset
from .parts.samplers import PartBatchSampler
from .phantoms.dataset import PhantomDataset

__all__ = ['CasesDataset', 'FolderDataset', 'Geometry', 'LabelValues', 'MSDDataset', 'NnUNetDataset', 'PartBatchSampler',
           'PartsDataset', 'PhantomDataset', 'check_same_grid', 'collate_parts', 'load_image', 'read_nifti', 'save_image',
           'write_nifti']

"""The built-in data set."""
from __future__ import annotations

import nibabel as nib
import numpy as np
from torch.utils.data import Dataset

from scarceseg.registry import DATASETS, UserError

from ..formats.geometry import Geometry
from ..simulators.scribbles import scribble_from_label
from .phantom import phantom_case

CLASSES = ('background', 'right ventricle', 'myocardium', 'left ventricle')


@DATASETS.register_module()
class PhantomDataset(Dataset):
    """Generated cardiac-like volumes with full labels or simulated scribbles; case i is a pure function of (seed, first + i).

    Item i is a sample like a ``FolderDataset``'s, without files.

    Args:
        count: number of cases.
        first: index of the first case; data sets with disjoint ranges share no case.
        seed: another seed is another population of hearts.
        shape: (z, y, x) voxels of each volume.
        spacing_mm: (z, y, x) voxel size.
        scribbles: give scribbles (255 where not annotated) instead of full labels.
        classes: names of the four classes.
    """

    def __init__(self, count, first=0, seed=0, shape=(8, 112, 112), spacing_mm=(10.0, 1.5, 1.5), scribbles=False, classes=CLASSES):
        if count < 1:
            raise UserError(f'PhantomDataset needs count of 1 or more, but got {count}')
        if len(classes) != len(CLASSES):
            raise UserError(f'the phantom has {len(CLASSES)} classes ({", ".join(CLASSES)}), but the config names {len(classes)}')
        self.count, self.first, self.seed, self.scribbles, self.classes = count, first, seed, scribbles, tuple(classes)
        self.shape, self.spacing_mm = tuple(shape), tuple(spacing_mm)

    @property
    def names(self):
        """Names of the cases, in order."""
        return [f'phantom_{self.first + i:04d}' for i in range(self.count)]

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        if not 0 <= i < self.count:
            raise IndexError(i)
        index = self.first + i
        case = phantom_case(index, seed=self.seed, shape=self.shape, spacing_mm=self.spacing_mm)
        label = case['label']
        if self.scribbles:
            rng = np.random.default_rng([self.seed, index, 1])
            label = scribble_from_label(label, rng, num_classes=len(CLASSES))
        return dict(name=self.names[i], image=case['image'], label=label, spacing_mm=self.spacing_mm,
                    geometry=self._geometry())

    def key(self, i):
        """What case i is made from, for a store."""
        return ['phantom', self.first + i, self.seed, self.shape, self.spacing_mm, self.scribbles]

    def _geometry(self):
        header = nib.Nifti1Header()
        header.set_xyzt_units('mm')
        header.set_data_shape(self.shape[::-1])
        header.set_zooms(self.spacing_mm[::-1])
        return Geometry(self.spacing_mm, np.diag([*self.spacing_mm[::-1], 1.0]), header, self.shape[::-1])

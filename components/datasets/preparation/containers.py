"""HDF5 files of volumes as toolkits for learning from few labels give them out."""
from __future__ import annotations

import h5py
import numpy as np

from scarceseg.registry import UserError

from ..formats.nifti import write_nifti
from ..formats.reading import named_damage
from .steps import compact, in_millimetres, nominal, renumbered, shrunk, shrunk_geometry, shrunk_label


def convert_h5(target, *, source, key, spacing_mm, values=None, x_first=False, signs=(1, 1, 1), shrink=1):
    """One data set of an HDF5 file without geometry as NIfTI.

    Args:
        key: of the data set: 'image', 'label' or 'scribble'.
        spacing_mm: voxel size (z, y, x) that the file does not know.
        values: of a label: see ``convert_label``.
        x_first: axes are (x, y, z) instead of (z, y, x).
        signs: see ``nominal``.
        shrink: see ``shrunk``.
    """
    with named_damage(source, 'HDF5'), h5py.File(source, 'r') as file:
        if key not in file:
            raise UserError(f'{source} has no data set {key!r}, but {", ".join(file)}')
        array = np.asarray(file[key])
    if array.ndim != 3:
        raise UserError(f'{source}: data set {key!r} has shape {array.shape}; expected a volume')
    array = array.T if x_first else array
    geometry = nominal(array.shape, spacing_mm, signs)
    array = compact(shrunk(array, shrink)) if values is None else shrunk_label(renumbered(array, values, source), shrink)
    write_nifti(target, array, in_millimetres(shrunk_geometry(geometry, shrink)))

"""How far two files are from lying on the same grid."""
from __future__ import annotations

from itertools import product

import numpy as np

from scarceseg.registry import UserError

from ..formats.geometry import check_same_grid, grid_differences
from .kinds import ALMOST


def grid_problem(first, second, what):
    """(kind, sentence) of two ``Geometry`` that should be the same, or None where they are.

    Args:
        what: subject of the sentence, such as "case a: the label a.nii.gz and its image".
    """
    try:
        check_same_grid(first, second, what)
    except UserError as error:
        return 'grid', str(error)
    if (first.affine is None) != (second.affine is None):
        return 'apart', f'{what} have one shape, but only one of them says where it lies in space'
    if first.affine is None:
        return None
    corners = np.array([[*c, *(0,) * (3 - len(c)), 1] for c in product(*((0, n - 1) for n in first.space))])
    apart_mm = np.linalg.norm((corners @ (first.affine - second.affine).T)[:, :3], axis=1).max()
    voxel_mm = min(first.spacing_mm)
    if apart_mm <= ALMOST * voxel_mm:
        return None
    found = grid_differences(first, second)
    return 'apart', f'{what} lie up to {apart_mm:.3g} mm apart, {apart_mm / voxel_mm:.2g} voxels{f" ({found})" if found else ""}'

"""How far two files are from lying on the same grid."""
from __future__ import annotations

from itertools import product

import numpy as np

from scarceseg.registry import UserError

from ..formats.geometry import check_same_grid
from .kinds import ALMOST


def grid_problem(first, second, what):
    """(kind, sentence) of two ``Geometry`` that should be the same, or None where they are.

    Args:
        what: subject of the sentence, such as "case a: the label a.nii.gz and its image".
    """
    try:
        check_same_grid(first, second, what)
    except UserError as error:
        return 'grid', f'{error}{_differences(first, second)}'
    if (first.affine is None) != (second.affine is None):
        return 'apart', f'{what} have one shape, but only one of them says where it lies in space'
    if first.affine is None:
        return None
    corners = np.array([[*c, *(0,) * (3 - len(c)), 1] for c in product(*((0, n - 1) for n in first.space))])
    apart_mm = np.linalg.norm((corners @ (first.affine - second.affine).T)[:, :3], axis=1).max()
    voxel_mm = min(first.spacing_mm)
    if apart_mm <= ALMOST * voxel_mm:
        return None
    return 'apart', f'{what} lie up to {apart_mm:.3g} mm apart, {apart_mm / voxel_mm:.2g} voxels{_differences(first, second)}'


def _differences(first, second):
    """' (orientation …; spacing …)' as far as they differ."""
    found = []
    if first.affine is not None and second.affine is not None and first.orientation != second.orientation:
        found.append(f'orientation {first.orientation} and {second.orientation}')
    if first.spacing_mm and second.spacing_mm and not np.allclose(first.spacing_mm[:2], second.spacing_mm[:2], rtol=1e-3):
        found.append(f'spacing {in_mm(first.spacing_mm)} and {in_mm(second.spacing_mm)}')
    return f' ({"; ".join(found)})' if found else ''


def in_mm(spacing_mm):
    """'1.5×1.5×8 mm' of a spacing (z, y, x)."""
    return f'{"×".join(f"{s:.4g}" for s in reversed(spacing_mm))} mm'

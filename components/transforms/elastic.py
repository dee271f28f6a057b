"""Smooth random displacements."""
from __future__ import annotations

import numpy as np

from scarceseg.registry import UserError

from .checks import check_above, check_least, per_axis, spacing_of
from .deformation import FOLDS
from .grids import control_counts


def draw_control(rng, sample, size, *, displacement_mm, control_mm, zoom):
    """Draw ``control`` and ``distances`` of ``affine``; empty, and without drawing, where there is to be no displacement.

    Each control point's displacement along each axis is drawn from ±``displacement_mm``, and no voxel moves by more, since
    B-splines average. Axes of one voxel do not move.

    Args:
        displacement_mm: (D,) of ``check_displacement``.
        zoom: (D,) voxels of the output for one of the sample.
    """
    space = sample['image'].shape[1:]
    if not displacement_mm.any():
        return {}
    voxel = np.asarray(spacing_of(sample)) / zoom
    distances = np.maximum(control_mm / voxel, 1.0)
    reach = np.where([n > 1 for n in space], displacement_mm / voxel, 0)
    control = rng.random((len(space), *control_counts(size, distances)), dtype=np.float32) * 2 - 1
    control *= reach.astype(np.float32).reshape(-1, *[1] * len(space))
    return dict(control=control, distances=tuple(float(d) for d in distances))


def check_displacement(owner, displacement_mm, control_mm, dims):
    """The largest displacement along each axis, (D,).

    Raises:
        UserError: it is below 0, or so large beside the distance of the control points that the image could fold.
    """
    displacement = np.array(per_axis(owner, 'displacement_mm', displacement_mm, dims), float)
    check_least(owner, 'displacement_mm', displacement, 0)
    check_above(owner, 'control_mm', control_mm, 0)
    if displacement.max() > FOLDS * control_mm:
        raise UserError(f'{owner} has displacement_mm={displacement_mm} with control_mm={control_mm}, which could fold the image '
                        f'over itself; the displacement must not be above {FOLDS} times the distance of the control points')
    return displacement

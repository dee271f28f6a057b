"""Where a resampled voxel comes from: an affine map, and smooth displacements by cubic B-splines [Rueckert 1999]."""
from __future__ import annotations

import numpy as np
from scipy import ndimage

from .grids import smooth_field

FOLDS = 0.4  # share of the control points' distance up to which displacements of splines never fold [Choi 2000]


def offset_of(matrix, centre, size):
    """(D,) input position of output voxel 0 under the affine map."""
    return np.asarray(centre, float) - np.asarray(matrix, float) @ ((np.asarray(size, float) - 1) / 2)


def nearest_of_plane(plane, out, *, matrix, offset, outside):
    """Write into ``out`` (y, x) what SciPy's ``affine_transform`` of order 0 gives for a (y, x) array, in a third of the time."""
    flat, inside = 0, True
    for row, start, n in zip(matrix, offset, plane.shape):
        place = (start + row[0] * np.arange(out.shape[0]))[:, None] + row[1] * np.arange(out.shape[1])
        inside = inside & (place >= 0) & (place <= n - 1)
        flat = flat * np.int32(n) + np.floor(place + 0.5).astype(np.int32)
    np.take(plane.ravel(), flat * inside, out=out, mode='clip')
    out[~inside] = outside


def input_places(*, matrix, centre, size, control, distances):
    """(D, *size) float32 input position, in voxels, of every output voxel: ``centre + matrix (o + d(o) - (size - 1) / 2)``."""
    moved = smooth_field(control, size, distances)
    for axis, n in enumerate(size):
        moved[axis] += np.arange(n, dtype=np.float32).reshape([-1 if a == axis else 1 for a in range(len(size))])
    places = np.tensordot(np.asarray(matrix, np.float32), moved, 1)
    places += offset_of(matrix, centre, size).astype(np.float32).reshape(-1, *[1] * len(size))
    return places


def bring_back(array, *, matrix, centre, size, shape, control, distances, order, fill):
    """(*size) to the grid (*shape) that ``input_places`` speak of; what was out of view is ``fill``."""
    inverse = np.linalg.inv(np.asarray(matrix, float))
    settings = dict(order=order, mode='grid-constant', cval=fill)
    offset = (np.asarray(size) - 1) / 2 - inverse @ np.asarray(centre, float)
    if control is None:
        return ndimage.affine_transform(array, inverse, offset, output_shape=tuple(shape), **settings)
    wanted = np.tensordot(inverse, np.indices(shape, dtype=float), 1) + offset.reshape(-1, *[1] * len(shape))
    return ndimage.map_coordinates(array, _without_displacement(wanted, control, distances), **settings)


def _without_displacement(wanted, control, distances, *, tolerance=0.01, rounds=50):
    """Places o (D, *shape) with ``o + d(o)`` = ``wanted``, by fixed-point iteration, to ``tolerance`` voxels."""
    step = np.asarray(distances, float).reshape(-1, *[1] * (wanted.ndim - 1))
    place = wanted
    for _ in range(rounds):
        knots = place / step + 1
        moved = [ndimage.map_coordinates(c, knots, order=3, mode='nearest', prefilter=False) for c in control]
        before, place = place, wanted - np.stack(moved)
        if np.abs(place - before).max() < tolerance:
            break
    return place

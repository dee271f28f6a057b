"""Arrays from one grid to another.

Two grids of one extent share the outer edges of their first and last voxels: voxel o of ``size`` lies at
``(o + ½) n / size - ½`` of a grid of n voxels, so that nothing is shifted by resampling there and back.
"""
from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import ndimage


def resize_array(array, size, orders):
    """(*space) to (*size), with a spline of its own order along each axis; beyond the edge the outermost voxel goes on.

    Args:
        orders: for each axis 0 (nearest), 1 (linear) to 5; splines above 1 may overshoot.
    """
    for axis in sorted(range(array.ndim), key=lambda a: size[a] / array.shape[a]):  # what shrinks goes first
        array = _resize_axis(array, axis, size[axis], orders[axis])
    return np.ascontiguousarray(array)


def _resize_axis(array, axis, size, order):
    n = array.shape[axis]
    if n == size:
        return array
    if order == 0:
        return array.take(nearest_index(n, size), axis)
    if order == 1:
        place = np.clip((np.arange(size) + 0.5) * n / size - 0.5, 0, n - 1)
        low = np.minimum(place.astype(int), max(n - 2, 0))
        share = (place - low).astype(array.dtype).reshape([-1 if a == axis else 1 for a in range(array.ndim)])
        out = array.take(low, axis)
        rest = array.take(np.minimum(low + 1, n - 1), axis)
        rest -= out
        rest *= share
        out += rest
        return out
    return np.moveaxis(np.tensordot(_spline_matrix(n, size, order).astype(array.dtype), array, (1, axis)), 0, axis)


def nearest_index(n, size):
    """Of each of ``size`` voxels the voxel, of n on the same extent, that holds its centre; in whole numbers, so exact."""
    return (2 * np.arange(size) + 1) * n // (2 * size)


@lru_cache(maxsize=64)
def _spline_matrix(n, size, order):
    """(size, n): spline interpolation is linear in the values, so that this is all there is to know of one axis."""
    return ndimage.zoom(np.eye(n), (size / n, 1), order=order, mode='nearest', grid_mode=True)


def resize_nearest(array, size, index=None):
    """(..., *space) to (..., *size) by the nearest voxel, or by ``index``, see ``annotated_index``."""
    leading, space = array.shape[:array.ndim - len(size)], array.shape[array.ndim - len(size):]
    if index is not None:
        return array.reshape(*leading, -1)[..., index]
    return array[(..., *np.ix_(*(nearest_index(n, s) for n, s in zip(space, size))))]


def annotated_index(known, size):
    """Which voxel each one of ``size`` takes its label from: the nearest to its centre, and where that is not annotated, the
    nearest annotated one among those that it covers.

    So a scribble of one voxel stays unbroken on a coarser grid, no class appears where it was not, and full labels are
    plainly resampled to the nearest.

    Args:
        known: (*space) bool, where the label is annotated.

    Returns:
        (*size) flat indices into ``known``, or None where they would be the nearest throughout.
    """
    space, nearest = known.shape, resize_nearest(known, size)
    if nearest.all() or not known.any() or all(s >= n for n, s in zip(space, size)):
        return None
    found = _annotation_within(known, tuple(min(n, s) for n, s in zip(space, size)))
    found = resize_nearest(found, size)
    plain = np.ravel_multi_index(np.ix_(*(nearest_index(n, s) for n, s in zip(space, size))), space)
    return np.where(nearest | (found < 0), plain, found)


def _annotation_within(known, size):
    """On a grid that is nowhere finer, the flat index of the annotated voxel nearest to each centre in its voxel, or -1."""
    flat = np.flatnonzero(known)
    voxels = np.unravel_index(flat, known.shape)
    places = [(v + 0.5) * s / n for v, n, s in zip(voxels, known.shape, size)]
    cells = [(2 * v + 1) * s // (2 * n) for v, n, s in zip(voxels, known.shape, size)]
    distance = sum((p - c - 0.5) ** 2 for p, c in zip(places, cells))
    last_wins = np.argsort(-distance, kind='stable')
    found = np.full(size, -1)
    found[tuple(c[last_wins] for c in cells)] = flat[last_wins]
    return found


def bspline_basis(count, distance):
    """(count, g): cubic B-splines at whole positions 0 … count - 1, of control points ``distance`` apart, the first at -distance.

    Each row sums to one and is nowhere negative.
    """
    place = np.arange(count) / distance
    cell = place.astype(int)
    t = place - cell
    values = np.stack([(1 - t) ** 3, 3 * t ** 3 - 6 * t ** 2 + 4, -3 * t ** 3 + 3 * t ** 2 + 3 * t + 1, t ** 3]) / 6
    basis = np.zeros((count, *control_counts([count], [distance])), np.float32)
    for k, value in enumerate(values):
        basis[np.arange(count), cell + k] = value
    return basis


def control_counts(size, distances):
    """g control points along each axis, from one distance before the first voxel on, that reach past the last one."""
    return tuple(int((n - 1) / d) + 4 for n, d in zip(size, distances))


def smooth_field(control, size, distances):
    """(D, *g) values at control points to the smooth field (D, *size) between them [Rueckert 1999]."""
    field = control
    for axis, (count, distance) in enumerate(zip(size, distances), start=1):
        field = np.moveaxis(np.tensordot(bspline_basis(count, distance), field, (1, axis)), 0, axis)
    return field

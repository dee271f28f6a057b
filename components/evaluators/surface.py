"""Distances between the surfaces of two masks, computed once and read by several metrics."""
import functools
import itertools

import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree

from scarceseg.registry.errors import UserError

from .overlap import check_same_shape

NEAR = 160  # voxel offsets that are tried before a search is made
TREE_QUERY = 16  # cost of one query of the tree, in points put into it
FIELD_VOXEL = 0.75  # cost of one voxel of a distance field, in the same unit


def surface_distances(label_mask, prediction_mask, spacing_mm=None):
    """Distance from each surface voxel of one mask to the nearest surface voxel of the other, both ways.

    A surface voxel is a voxel of the mask with a face neighbour outside the mask; beyond the image's border is outside.
    Only the masks' common bounding box is worked on. Surface voxels that both masks share have distance 0; around each
    of the others the nearest voxels are tried in order of distance, which settles most; what is farther away is left to
    a k-d tree or a distance field, whichever is cheaper. All of it is exact.

    Args:
        label_mask, prediction_mask: (*space) bool, 2 or 3 axes.
        spacing_mm: voxel size in the order of space; None counts in voxels.

    Returns:
        (label to prediction, prediction to label), float64, one value per surface voxel, in no particular order. If a
        mask is empty, so is its array, and the other's distances are infinite.

    Raises:
        UserError: the shapes differ, or the spacing does not fit them.
    """
    masks = [np.asarray(m, bool) for m in (label_mask, prediction_mask)]
    check_same_shape(*masks)
    spacing = check_spacing(spacing_mm, masks[0].shape)
    offsets, shells = _near_offsets(spacing)
    box = bounding_box(masks[0] | masks[1])
    reach = np.abs(offsets).max(0).clip(min=1)
    label, prediction = (_surface(np.pad(m[box], reach[:, None])) for m in masks)
    near = (spacing, offsets, shells)
    return _to_nearest(label, prediction, *near), _to_nearest(prediction, label, *near)


def hausdorff(distances, *, percentile=95):
    """Hausdorff distance, the larger of the two directed percentiles [Huttenlocher 1993], as in MONAI.

    Medpy's ``hd95`` is another number: the percentile of both directions' distances thrown together.

    Args:
        distances: from ``surface_distances``.
        percentile: in [0, 100], interpolated linearly; 100 is the Hausdorff distance proper.

    Returns:
        Float in the unit of the spacing; NaN where a mask is empty.
    """
    if any(d.size == 0 for d in distances):
        return float('nan')
    return float(max(np.percentile(d, percentile) for d in distances))


def assd(distances):
    """Average symmetric surface distance: the mean over all surface voxels of both masks [Heimann 2009].

    This is ``assd`` of medpy 0.5.2 and ``compute_average_surface_distance(symmetric=True)`` of MONAI. It is not the
    mean of the two directed means, which other programs give under this name.

    Args:
        distances: from ``surface_distances``.

    Returns:
        Float in the unit of the spacing; NaN where a mask is empty.
    """
    if any(d.size == 0 for d in distances):
        return float('nan')
    return float(np.concatenate(distances).mean())


def bounding_box(mask):
    """Slices of the smallest box that holds every True of ``mask`` (*space); of size 0 where there is none."""
    box = []
    for axis in range(mask.ndim):
        used = np.flatnonzero(mask.any(axis=tuple(a for a in range(mask.ndim) if a != axis)))
        box.append(slice(int(used[0]), int(used[-1]) + 1) if used.size else slice(0, 0))
    return tuple(box)


def check_spacing(spacing_mm, shape):
    """``spacing_mm`` as a tuple of floats, ones where it is None.

    Raises:
        UserError: it is not one positive number per axis.
    """
    if spacing_mm is None:
        return (1.0,) * len(shape)
    spacing = tuple(float(s) for s in spacing_mm)
    if len(spacing) != len(shape) or not all(0 < s < float('inf') for s in spacing):
        raise UserError(f'the spacing {spacing} does not fit a mask of shape {tuple(shape)}; give one positive number '
                        f'of millimetres per axis, {len(shape)} in all')
    return spacing


@functools.lru_cache(maxsize=64)
def _near_offsets(spacing, *, extent=6):
    """The ``NEAR`` nearest voxel offsets (n, axes), and [(distance, start, stop)] of those that are equally far."""
    offsets = np.array(list(itertools.product(range(-extent, extent + 1), repeat=len(spacing))))
    distance = np.sqrt(((offsets * spacing) ** 2).sum(1))
    complete = distance < (extent + 1) * min(spacing)  # nearer than anything beyond the extent
    offsets, distance = offsets[complete], distance[complete]
    order = np.argsort(distance, kind='stable')[1:NEAR + 1]  # the first is the voxel itself
    offsets, distance = offsets[order], distance[order]
    cuts = [0, *(np.flatnonzero(np.diff(distance)) + 1), len(distance)]
    return offsets, [(distance[start], start, stop) for start, stop in zip(cuts, cuts[1:])]


def _surface(mask):
    """Surface voxels of a mask with an empty margin, where shifting the flat array is shifting along an axis."""
    flat = mask.ravel()
    inner, step = flat.copy(), 1
    for size in reversed(mask.shape):
        inner[step:] &= flat[:-step]
        inner[:-step] &= flat[step:]
        step *= size
    return (flat & ~inner).reshape(mask.shape)


def _to_nearest(source, target, spacing, offsets, shells):
    """Distances from the voxels of ``source`` to the nearest of ``target``, both (*box) bool with an empty margin."""
    apart = np.flatnonzero(source & ~target)
    distances = np.zeros(np.count_nonzero(source))  # those that are shared come last, and stay 0
    if apart.size == 0:
        return distances
    strides = np.array(target.strides)  # of a C-contiguous array of bytes: steps in its flat form
    steps, flat = offsets @ strides, target.ravel()
    unsettled = np.arange(apart.size)
    for distance, start, stop in shells:
        hit = flat[apart + steps[start]]
        for step in steps[start + 1:stop]:
            hit |= flat[apart + step]
        distances[unsettled[hit]] = distance
        unsettled, apart = unsettled[~hit], apart[~hit]
        if apart.size == 0:
            return distances
    distances[unsettled] = _far(apart, target, spacing)
    return distances


def _far(queries, target, spacing):
    """Distances from voxels, given by their flat index, to the nearest of ``target`` (*box), by the cheaper search."""
    points = np.flatnonzero(target)
    if points.size == 0:
        return np.full(queries.size, np.inf)
    if points.size + TREE_QUERY * queries.size > FIELD_VOXEL * target.size:
        return distance_transform_edt(~target, sampling=spacing).ravel()[queries]
    points, queries = (np.stack(np.unravel_index(i, target.shape), 1) * spacing for i in (points, queries))
    return cKDTree(points, balanced_tree=False, compact_nodes=False).query(queries)[0]

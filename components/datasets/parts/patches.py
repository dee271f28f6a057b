"""Boxes of an image, of which nothing but the box is read."""
from __future__ import annotations

import numpy as np

from scarceseg.components.labels import IGNORE
from scarceseg.registry import UserError


def check_boxes(patch, margin, foreground):
    """Raise UserError where settings of boxes are out of range, or have no effect."""
    sizes = () if patch is None else tuple(patch) if isinstance(patch, (tuple, list)) else (patch,)
    margins = tuple(margin) if isinstance(margin, (tuple, list)) else (margin,)
    if any(s is not None and (not isinstance(s, int) or s < 1) for s in sizes) or not isinstance(patch, (tuple, list, type(None))):
        raise UserError(f'patch={patch!r} must give whole numbers of voxels, 1 or more, one for each axis; None for all of an axis')
    if any(not isinstance(m, int) or m < 0 for m in margins):
        raise UserError(f'margin={margin!r} must be a whole number of voxels, 0 or more, or one for each axis')
    if not 0 <= foreground <= 1:
        raise UserError(f'foreground={foreground!r} is a probability and must lie in [0, 1]')
    if patch is None and (any(margins) or foreground):
        raise UserError(f'margin={margin} and foreground={foreground} of the data set speak of patches, but it has none; set '
                        'patch, or the foreground of random_crop or random_affine')


def box_size(patch, margin, space, name):
    """``patch`` and ``margin`` as one number for each axis of a space: (size, margin).

    Raises:
        UserError: their number of axes is not that of the case called ``name``, or a number is out of range.
    """
    margin = (margin,) * len(patch) if isinstance(margin, int) else tuple(margin)
    if len(patch) != len(space) or len(margin) != len(space):
        raise UserError(f'case {name} has {len(space)} axes of space, {tuple(space)}, but patch={tuple(patch)} with '
                        f'margin={margin} has not; give a number for each axis, None for all of it')
    return tuple(n if p is None else p for p, n in zip(patch, space)), margin


def draw_box(rng, space, size, *, locations=None):
    """First voxel, along each axis, of a random box of ``size`` in an image of shape ``space``.

    All boxes inside are as likely; an axis that is shorter than the box gets as much before as behind.

    Args:
        rng: numpy Generator.
        locations: {class: flat indices}: the box is made to hold one of them, of a class drawn first, all classes alike.
    """
    low = [-((s - n) // 2) if s > n else 0 for s, n in zip(size, space)]
    high = [a if s > n else n - s for a, s, n in zip(low, size, space)]
    if locations:
        indices = locations[list(locations)[rng.integers(len(locations))]]
        focus = [int(f) for f in np.unravel_index(int(indices[rng.integers(len(indices))]), space)]
        low, high = ([min(max(v, a), b) for v, a, b in zip(values, low, high)]
                     for values in ([f - s + 1 for f, s in zip(focus, size)], focus))
    return tuple(int(rng.integers(a, b, endpoint=True)) for a, b in zip(low, high))


def read_box(array, start, size, *, fill):
    """The box of ``size`` voxels from ``start`` on, of the last axes of an array: a copy, which reads the box alone.

    Args:
        array: (*leading, *space), perhaps mapped.
        start: may be negative, and the box may end behind the image.
        fill: the value outside, or a value for each of the leading axis' entries.
    """
    space = array.shape[array.ndim - len(size):]
    inside = tuple(slice(max(s, 0), max(min(s + k, n), 0)) for s, k, n in zip(start, size, space))
    part = array[(..., *inside)]
    widths = [(max(-s, 0), max(s + k - n, 0)) for s, k, n in zip(start, size, space)]
    if not any(map(any, widths)):
        return np.array(part)
    out = np.empty((*array.shape[:array.ndim - len(size)], *size), array.dtype)
    out[...] = np.reshape(fill, (-1, *(1,) * len(size))) if np.ndim(fill) else fill
    out[(..., *(slice(a, k - b) for (a, b), k in zip(widths, size)))] = part
    return out


def outside_value(key, case):
    """What an array of a sample holds outside the image: as transforms pad."""
    return {'label': IGNORE, 'image': case['lowest']}.get(key, 0)

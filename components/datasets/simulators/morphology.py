"""Labels that are too large or too small."""
from __future__ import annotations

import numpy as np
from scipy import ndimage

from scarceseg.components.labels import IGNORE
from scarceseg.registry import UserError

from .checks import check_label, check_range, classes_in


def dilate_label(label, rng, *, radius=(6, 12), relative=False, classes=None, aspect=None):
    """Grow each class over the background by a random radius, as a generous annotator does.

    Only background gives way, so a voxel has one class: where several classes reach it the nearest has it, of equals the lower.

    Args:
        label: (y, x) or (z, y, x) class indices, 0 the background; 255 stays.
        rng: numpy Generator; the result is a pure function of the label, its state and the settings.
        radius: whole numbers (low, high), both included, of which one is drawn for each class, in voxels; a voxel whose centre is
            that near to the class joins it. With ``relative`` numbers of any kind.
        relative: ``radius`` is in shares of the class' own inner radius, the largest depth in it.
        classes: which classes grow; None: every one but the background.
        aspect: length of a voxel along each axis in units of the finest; None: all alike.

    Returns:
        (*space) uint8.

    Raises:
        UserError: a label that is not 2D or 3D, or a setting out of range.
    """
    label = check_label(label, 'dilate_label')
    sampling = check_noise(label, radius, relative, aspect)
    nearest, grown = np.full(label.shape, np.inf), label.copy()
    for c in classes_in(label, classes):
        inside = label == c
        reach = draw_radius(rng, radius, relative) * (inner_radius(inside, sampling) if relative else 1)
        away = ndimage.distance_transform_edt(~inside, sampling=sampling)
        joins = (label == 0) & (away <= reach) & (away < nearest)
        nearest[joins], grown[joins] = away[joins], c
    return grown


def erode_label(label, rng, *, radius=(6, 12), relative=False, classes=None, aspect=None):
    """Shrink each class from the background's side by a random radius, as a timid annotator does.

    Boundaries between foreground classes stay, so nothing but background is uncovered. A class keeps its deepest voxels, however
    large the radius is. The border of the image is no boundary.

    Args and errors are those of ``dilate_label``; a voxel joins the background whose centre is that near to it.
    """
    label = check_label(label, 'erode_label')
    sampling = check_noise(label, radius, relative, aspect)
    shrunk = label.copy()
    if not (label == 0).any():
        return shrunk
    depth = ndimage.distance_transform_edt(label != 0, sampling=sampling)
    for c in classes_in(label, classes):
        inside = label == c
        reach = draw_radius(rng, radius, relative) * (inner_radius(inside, sampling) if relative else 1)
        shrunk[inside & (depth <= reach) & (depth < depth[inside].max())] = 0
    return shrunk


def check_noise(label, radius, relative, aspect):
    """Raise UserError where a setting of label noise is out of range; returns ``aspect`` for SciPy."""
    check_range('radius', radius)
    if not relative and any(r != int(r) for r in radius):
        raise UserError(f'radius={radius!r} of the simulator must be whole numbers of voxels; relative=True takes shares')
    if aspect is None:
        return None
    if len(aspect) != label.ndim or min(aspect) <= 0:
        raise UserError(f'aspect={aspect!r} of the simulator must be a number above 0 for each of the {label.ndim} axes of space')
    return tuple(a / min(aspect) for a in aspect)


def draw_radius(rng, radius, relative):
    """A whole number of voxels, or, ``relative``, a share."""
    return float(rng.uniform(*radius)) if relative else int(rng.integers(int(radius[0]), int(radius[1]), endpoint=True))


def inner_radius(inside, sampling):
    """The largest depth, in voxels of the finest axis, of a region (*space) bool; the border of the image is no boundary."""
    return 1.0 if inside.all() else float(ndimage.distance_transform_edt(inside, sampling=sampling).max())


def keep_classes(before, after):
    """``after``, but with the voxels of ``before`` of each class that would be gone; 255 stays as it was."""
    for c in classes_in(before):
        if not (after == c).any():
            after[before == c] = c
    after[before == IGNORE] = IGNORE
    return after

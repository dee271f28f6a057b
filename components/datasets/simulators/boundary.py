"""Scribbles along the boundaries of classes."""
from __future__ import annotations

import numpy as np
from scipy import ndimage

from scarceseg.components.labels import IGNORE

from .checks import check_count, check_known, check_label, check_range, check_share, classes_in
from .scribbles import SQUARE, part_of_line, per_class, thicken


def boundary_scribble(label, rng, *, num_classes, length=0.5, thickness=1, inset=(1, 2)):
    """Draw strokes that follow the boundary of every class, on its own side, slice by slice.

    They show where a class ends, which interior scribbles never do. The border of the image is no boundary.

    Args:
        label: (y, x) or (z, y, x) class indices; 255 is never drawn upon, and is no boundary either.
        rng: numpy Generator; the scribble is a pure function of the label, its state and the settings.
        num_classes: classes 0 … num_classes - 1 get strokes.
        length: share of each closed line that is drawn, in (0, 1]; a number, or one for each class.
        thickness: width of the strokes in voxels; a number, or one for each class.
        inset: voxels of the class that stay between a stroke and its boundary, drawn for each class and slice.

    Returns:
        (*space) uint8, the class on the strokes and 255 elsewhere. Every region of a class that has a boundary has a voxel.

    Raises:
        UserError: a label that is not 2D or 3D or has another class, or a setting out of range.
    """
    label = check_label(label, 'boundary_scribble')
    check_known(label, num_classes)
    lengths, widths = per_class('length', length, num_classes), per_class('thickness', thickness, num_classes)
    for share, width in zip(lengths, widths):
        check_share('length', share)
        check_count('thickness', width)
    check_range('inset', inset)
    volume = label[None] if label.ndim == 2 else label
    scribble = np.full(volume.shape, IGNORE, np.uint8)
    for plane, drawn in zip(volume, scribble):
        for c in classes_in(plane, range(num_classes), background=True):
            inside = plane == c
            lines = _along_boundary(inside, plane == IGNORE, int(rng.integers(inset[0], inset[1], endpoint=True)), lengths[c], rng)
            drawn[thicken(lines, widths[c]) & inside] = c
    return scribble.reshape(label.shape)


def _along_boundary(inside, unknown, inset, length, rng):
    """(y, x) bool: in each region of a class a share of the line that lies ``inset`` voxels inside its boundary."""
    drawn = np.zeros_like(inside)
    if (inside | unknown).all():
        return drawn
    depth = np.where(inside, ndimage.distance_transform_edt(inside | unknown), 0)
    regions, _ = ndimage.label(inside, SQUARE)
    for k, box in enumerate(ndimage.find_objects(regions), 1):
        deep = np.where(regions[box] == k, depth[box], 0)
        level = min(inset, np.ceil(deep.max()) - 1)  # a thin region gets its middle
        ring, count = ndimage.label((deep > level) & (deep <= level + 1), SQUARE)
        for loop in range(1, count + 1):
            drawn[box] |= part_of_line(ring == loop, length, rng)
    return drawn

"""Bounding boxes."""
from __future__ import annotations

import numpy as np
from scipy import ndimage

from scarceseg.components.labels import IGNORE

from .checks import check_count, check_label, check_share, classes_in
from .scribbles import SQUARE


def boxes_from_label(label, rng, *, core=1.0, jitter=0, slices=True, smallest=1):
    """The label that bounding boxes make: background outside all boxes, a box's class inside it [Khoreva 2017].

    Each connected region has a box. Where boxes overlap the smaller one lies on top; of two alike, the higher class.

    Args:
        label: (y, x) or (z, y, x) class indices; 255 stays 255.
        rng: numpy Generator, for ``jitter``.
        core: share of each side of a box, about its middle, that is labelled with its class, in [0, 1]; the rest of the box is not
            annotated (255). 1 takes the whole box for its class, which is wrong in its corners; 0 says nothing about inside.
        jitter: each side is moved in or out by up to so many voxels.
        slices: boxes in each slice of a volume; else boxes in space.
        smallest: regions of fewer voxels have no box, and become not annotated.

    Returns:
        (*space) uint8.

    Raises:
        UserError: a label that is not 2D or 3D, or a setting out of range.
    """
    label = check_label(label, 'boxes_from_label')
    check_share('core', core, zero=True)
    check_count('jitter', jitter, least=0)
    check_count('smallest', smallest)
    parts = label if slices and label.ndim == 3 else label[None]
    boxed = np.stack([_boxed(part, rng, core, jitter, smallest) for part in parts]).reshape(label.shape)
    boxed[label == IGNORE] = IGNORE
    return boxed


def _boxed(label, rng, core, jitter, smallest):
    """Boxes of one slice, or of a volume as a whole."""
    structure = SQUARE if label.ndim == 2 else np.ones((3, 3, 3), bool)
    out, found = np.zeros(label.shape, np.uint8), []
    for c in classes_in(label):
        regions, _ = ndimage.label(label == c, structure)
        sizes = np.bincount(regions.ravel())[1:]
        out[np.isin(regions, np.flatnonzero(sizes < smallest) + 1)] = IGNORE
        for box, size in zip(ndimage.find_objects(regions), sizes):
            moved = [_moved(s.start, s.stop, n, rng, jitter) for s, n in zip(box, label.shape)]
            if size >= smallest:
                found.append((-np.prod([b - a for a, b in moved]), c, moved))
    for _, c, sides in sorted(found, key=lambda f: f[:2]):
        out[tuple(slice(a, b) for a, b in sides)] = IGNORE if core < 1 else c
        inner = [_core(a, b, core) for a, b in sides]
        if core > 0:
            out[tuple(slice(a, b) for a, b in inner)] = c
    return out


def _moved(start, stop, length, rng, jitter):
    """The two ends of a side, moved, but at least a voxel apart and inside the image."""
    if jitter:
        start, stop = start + int(rng.integers(-jitter, jitter + 1)), stop + int(rng.integers(-jitter, jitter + 1))
    start = min(max(start, 0), length - 1)
    return start, min(max(stop, start + 1), length)


def _core(start, stop, share):
    """The middle ``share`` of a side, at least a voxel of it."""
    size = max(1, round(share * (stop - start)))
    first = start + (stop - start - size) // 2
    return first, first + size

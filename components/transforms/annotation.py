"""What an annotation says beyond the voxels it marks."""
from __future__ import annotations

import math

import numpy as np

from scarceseg.components.labels import IGNORE, IMPLIED
from scarceseg.registry import TRANSFORMS

from .checks import check_least


@TRANSFORMS.register_module()
def implied_background(sample, rng=None, *, margin=0.1):
    """Mark as implied background (254) what lies outside the box of a slice's scribbles.

    Annotators who scribble the background do it around the organ, not all over the image. Far from the scribbles nothing is
    supervised, and a network is free to paint organs there. This assumes that in each annotated slice the bounding box of all
    scribbles, background's among them, holds the whole organ; where that is not so, leave this transform out. Slices without
    any annotation, and every annotated voxel, stay as they are.

    Args:
        sample: with ``label`` (z, y, x), or (y, x); a sample without label passes through.
        margin: the box is enlarged at each side by this share of its length.
    """
    check_least('implied_background', 'margin', margin, 0)
    if 'label' not in sample:
        return sample
    label = sample['label'].copy()
    for plane in label if label.ndim == 3 else label[None]:
        annotated = plane != IGNORE
        if annotated.any():
            inside = np.zeros(plane.shape, bool)
            inside[tuple(_enlarged(np.flatnonzero(annotated.any(1 - axis)), margin) for axis in (0, 1))] = True
            plane[~inside & ~annotated] = IMPLIED
    return dict(sample, label=label)


def _enlarged(used, margin):
    extra = math.ceil(margin * (used[-1] - used[0] + 1))
    return slice(max(0, used[0] - extra), used[-1] + 1 + extra)

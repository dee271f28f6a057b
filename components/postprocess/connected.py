"""Connected components."""
import numpy as np
from scipy import ndimage

from scarceseg.registry import POSTPROCESSORS


@POSTPROCESSORS.register_module()
def largest_component(label, *, per_class=False):
    """Keep the largest connected part (voxels joined by faces), background elsewhere; of equal parts the first in memory.

    Args:
        label: (*space) integer class indices, 0 background.
        per_class: keep the largest part of each class by itself instead of that of all foreground together.

    Returns:
        (*space) like ``label``.
    """
    classes = [c for c in np.unique(label) if c] if per_class else [None]
    keep = np.zeros(label.shape, bool)
    for c in classes:
        parts, count = ndimage.label(label != 0 if c is None else label == c)
        if count:
            keep |= parts == np.bincount(parts.ravel())[1:].argmax() + 1
    return np.where(keep, label, 0).astype(label.dtype)

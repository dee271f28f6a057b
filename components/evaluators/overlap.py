"""Overlap of two label maps: one table of counts, read in several ways."""
import numpy as np

from scarceseg.components.labels import IGNORE
from scarceseg.registry.errors import UserError


def confusion(label, prediction, *, num_classes):
    """How many voxels of each class were given each class.

    Args:
        label: (*space) integer class indices; voxels of 255 ("not annotated") are left out, whatever is predicted.
        prediction: (*space) integer class indices.
        num_classes: K, background included.

    Returns:
        (K, K) int64; rows are the label's classes, columns the prediction's.

    Raises:
        UserError: the shapes differ, or there is a value that is no class.
    """
    label, prediction = np.asarray(label), np.asarray(prediction)
    check_same_shape(label, prediction)
    annotated = label != IGNORE
    if not annotated.all():
        label, prediction = label[annotated], prediction[annotated]
    _check_classes('label', label, num_classes)
    _check_classes('prediction', prediction, num_classes)
    pairs = label.astype(np.intp) * num_classes + prediction
    return np.bincount(pairs.ravel(), minlength=num_classes ** 2).reshape(num_classes, num_classes)


def fuse(counts, classes):
    """Counts of several classes taken as one, such as the whole heart.

    Args:
        counts: (K, K) from ``confusion``.
        classes: indices of the classes to take as one.

    Returns:
        (2, 2) int64: everything else first, the fused class second.
    """
    member = np.zeros(len(counts), int)
    member[list(classes)] = 1
    fused = np.zeros((2, 2), np.int64)
    np.add.at(fused, (member[:, None], member[None, :]), counts)
    return fused


def dice_from_confusion(counts):
    """Dice of each class, twice the common voxels over the sum of both sides [Dice 1945].

    Args:
        counts: (K, K) from ``confusion``.

    Returns:
        (K,) float64 in [0, 1]; NaN where a class is in neither label nor prediction.
    """
    return _ratio(2 * np.diagonal(counts), counts.sum(0) + counts.sum(1))


def iou_from_confusion(counts):
    """Intersection over union of each class [Jaccard 1912], (K,) float64; NaN where a class is on neither side."""
    common = np.diagonal(counts)
    return _ratio(common, counts.sum(0) + counts.sum(1) - common)


def check_same_shape(label, prediction, *, case=''):
    """Raise UserError where label and prediction are not on one grid."""
    if label.shape != prediction.shape:
        where = f'case {case}: ' if case else ''
        raise UserError(f'{where}the label has shape {label.shape}, but the prediction has {prediction.shape}; both '
                        'must be on the same grid, so predict on the grid of the image that the label was drawn on')


def _check_classes(what, values, num_classes):
    if values.dtype.kind not in 'biu':
        raise UserError(f'the {what} has dtype {values.dtype}, but class indices are integers; convert it, for '
                        'example with astype("uint8")')
    if values.size and (values.max() >= num_classes or values.min() < 0):
        strange = [int(v) for v in np.unique(values) if not 0 <= v < num_classes]
        raise UserError(f'the {what} holds {strange[:5]}, but the classes are 0 to {num_classes - 1}; was it made '
                        'for other classes?')


def _ratio(part, whole):
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)

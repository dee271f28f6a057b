"""A label and its prediction, and one class of both: what several measures need is worked out once, when the first asks."""
from __future__ import annotations

import functools

import numpy as np
from scipy import ndimage

from scarceseg.components.labels import IGNORE
from scarceseg.registry.errors import UserError

from .overlap import check_same_shape, confusion, fuse
from .surface import bounding_box, check_spacing, surface_distances


class CasePair:
    """Label and prediction of one case on one grid.

    Voxels without annotation (255) are of no class on both sides, and in no count.

    Args:
        label: (*space) class indices, 255 where not annotated.
        prediction: (*space) class indices.
        spacing_mm: voxel size in the order of space; None counts distances in voxels.
        num_classes: background included.
        has_background: whether class 0 is background, of which nothing is said.
        prob: (K, *space) predicted probabilities, or None.

    Raises:
        UserError: the shapes differ, the spacing does not fit, or a value is no class.
    """

    def __init__(self, label, prediction, spacing_mm, *, num_classes, has_background=True, prob=None):
        label, prediction = np.asarray(label), np.asarray(prediction)
        check_same_shape(label, prediction)
        check_spacing(spacing_mm, label.shape)
        self.spacing_mm, self.shape = spacing_mm, label.shape
        self._whole, self._prob = label, _checked_prob(prob, num_classes, label.shape)
        ignored = label == IGNORE
        annotated = label.size - int(np.count_nonzero(ignored))
        if has_background:  # outside the box of all foreground nothing changes a foreground class
            if annotated < label.size:
                label, prediction = np.where(ignored, 0, label), np.where(ignored, 0, prediction)
            box = bounding_box((label != 0) | (prediction != 0))
            label, prediction = label[box], prediction[box]
        elif annotated < label.size:
            prediction = np.where(ignored, label, prediction)
        self.label, self.prediction = label, prediction
        self.counts = confusion(label, prediction, num_classes=num_classes)
        if has_background:
            self.counts[0, 0] += annotated - self.counts.sum()

    @property
    def diagonal(self):
        """Length of the image's diagonal, in the unit of the spacing."""
        return float(np.linalg.norm(np.multiply(self.shape, check_spacing(self.spacing_mm, self.shape))))

    @functools.cached_property
    def annotated(self):
        """(*space) bool, or ``...`` where all is annotated."""
        annotated = self._whole != IGNORE
        return ... if annotated.all() else annotated

    def share(self, classes):
        """(probability of some classes taken as one, whether the label has them), both (n,) over the annotated voxels."""
        if self._prob is None:
            raise UserError('calibration is judged by probabilities, and there are none; predict with --save-prob')
        prob = np.clip(self._prob[list(classes)].sum(0, dtype=np.float64), 0, 1)
        return prob[self.annotated].ravel(), np.isin(self._whole, list(classes))[self.annotated].ravel()

    def of(self, classes):
        """The ``Comparison`` of some classes taken as one."""
        return Comparison(self, tuple(classes))


class Comparison:
    """One class, or several taken as one, in label and prediction. Measures are functions of it.

    Attributes:
        counts: (2, 2) int64, rows of the label, columns of the prediction; the class is second.
        spacing_mm: voxel size in the order of space, or None.
    """

    def __init__(self, pair, classes):
        self.pair, self.classes, self.spacing_mm = pair, classes, pair.spacing_mm
        self.counts = fuse(pair.counts, classes)

    @property
    def label_voxels(self):
        """Voxels that the label gives the class."""
        return int(self.counts[1].sum())

    @property
    def prediction_voxels(self):
        """Voxels that the prediction gives the class."""
        return int(self.counts[:, 1].sum())

    @property
    def state(self):
        """'both', 'label_empty', 'prediction_empty' or 'both_empty': on which sides the class is."""
        sides = (self.label_voxels > 0, self.prediction_voxels > 0)
        return {(True, True): 'both', (False, True): 'label_empty', (True, False): 'prediction_empty'}.get(sides, 'both_empty')

    @functools.cached_property
    def masks(self):
        """(label, prediction), bool, on a box that holds both."""
        return tuple(functools.reduce(np.logical_or, [side == c for c in self.classes])
                     for side in (self.pair.label, self.pair.prediction))

    @functools.cached_property
    def distances(self):
        """``surface_distances`` both ways; empty arrays where the class is not on both sides."""
        return surface_distances(*self.masks, self.spacing_mm) if self.state == 'both' else (np.zeros(0), np.zeros(0))

    @functools.cached_property
    def lesions(self):
        """Connected regions: (label, prediction) int32 of 1 to n, voxels that touch by a corner included."""
        whole = np.ones((3,) * len(self.pair.shape))
        return tuple(ndimage.label(mask, whole)[0] for mask in self.masks)

    @functools.cached_property
    def share(self):
        """(probability of the class, whether the label has it), both (n,) over the annotated voxels."""
        return self.pair.share(self.classes)


def _checked_prob(prob, num_classes, shape):
    if prob is None:
        return None
    prob = np.asarray(prob)
    if prob.shape != (num_classes, *shape):
        raise UserError(f'the probabilities have shape {prob.shape}, but the label of shape {tuple(shape)} with {num_classes} '
                        f'classes needs {(num_classes, *shape)}; predict again with --save-prob')
    return prob

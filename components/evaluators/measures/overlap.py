"""Measures of the four counts: right and wrong voxels of a class, and of everything else."""
from __future__ import annotations

from ..measuring import measure
from ..overlap import dice_from_confusion, iou_from_confusion


@measure('Dice')
def dice(c):
    """Twice the common voxels over the sum of both sides [Dice 1945]; NaN where the class is on neither side."""
    return float(dice_from_confusion(c.counts)[1])


@measure('IoU')
def iou(c):
    """Intersection over union [Jaccard 1912]; NaN where the class is on neither side."""
    return float(iou_from_confusion(c.counts)[1])


@measure('sensitivity')
def sensitivity(c):
    """Share of the label's voxels that were found, also called recall; NaN where the label lacks the class."""
    return _ratio(c.counts[1, 1], c.label_voxels)


@measure('specificity')
def specificity(c):
    """Share of the voxels outside the label that are outside the prediction too.

    Near 1 for any small structure, for it counts all of the background; NaN where the label is everywhere.
    """
    return _ratio(c.counts[0, 0], c.counts[0].sum())


@measure('precision')
def precision(c):
    """Share of the predicted voxels that are right; NaN where the prediction lacks the class."""
    return _ratio(c.counts[1, 1], c.prediction_voxels)


@measure('accuracy')
def accuracy(c):
    """Share of all annotated voxels on which both sides agree, be it that they are of the class or that they are not."""
    return _ratio(c.counts[0, 0] + c.counts[1, 1], c.counts.sum())


@measure('volume similarity')
def volume_similarity(c):
    """One minus the difference of both volumes over their sum [Taha 2015]; where they lie does not matter."""
    both = c.label_voxels + c.prediction_voxels
    return _ratio(both - abs(c.label_voxels - c.prediction_voxels), both)


@measure('volume error', better='lower')
def relative_volume_error(c):
    """Difference of both volumes over the label's, without its sign; NaN where the label lacks the class."""
    return _ratio(abs(c.prediction_voxels - c.label_voxels), c.label_voxels)


def _ratio(part, whole):
    return float(part / whole) if whole else float('nan')

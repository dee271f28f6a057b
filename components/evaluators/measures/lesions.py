"""Measures of what was found at all: regions of the label, regions of the prediction, and which belong together."""
from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from scarceseg.registry.errors import UserError

from ..measuring import measure


@measure('lesion F1')
def lesion_f1(c, *, overlap=0.1):
    """Twice the regions found over the regions of both sides [Maier 2024].

    A region is what touches, by a corner too. One of the label is found by one of the prediction whose IoU with it is above
    ``overlap``; each finds at most one, so that as many are found as possible.

    Args:
        overlap: in [0, 1); 0 lets a common voxel do.

    Returns:
        Float in [0, 1]; NaN where there is no region on either side.
    """
    found, label, prediction = _matched(c, overlap)
    return _ratio(2 * found, label + prediction)


@measure('lesion sensitivity')
def lesion_sensitivity(c, *, overlap=0.1):
    """Share of the label's regions that were found, see ``lesion_f1``; NaN where there is none."""
    found, label, _ = _matched(c, overlap)
    return _ratio(found, label)


@measure('lesion precision')
def lesion_precision(c, *, overlap=0.1):
    """Share of the predicted regions that found one, see ``lesion_f1``; NaN where there is none."""
    found, _, prediction = _matched(c, overlap)
    return _ratio(found, prediction)


def _matched(c, overlap):
    """(regions found, regions of the label, regions of the prediction)."""
    if not 0 <= overlap < 1:
        raise UserError(f'overlap={overlap} of regions must lie in [0, 1)')
    label, prediction = c.lesions
    n, m = int(label.max(initial=0)), int(prediction.max(initial=0))
    pairs = label.ravel().astype(np.int64) * (m + 1) + prediction.ravel()
    common = np.bincount(pairs, minlength=(n + 1) * (m + 1)).reshape(n + 1, m + 1)
    union = common.sum(1)[1:, None] + common.sum(0)[None, 1:] - common[1:, 1:]
    fits = common[1:, 1:] > overlap * union
    return int(fits[linear_sum_assignment(fits, maximize=True)].sum()), n, m


def _ratio(part, whole):
    return part / whole if whole else float('nan')

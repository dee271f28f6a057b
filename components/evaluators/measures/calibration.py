"""Measures of probabilities: whether seven of ten voxels with 0.7 are right. Each is of one class against the rest.

They are means over all annotated voxels, background's among them, which are mostly easy: compare methods by them, not data sets.
"""
from __future__ import annotations

import numpy as np

from scarceseg.registry.errors import UserError

from ..measuring import measure

SMALLEST = 1e-7  # probability that a logarithm is taken of


@measure('ECE', better='lower', needs_prob=True)
def calibration_error(c, *, bins=15):
    """Expected calibration error: how far probability and frequency are apart, over bins of probability [Guo 2017].

    Args:
        bins: of equal width in (0, 1]; the first holds 0 too.
    """
    if bins < 1 or bins != int(bins):
        raise UserError(f'bins={bins} of the calibration error must be a whole number, 1 or more')
    prob, truth = c.share
    if not prob.size:
        return float('nan')
    place = np.clip(np.ceil(prob * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(place, weights=prob - truth, minlength=bins)
    return float(np.abs(gaps).sum() / prob.size)


@measure('Brier', kind='number', better='lower', needs_prob=True)
def brier(c):
    """Mean squared difference of probability and truth [Brier 1950]."""
    prob, truth = c.share
    return float(np.mean((prob - truth) ** 2)) if prob.size else float('nan')


@measure('NLL', kind='number', better='lower', needs_prob=True)
def negative_log_likelihood(c):
    """Mean of ``-ln`` of the probability of what the label says, the class or not the class."""
    prob, truth = c.share
    return float(-np.log(np.clip(np.where(truth, prob, 1 - prob), SMALLEST, 1)).mean()) if prob.size else float('nan')

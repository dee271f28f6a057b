"""Dice of centre lines, for vessels and airways: a gap weighs as much as a missing branch of its length."""
from __future__ import annotations

from scarceseg.registry.errors import UserError

from ..measuring import measure


@measure('clDice')
def centreline_dice(c):
    """Harmonic mean of two shares: of the prediction's centre line within the label, and of the label's within the prediction.

    [Shit 2021]. The centre lines are scikit-image's skeletons.

    Returns:
        Float in [0, 1]; 0 where the class is on one side only, NaN where it is on neither.

    Raises:
        UserError: scikit-image is not installed.
    """
    if c.state != 'both':
        return float('nan') if c.state == 'both_empty' else 0.0
    try:
        from skimage.morphology import skeletonize
    except ImportError as error:
        raise UserError('centreline_dice needs scikit-image; pip install "scarceseg[skeleton]"') from error
    label, prediction = c.masks
    lines = [skeletonize(mask) > 0 for mask in c.masks]
    found, right = label[lines[1]].mean(), prediction[lines[0]].mean()
    return float(2 * found * right / (found + right)) if found + right else 0.0

"""Sums of losses."""
from scarceseg.components.labels import IGNORE
from scarceseg.registry import LOSSES

from .overlap import soft_dice
from .pixelwise import cross_entropy


@LOSSES.register_module()
def dice_ce(logits, label, *, dice_weight=0.5, ce_weight=0.5, ignore_index=IGNORE, smooth=1e-5, per_sample=False,
            background=True, class_weights=None):
    """Weighted sum of soft Dice and cross entropy, by default half of each [Isensee 2021].

    Args:
        logits: (N, C, *space) unnormalised scores.
        label: (N, *space) integer class indices.
        dice_weight, ce_weight: weights of the two.
        smooth, per_sample, background: see ``soft_dice``.
        class_weights: see ``cross_entropy``.
        ignore_index: label of voxels that are not annotated.

    Returns:
        Scalar, float32.
    """
    dice = soft_dice(logits, label, smooth=smooth, ignore_index=ignore_index, per_sample=per_sample, background=background)
    entropy = cross_entropy(logits, label, ignore_index=ignore_index, class_weights=class_weights)
    return dice_weight * dice + ce_weight * entropy

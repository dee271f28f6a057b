"""Sums of losses."""
from scarceseg.components.labels import IGNORE
from scarceseg.registry import LOSSES, UserError
from scarceseg.registry.binding import nearest

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


@LOSSES.register_module()
def combined(logits, label, *, losses, weights=None):
    """Weighted sum of losses, each with settings of its own.

    ``dict(type='combined', losses=dict(dice=dict(type='soft_dice'), focal=dict(type='focal', gamma=3)), weights=dict(focal=2))``

    Args:
        logits: (N, C, *space) unnormalised scores.
        label: (N, *space) integer class indices.
        losses: {name: loss(logits, label)}; in a config, configs.
        weights: {name: number}; a loss that is not there weighs 1.

    Returns:
        Scalar, float32.

    Raises:
        UserError: there is no loss, or a weight without loss.
    """
    if not isinstance(losses, dict) or not losses:
        raise UserError(f'combined needs losses=dict(NAME=dict(type=…), …), but has {losses!r}')
    weights = weights or {}
    for name in weights:
        if name not in losses:
            raise UserError(f'combined: weights.{name} is of no loss{nearest(name, losses)}; the losses are: {", ".join(losses)}')
    return sum(weights.get(name, 1.0) * loss(logits, label) for name, loss in losses.items())

"""Losses of regional overlap."""
import torch

from scarceseg.components.labels import IGNORE
from scarceseg.registry import LOSSES

from .checks import known_label, precise


def soft_dice_per_class(logits, label, *, smooth=1e-5, ignore_index=IGNORE, per_sample=False):
    """Soft Dice coefficient ``(2 Σpy + ε) / (Σp + Σy + ε)`` of each class, over the annotated voxels [Milletari 2016].

    Args:
        logits: (N, C, *space) unnormalised scores; one softmax is taken here.
        label: (N, *space) integer class indices.
        smooth: ε, in voxels; a class absent from both sides scores 1.
        ignore_index: label of voxels that are not annotated; they count on neither side.
        per_sample: sums over each sample alone instead of over the batch.

    Returns:
        (C,) or, per sample, (N, C), float32 in [0, 1].
    """
    label = known_label(logits, label, ignore_index)
    annotated = label != ignore_index
    prob = precise(logits).softmax(1) * annotated[:, None]
    target = torch.zeros_like(prob).scatter_(1, label.where(annotated, 0)[:, None], annotated[:, None].to(prob.dtype))
    space = tuple(range(2, prob.ndim))
    dims = space if per_sample else (0, *space)
    return (2 * (prob * target).sum(dims) + smooth) / (prob.sum(dims) + target.sum(dims) + smooth)


@LOSSES.register_module()
def soft_dice(logits, label, *, smooth=1e-5, ignore_index=IGNORE, per_sample=False, background=True):
    """One minus soft Dice, averaged over classes (and samples) [Milletari 2016].

    Args:
        logits: (N, C, *space) unnormalised scores.
        label: (N, *space) integer class indices.
        smooth: added to both sides of the fraction, in voxels.
        ignore_index: label of voxels that are not annotated; a batch without annotated voxels gives 0.
        per_sample: Dice of each sample, then the mean, instead of one Dice over the batch.
        background: whether class 0 counts in the mean.

    Returns:
        Scalar in [0, 1], float32.
    """
    dice = soft_dice_per_class(logits, label, smooth=smooth, ignore_index=ignore_index, per_sample=per_sample)
    return 1 - dice[..., 0 if background else 1:].mean()

"""Losses of regional overlap."""
from __future__ import annotations

import torch

from scarceseg.components.labels import IGNORE
from scarceseg.registry import LOSSES, UserError

from .arithmetic import class_mean, ratio
from .overlap_sums import dice_of, overlap_sums, prob_and_target


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
    prob, target, _ = prob_and_target(logits, label, ignore_index)
    return dice_of(overlap_sums(prob, target, per_sample=per_sample), smooth=smooth)


@LOSSES.register_module()
def soft_dice(logits, label, *, smooth=1e-5, ignore_index=IGNORE, per_sample=False, background=True, class_weights=None):
    """One minus soft Dice, averaged over classes (and samples) [Milletari 2016].

    Args:
        logits: (N, C, *space) unnormalised scores.
        label: (N, *space) integer class indices.
        smooth: added to both sides of the fraction, in voxels.
        ignore_index: label of voxels that are not annotated; a batch without annotated voxels gives 0.
        per_sample: Dice of each sample, then the mean, instead of one Dice over the batch.
        background: whether class 0 counts in the mean.
        class_weights: C numbers that weigh the classes in the mean, or None for ones.

    Returns:
        Scalar in [0, 1], float32.
    """
    dice = soft_dice_per_class(logits, label, smooth=smooth, ignore_index=ignore_index, per_sample=per_sample)
    return 1 - class_mean(dice, logits, background=background, class_weights=class_weights)


@LOSSES.register_module()
def tversky(logits, label, *, alpha=0.3, beta=0.7, smooth=1e-5, ignore_index=IGNORE, per_sample=False, background=True,
            class_weights=None):
    """One minus the Tversky index ``TP / (TP + α FP + β FN)``, averaged over classes [Salehi 2017].

    Both sides are doubled before ``smooth`` is added, so that α = β = ½ is ``soft_dice``.

    Args:
        logits: (N, C, *space) unnormalised scores.
        label: (N, *space) integer class indices.
        alpha: weight of what is predicted wrongly; from 0 on.
        beta: weight of what is missed; from 0 on. Above α, small structures are missed less.
        smooth, per_sample, background, class_weights: see ``soft_dice``.
        ignore_index: label of voxels that are not annotated.

    Returns:
        Scalar in [0, 1], float32.
    """
    if alpha < 0 or beta < 0:
        raise UserError(f'alpha={alpha} and beta={beta} of tversky must not be negative')
    prob, target, _ = prob_and_target(logits, label, ignore_index)
    both, predicted, true = overlap_sums(prob, target, per_sample=per_sample)
    wrong, missed = (predicted - both).clamp_min(0), (true - both).clamp_min(0)
    index = ratio(2 * both + smooth, 2 * (both + alpha * wrong + beta * missed) + smooth)
    return 1 - class_mean(index, logits, background=background, class_weights=class_weights)


@LOSSES.register_module()
def group_dice(logits, label, *, groups=None, smooth=1e-5, ignore_index=IGNORE, per_sample=False):
    """One minus soft Dice of groups of classes, each group taken as one class: the probability of a group is the sum of its
    classes' and a voxel belongs to it whose label is any of them [Wang 2023].

    It asks where an organ is without asking which part of it, as labels do that tell parts apart badly or not at all.

    Args:
        logits: (N, C, *space) unnormalised scores.
        label: (N, *space) integer class indices.
        groups: tuples of class indices, which may overlap; default one group of all classes but background.
        smooth, per_sample: see ``soft_dice``.
        ignore_index: label of voxels that are not annotated.

    Returns:
        Scalar in [0, 1], float32: the mean over the groups.

    Raises:
        UserError: a group is empty or has a class that is not there.
    """
    prob, target, _ = prob_and_target(logits, label, ignore_index)
    classes = prob.shape[1]
    groups = [range(1, classes)] if groups is None else groups
    for group in groups:
        if not isinstance(group, (tuple, list, range)) or not group or not all(0 <= c < classes for c in group):
            raise UserError(f'groups={groups}: {group} must be a tuple of classes, from 0 to {classes - 1}')
    prob, target = (torch.stack([x[:, list(group)].sum(1) for group in groups], 1) for x in (prob, target))
    return 1 - dice_of(overlap_sums(prob, target, per_sample=per_sample), smooth=smooth).mean()

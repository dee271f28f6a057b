"""Losses for classes of unlike size: what is learned already counts less."""
import torch

from scarceseg.components.labels import IGNORE
from scarceseg.registry import LOSSES, UserError

from .arithmetic import annotated_mean, class_mean, log, power
from .checks import per_class
from .overlap import soft_dice_per_class
from .overlap_sums import dice_of, overlap_sums, prob_and_target
from .pixelwise import surprisal


@LOSSES.register_module()
def focal(logits, label, *, gamma=2.0, ignore_index=IGNORE, class_weights=None):
    """``-(1 - p_y)^γ ln p_y``, averaged over the annotated voxels [Lin 2017].

    Args:
        logits: (N, C, *space) unnormalised scores.
        label: (N, *space) integer class indices.
        gamma: γ from 0 on; 0 is ``cross_entropy``.
        ignore_index: label of voxels that are not annotated.
        class_weights: C numbers, the paper's α, or None for ones; the mean is ``Σ w … / Σ w`` as that of ``cross_entropy``.

    Returns:
        Scalar, float32.
    """
    if gamma < 0:
        raise UserError(f'gamma={gamma} of focal must not be negative')
    values, label = surprisal(logits, label, ignore_index)
    values = power(-torch.expm1(-values), gamma) * values
    return annotated_mean(values, label, ignore_index=ignore_index, weights=per_class('class_weights', class_weights, logits))


@LOSSES.register_module()
def focal_dice(logits, label, *, beta=2.0, smooth=1e-5, ignore_index=IGNORE, per_sample=False, background=True,
               class_weights=None):
    """``1 - Dice^(1/β)``, averaged over classes: a class with low Dice pulls more than one with high [Wang 2018].

    Args:
        logits: (N, C, *space) unnormalised scores.
        label: (N, *space) integer class indices.
        beta: β from 1 on; 1 is ``soft_dice``.
        smooth, per_sample, background, class_weights: see ``soft_dice``; the paper leaves the background out.
        ignore_index: label of voxels that are not annotated.

    Returns:
        Scalar in [0, 1], float32.
    """
    if beta < 1:
        raise UserError(f'beta={beta} of focal_dice must be 1 or more')
    dice = soft_dice_per_class(logits, label, smooth=smooth, ignore_index=ignore_index, per_sample=per_sample)
    return 1 - class_mean(power(dice, 1 / beta), logits, background=background, class_weights=class_weights)


@LOSSES.register_module()
def exp_log(logits, label, *, dice_weight=0.8, ce_weight=0.2, gamma=0.3, smooth=1.0, ignore_index=IGNORE, class_weights=None):
    """Exponential logarithmic loss: ``mean_c (-ln Dice_c)^γ`` and ``mean w_y (-ln p_y)^γ``, weighed [Wong 2018].

    Args:
        logits: (N, C, *space) unnormalised scores.
        label: (N, *space) integer class indices.
        dice_weight, ce_weight: weights of the two.
        gamma: γ above 0, of both; below 1 what is nearly right keeps a gradient.
        smooth: added to both sides of Dice, in voxels.
        ignore_index: label of voxels that are not annotated.
        class_weights: C numbers w of the second term, which are not divided out again; default the paper's
            ``(Σ_k f_k / f_c)^½``, with f the frequencies of the classes, here those of the batch.

    Returns:
        Scalar, float32.
    """
    if gamma <= 0:
        raise UserError(f'gamma={gamma} of exp_log must be above 0')
    prob, target, _ = prob_and_target(logits, label, ignore_index)
    sums = overlap_sums(prob, target)
    weights = per_class('class_weights', class_weights, logits)
    if weights is None:
        weights = (sums.true.sum() / sums.true.clamp_min(1)).sqrt()
    values, label = surprisal(logits, label, ignore_index)
    values = power(values, gamma) * weights[label.where(label != ignore_index, 0)]
    entropy = annotated_mean(values, label, ignore_index=ignore_index)
    return dice_weight * power(-log(dice_of(sums, smooth=smooth)), gamma).mean() + ce_weight * entropy

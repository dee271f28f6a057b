"""Losses that wrong labels mislead less."""
import torch

from scarceseg.components.labels import IGNORE
from scarceseg.registry import LOSSES

from .arithmetic import annotated_mean, class_mean, power
from .checks import check_within, per_class
from .overlap_sums import over_space, prob_and_target
from .pixelwise import surprisal


@LOSSES.register_module()
def generalized_cross_entropy(logits, label, *, q=0.7, ignore_index=IGNORE, class_weights=None):
    """``(1 - p_y^q) / q``, averaged over the annotated voxels: between cross entropy and mean absolute error [Zhang 2018].

    Args:
        logits: (N, C, *space) unnormalised scores.
        label: (N, *space) integer class indices.
        q: in [0, 1]; its limit 0 is cross entropy, 1 is ``1 - p_y``, half the sum over classes of ``|p - y|``.
        ignore_index: label of voxels that are not annotated.
        class_weights: C numbers, or None for ones.

    Returns:
        Scalar in [0, 1/q], float32.
    """
    check_within('q', q, 0, 1)
    values, label = surprisal(logits, label, ignore_index)
    values = -torch.expm1(-q * values) / q if q else values
    return annotated_mean(values, label, ignore_index=ignore_index, weights=per_class('class_weights', class_weights, logits))


@LOSSES.register_module()
def mae(logits, label, *, ignore_index=IGNORE, class_weights=None):
    """Mean absolute error ``|p - y|`` over classes and annotated voxels, y being 1 for the right class [Ghosh 2017].

    Args:
        logits: (N, C, *space) unnormalised scores.
        label: (N, *space) integer class indices.
        ignore_index: label of voxels that are not annotated.
        class_weights: C numbers, the weights of voxels by their label, or None for ones.

    Returns:
        Scalar in [0, 2/C], float32: ``2 (1 - p_y) / C`` on average.
    """
    values, label = surprisal(logits, label, ignore_index)
    values = -torch.expm1(-values) * (2 / logits.shape[1])
    return annotated_mean(values, label, ignore_index=ignore_index, weights=per_class('class_weights', class_weights, logits))


@LOSSES.register_module()
def mse(logits, label, *, ignore_index=IGNORE, class_weights=None):
    """Mean squared error ``(p - y)²`` over classes and annotated voxels: the score of Brier, divided by C [Brier 1950].

    Between two probabilities it is ``mean_squared_error``.

    Args:
        logits: (N, C, *space) unnormalised scores.
        label: (N, *space) integer class indices.
        ignore_index: label of voxels that are not annotated.
        class_weights: C numbers, the weights of voxels by their label, or None for ones.

    Returns:
        Scalar in [0, 2/C], float32.
    """
    prob, target, label = prob_and_target(logits, label, ignore_index)
    values = (prob - target).square().mean(1)
    return annotated_mean(values, label, ignore_index=ignore_index, weights=per_class('class_weights', class_weights, logits))


@LOSSES.register_module()
def symmetric_cross_entropy(logits, label, *, alpha=0.1, beta=1.0, log_zero=-4.0, ignore_index=IGNORE, class_weights=None):
    """``α`` cross entropy plus ``β`` reverse cross entropy, ``-Σ_c p_c ln y_c``, over the annotated voxels [Wang 2019].

    Args:
        logits: (N, C, *space) unnormalised scores.
        label: (N, *space) integer class indices.
        alpha, beta: weights of the two.
        log_zero: what stands for ``ln 0`` of the wrong classes in the reverse one, a negative number.
        ignore_index: label of voxels that are not annotated.
        class_weights: C numbers, the weights of voxels by their label, or None for ones.

    Returns:
        Scalar, float32.
    """
    values, label = surprisal(logits, label, ignore_index)
    values = alpha * values + beta * log_zero * torch.expm1(-values)
    return annotated_mean(values, label, ignore_index=ignore_index, weights=per_class('class_weights', class_weights, logits))


@LOSSES.register_module()
def noise_robust_dice(logits, label, *, gamma=1.5, smooth=1e-5, ignore_index=IGNORE, per_sample=False, background=True,
                      class_weights=None):
    """``Σ|p - y|^γ / (Σp² + Σy² + ε)``, averaged over classes: Dice for γ = 2, near mean absolute error for γ = 1 [Wang 2020].

    Args:
        logits: (N, C, *space) unnormalised scores.
        label: (N, *space) integer class indices.
        gamma: γ in [1, 2].
        smooth: ε, in voxels.
        ignore_index: label of voxels that are not annotated.
        per_sample, background, class_weights: see ``soft_dice``.

    Returns:
        Scalar, float32.
    """
    check_within('gamma', gamma, 1, 2)
    prob, target, _ = prob_and_target(logits, label, ignore_index)
    wrong = over_space(power((prob - target).abs(), gamma), per_sample)
    size = over_space(prob.square(), per_sample) + over_space(target, per_sample) + smooth
    return class_mean(wrong / size.where(size > 0, 1), logits, background=background, class_weights=class_weights)

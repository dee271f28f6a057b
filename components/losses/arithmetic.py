"""Arithmetic that stays finite, in value and gradient, where a formula has a pole; and the means that losses are."""
import torch

from scarceseg.registry import UserError

from .checks import one_output, per_class, precise


def probabilities(logits):
    """Softmax over the classes, in float32 or better: (N, C, *space)."""
    return precise(one_output(logits)).softmax(1)


def smallest(tensor):
    """What counts as zero beside numbers of order one, far below rounding: 1.4e-14 in float32."""
    return torch.finfo(tensor.dtype).eps ** 2


def power(base, exponent):
    """``base ** exponent`` of numbers from 0 on; where the base is zero, so is the gradient, even of a root."""
    floor = smallest(base)
    return (base.clamp_min(floor) ** exponent).where(base > floor, 0.0 ** exponent)


def log(prob):
    """Natural logarithm of numbers from 0 on, those below ``smallest`` taken as that."""
    return prob.clamp_min(smallest(prob)).log()


def ratio(part, whole):
    """``part / whole``, and 1 where the whole is 0: of what is absent nothing is missing."""
    return (part / whole.where(whole > 0, 1)).where(whole > 0, 1)


def annotated_mean(values, label, *, ignore_index, weights=None):
    """Mean over the annotated voxels, weighted by class, ``Σ w v / Σ w``; 0 where nothing is annotated.

    Args:
        values: (N, *space), 0 where not annotated.
        label: (N, *space), from ``known_label``.
        weights: (C,) tensor, or None for ones.
    """
    annotated = label != ignore_index
    if weights is None:
        return values.sum() / annotated.sum().clamp_min(1)
    weight = weights[label.where(annotated, 0)] * annotated
    return (values * weight).sum() / weight.sum().where(weight.sum() > 0, 1)


def masked_mean(values, mask=None):
    """Mean of ``values`` (N, *space) where ``mask`` (N, *space; boolean, or weights from 0 on) says; 0 where it says nowhere."""
    if mask is None:
        return values.mean()
    if mask.shape != values.shape:
        raise UserError(f'the mask has shape {tuple(mask.shape)}, but it must be that of the voxels, {tuple(values.shape)}')
    weight = mask.to(values.dtype)
    return (values * weight).sum() / weight.sum().where(weight.sum() > 0, 1)


def class_mean(values, logits, *, background=True, class_weights=None):
    """Mean over classes, and over samples where there are several.

    Args:
        values: (C,) or (N, C).
        logits: (N, C, *space), for their number of classes.
        background: whether class 0 counts.
        class_weights: C numbers, or None for ones.
    """
    first = 0 if background else 1
    if class_weights is None:
        return values[..., first:].mean()
    weight = per_class('class_weights', class_weights, logits)[first:]
    return ((values[..., first:] * weight).sum(-1) / weight.sum().where(weight.sum() > 0, 1)).mean()

"""The sums over voxels that losses of overlap are made of."""
from __future__ import annotations

from typing import NamedTuple

import torch

from .arithmetic import probabilities, ratio
from .checks import known_label


class OverlapSums(NamedTuple):
    """Soft voxel counts of each class, (C,), or (N, C) per sample: Σpy, Σp and Σy."""

    both: torch.Tensor
    predicted: torch.Tensor
    true: torch.Tensor


def prob_and_target(logits, label, ignore_index):
    """Softmax and one-hot label, both (N, C, *space) and 0 where not annotated, and the label as ``known_label`` gives it."""
    label = known_label(logits, label, ignore_index)
    annotated = label != ignore_index
    prob = probabilities(logits) * annotated[:, None]
    target = torch.zeros_like(prob).scatter_(1, label.where(annotated, 0)[:, None], annotated[:, None].to(prob.dtype))
    return prob, target, label


def over_space(values, per_sample):
    """Sum of (N, C, *space) over space and, unless ``per_sample``, over samples: (N, C) or (C,)."""
    space = tuple(range(2, values.ndim))
    return values.sum(space if per_sample else (0, *space))


def overlap_sums(prob, target, *, per_sample=False):
    """``OverlapSums`` of ``prob`` and ``target`` (N, C, *space)."""
    return OverlapSums(over_space(prob * target, per_sample), over_space(prob, per_sample), over_space(target, per_sample))


def dice_of(sums, *, smooth):
    """``(2 Σpy + ε) / (Σp + Σy + ε)`` of each class; a class absent from both sides has 1."""
    return ratio(2 * sums.both + smooth, sums.predicted + sums.true + smooth)

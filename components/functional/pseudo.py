"""Pseudo labels."""
import torch

from scarceseg.components.labels import IGNORE
from scarceseg.registry import UserError

from ..postprocess import largest_component


@torch.no_grad()
def pseudo_label(logits, *, confidence=0.0):
    """Likeliest class of each voxel, and 255 where its probability is below ``confidence`` [Sohn 2020].

    Args:
        logits: (N, C, *space).
        confidence: in [0, 1]; at 0 every voxel has a class.

    Returns:
        (N, *space) int64, without gradient.

    Raises:
        UserError: the confidence is no probability.
    """
    if not 0 <= confidence <= 1:
        raise UserError(f'confidence={confidence} of pseudo labels is a probability and must lie in [0, 1]')
    if confidence == 0:
        return logits.argmax(1)
    prob, label = logits.float().softmax(1).max(1)
    return label.masked_fill_(prob < confidence, IGNORE)


@torch.no_grad()
def largest_parts(label):
    """Class indices with the largest connected part of each foreground class of each sample, background elsewhere [Bai 2023].

    Args:
        label: (N, *space) integers; the parts are found on the CPU.

    Returns:
        (N, *space), on the device of ``label``.
    """
    kept = [torch.from_numpy(largest_component(one.numpy(), per_class=True)) for one in label.cpu()]
    return torch.stack(kept).to(label.device)


@torch.no_grad()
def mixed_pseudo_label(first, second, beta):
    """Class of the mixture ``β softmax(first) + (1-β) softmax(second)`` [Luo 2022].

    Args:
        first, second: (N, C, *space) logits.
        beta: β in [0, 1], number or 0-dimensional tensor.

    Returns:
        (N, *space) int64, without gradient.
    """
    return (beta * first.float().softmax(1) + (1 - beta) * second.float().softmax(1)).argmax(1)

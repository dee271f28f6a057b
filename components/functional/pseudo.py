"""Pseudo labels."""
import torch


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

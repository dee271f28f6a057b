"""Labels at the scale of coarser outputs. A cell without any annotation stays without."""
import torch
import torch.nn.functional as F

from scarceseg.components.labels import IMPLIED
from scarceseg.registry import UserError


def check_coarser(label, shape):
    """Raise UserError where a scale (N, *space) is not that of the label or coarser."""
    if len(shape) != label.ndim or shape[0] != label.shape[0] or any(m > n for m, n in zip(shape[1:], label.shape[1:])):
        raise UserError(f'an output of the network calls for a label of shape {tuple(shape)}, but it has {tuple(label.shape)}; '
                        'outputs must be of the size of the label or smaller')


def nearest_label(label, shape):
    """The label of the first voxel of each cell, as a stride takes it; scribbles thinner than the stride are lost in places.

    Args:
        label: (N, *space).
        shape: (N, *coarser space).
    """
    check_coarser(label, shape)
    for axis, (n, m) in enumerate(zip(label.shape, shape)):
        if n != m:
            label = label.index_select(axis, torch.arange(m, device=label.device) * n // m)
    return label


def class_shares(label, shape, *, classes):
    """Share of each class in the voxels of each cell: (N, *space) to (N, classes, *coarser space) float32.

    Voxels of another value count for no class, so that the sum over classes is the annotated share of a cell.
    """
    check_coarser(label, shape)
    index = torch.arange(classes, device=label.device).reshape(1, -1, *[1] * (label.ndim - 1))
    pool = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d)[label.ndim - 2]
    return pool((label[:, None] == index).float(), shape[1:])


def majority_label(label, shape, *, classes, ignore_index):
    """The class that most annotated voxels of each cell have, the lower of equals; every scribble leaves its mark.

    A cell without class is implied background (254) where one of its voxels is, and else ``ignore_index``.

    Args:
        label: (N, *space).
        shape: (N, *coarser space).
        classes: number of classes.
    """
    known = label.long().masked_fill(label == ignore_index, -1)
    shares = class_shares(known, shape, classes=classes)
    implied = class_shares((label != IMPLIED).long(), shape, classes=1)[:, 0] > 0
    empty = torch.full(shape, ignore_index, dtype=label.dtype, device=label.device).masked_fill(implied, IMPLIED)
    return shares.argmax(1).to(label.dtype).where(shares.sum(1) > 0, empty)

"""Losses on the outputs of a network at several scales, finest first.

Output i weighs ``decay^i``, divided by the sum of the weights. They differ in what the label of a coarser voxel is.
"""
from scarceseg.components.labels import IGNORE
from scarceseg.registry import LOSSES, UserError

from .checks import takes_outputs
from .pixelwise import cross_entropy, soft_cross_entropy
from .pooling import class_shares, majority_label, nearest_label


@LOSSES.register_module()
@takes_outputs
def deep_supervision(outputs, label, *, loss, decay=0.5):
    """Mean of a loss over scales, a coarser voxel having the label of the first voxel in it [Lee 2015].

    For full labels. Of scribbles, thinner than a coarse voxel, most are not seen: ``deep_supervision_majority`` keeps them.

    Args:
        outputs: tuple of logits (N, C, *space), finest first.
        label: (N, *space) of the image, integer class indices; a value "not annotated" goes along as it is.
        loss: loss(logits, label); in a config, a config.
        decay: ratio of the weights of one scale and the next finer one, above 0.

    Returns:
        Scalar, float32.

    Raises:
        UserError: a network with one output, or an output finer than the label.
    """
    return over_scales(outputs, decay, lambda z: loss(z, nearest_label(label, scale(z))))


@LOSSES.register_module()
@takes_outputs
def deep_supervision_majority(outputs, label, *, loss, decay=0.5, ignore_index=IGNORE):
    """Mean of a loss over scales, a coarser voxel having the class of most annotated voxels in it [Lee 2015].

    For scribbles: a voxel is annotated at every scale if any part of it is, and never otherwise.

    Args:
        outputs: tuple of logits (N, C, *space), finest first.
        label: (N, *space) of the image, integer class indices.
        loss: loss(logits, label); in a config, a config.
        decay: see ``deep_supervision``.
        ignore_index: label of voxels that are not annotated; also what ``loss`` takes as that.

    Returns:
        Scalar, float32.
    """
    def at_scale(z):
        if scale(z) == tuple(label.shape):
            return loss(z, label)
        return loss(z, majority_label(label, scale(z), classes=z.shape[1], ignore_index=ignore_index))
    return over_scales(outputs, decay, at_scale)


@LOSSES.register_module()
@takes_outputs
def deep_supervision_average(outputs, label, *, decay=0.5, ignore_index=IGNORE):
    """Mean over scales of cross entropy against the shares of the classes in each coarser voxel [Lee 2015].

    A coarser voxel counts by its annotated share, so that this is cross entropy of the outputs repeated to the size of the
    label, at the cost of the coarser scale.

    Args:
        outputs: tuple of logits (N, C, *space), finest first.
        label: (N, *space) of the image, integer class indices.
        decay: see ``deep_supervision``.
        ignore_index: label of voxels that are not annotated.

    Returns:
        Scalar, float32.
    """
    def at_scale(z):
        if scale(z) == tuple(label.shape):
            return cross_entropy(z, label, ignore_index=ignore_index)
        known = label.long().masked_fill(label == ignore_index, -1)
        shares = class_shares(known, scale(z), classes=z.shape[1])
        annotated = shares.sum(1)
        return soft_cross_entropy(z, shares / annotated.where(annotated > 0, 1)[:, None], annotated)
    return over_scales(outputs, decay, at_scale)


def scale(logits):
    """Shape of the label that logits (N, C, *space) call for: (N, *space)."""
    return (logits.shape[0], *logits.shape[2:])


def over_scales(outputs, decay, loss):
    """Mean of ``loss(logits)`` over the outputs, weighted by ``decay^i``."""
    if not isinstance(outputs, (tuple, list)):
        raise UserError('deep supervision needs a network with outputs at several scales, but this one has a single output; '
                        'ask the network for more, or use the inner loss by itself')
    if decay <= 0:
        raise UserError(f'decay={decay} of deep supervision must be above 0')
    weights = [decay ** i for i in range(len(outputs))]
    return sum(w * loss(z) for w, z in zip(weights, outputs)) / sum(weights)

"""Cross entropy and its kin: losses that are a mean over voxels."""
import torch
import torch.nn.functional as F

from scarceseg.components.labels import IGNORE, IMPLIED
from scarceseg.registry import LOSSES

from .arithmetic import annotated_mean, masked_mean
from .checks import known_label, one_output, per_class, precise


def surprisal(logits, label, ignore_index):
    """``-ln p_y`` of each voxel, 0 where it is not annotated, and the label as ``known_label`` gives it: two (N, *space)."""
    label = known_label(logits, label, ignore_index)
    return F.cross_entropy(precise(logits), label, ignore_index=ignore_index, reduction='none'), label


@LOSSES.register_module()
def cross_entropy_map(logits, label, *, ignore_index=IGNORE, class_weights=None):
    """Cross entropy of each voxel, 0 where the label is ``ignore_index`` or implied background (254).

    Args:
        logits: (N, C, *space) unnormalised scores; computed in float32 whatever their dtype.
        label: (N, *space) integer class indices.
        ignore_index: label of voxels that are not annotated.
        class_weights: C numbers that multiply the voxels of each class, or None.

    Returns:
        (N, *space) float32.

    Raises:
        UserError: the shapes do not fit.
    """
    label = known_label(logits, label, ignore_index)
    weight = per_class('class_weights', class_weights, logits)
    return F.cross_entropy(precise(logits), label, weight=weight, ignore_index=ignore_index, reduction='none')


@LOSSES.register_module()
def cross_entropy(logits, label, *, ignore_index=IGNORE, class_weights=None):
    """Cross entropy averaged over the annotated voxels; with scribbles this is partial cross entropy [Tang 2018].

    The mean is weighted, ``-Σ w ln p / Σ w``, with ``w`` the class weight of an annotated voxel and 0 elsewhere. A batch
    without any annotated voxel gives 0 (with zero gradients), not NaN.

    Args:
        logits: (N, C, *space) unnormalised scores.
        label: (N, *space) integer class indices.
        ignore_index: label of voxels that are not annotated.
        class_weights: C numbers, or None for ones.

    Returns:
        Scalar, float32.
    """
    values, label = surprisal(logits, label, ignore_index)
    return annotated_mean(values, label, ignore_index=ignore_index, weights=per_class('class_weights', class_weights, logits))


@LOSSES.register_module()
def partial_cross_entropy(logits, label, *, ignore_index=IGNORE, implied_weight=1.0, class_weights=None):
    """Cross entropy of the annotated voxels [Tang 2018], plus that of implied background as a mean of its own.

    Voxels that ``transforms.implied_background`` has marked (254) are hundreds of times as many as the scribbled ones; in
    one common mean they would leave the scribbles without weight. Without such voxels this is ``cross_entropy``.

    Args:
        logits: (N, C, *space) unnormalised scores.
        label: (N, *space) integer class indices, 254 for implied background.
        ignore_index: label of voxels that are not annotated.
        implied_weight: weight of the mean over implied background.
        class_weights: of the annotated voxels; see ``cross_entropy``.

    Returns:
        Scalar, float32.
    """
    implied = label == IMPLIED
    scribbled = label.masked_fill(implied, ignore_index)
    annotated = cross_entropy(logits, scribbled, ignore_index=ignore_index, class_weights=class_weights)
    background = torch.zeros_like(label).masked_fill(~implied, ignore_index)
    return annotated + implied_weight * cross_entropy(logits, background, ignore_index=ignore_index)


@LOSSES.register_module()
def thresholded_cross_entropy(logits, label, *, ignore_index=IGNORE):
    """Cross entropy of voxels that have a pseudo label, divided by all voxels, so that few confident ones weigh little [Sohn 2020].

    Args:
        logits: (N, C, *space) unnormalised scores.
        label: (N, *space) integer class indices, ``ignore_index`` where the confidence is below the threshold.
        ignore_index: label of voxels without pseudo label.

    Returns:
        Scalar, float32.
    """
    return cross_entropy_map(logits, label, ignore_index=ignore_index).mean()


@LOSSES.register_module()
def soft_cross_entropy(logits, target, mask=None):
    """Cross entropy against class probabilities, ``-Σ_c q_c ln p_c``, averaged over voxels.

    Args:
        logits: (N, C, *space) unnormalised scores.
        target: (N, C, *space) probabilities q.
        mask: (N, *space), boolean or weights, of the voxels that count; default all.

    Returns:
        Scalar, float32; 0 where the mask is empty.
    """
    return masked_mean(-(precise(target) * precise(one_output(logits)).log_softmax(1)).sum(1), mask)

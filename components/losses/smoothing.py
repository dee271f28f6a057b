"""Cross entropy against smoothed labels."""
import torch.nn.functional as F

from scarceseg.components.labels import IGNORE
from scarceseg.registry import LOSSES

from .arithmetic import annotated_mean
from .checks import check_space, check_within, known_label, per_class, precise


@LOSSES.register_module()
def label_smoothing(logits, label, *, epsilon=0.1, ignore_index=IGNORE, class_weights=None):
    """Cross entropy against labels of which the share ε is spread evenly over all classes [Szegedy 2016].

    Args:
        logits: (N, C, *space) unnormalised scores.
        label: (N, *space) integer class indices.
        epsilon: ε in [0, 1]; 0 is ``cross_entropy``.
        ignore_index: label of voxels that are not annotated.
        class_weights: C numbers, the weights of voxels by their label, or None for ones.

    Returns:
        Scalar, float32.
    """
    check_within('epsilon', epsilon, 0, 1)
    label = known_label(logits, label, ignore_index)
    classes = logits.shape[1]
    values = smoothed_surprisal(logits, label, epsilon * (classes - 1) / classes, ignore_index)
    return annotated_mean(values, label, ignore_index=ignore_index, weights=per_class('class_weights', class_weights, logits))


@LOSSES.register_module()
def slsr(logits, label, error_map, *, epsilon=0.25, ignore_index=IGNORE, class_weights=None):
    """Cross entropy against labels that are smoothed only where they are held to be wrong [Zhang 2020].

    There the label's class has ``1 - ε`` and each of the others ``ε / (C - 1)``, which for two classes is the paper's form and
    for more still sums to 1.

    Args:
        logits: (N, C, *space) unnormalised scores.
        label: (N, *space) integer class indices.
        error_map: (N, *space) boolean, true where the label is held to be wrong; or numbers in [0, 1], which multiply ε.
        epsilon: ε in [0, 1].
        ignore_index: label of voxels that are not annotated.
        class_weights: C numbers, the weights of voxels by their label, or None for ones.

    Returns:
        Scalar, float32.
    """
    check_within('epsilon', epsilon, 0, 1)
    label = known_label(logits, label, ignore_index)
    check_space('error_map', error_map, logits)
    values = smoothed_surprisal(logits, label, epsilon * precise(error_map), ignore_index)
    return annotated_mean(values, label, ignore_index=ignore_index, weights=per_class('class_weights', class_weights, logits))


def smoothed_surprisal(logits, label, share, ignore_index):
    """Cross entropy of each voxel against a label that gives ``share`` of itself to the other classes, evenly.

    Args:
        logits: (N, C, *space).
        label: (N, *space), from ``known_label``.
        share: number, or (N, *space), in [0, 1].

    Returns:
        (N, *space), 0 where not annotated.
    """
    log_prob = precise(logits).log_softmax(1)
    right = F.nll_loss(log_prob, label, ignore_index=ignore_index, reduction='none')
    others = -(log_prob.sum(1) + right) / max(logits.shape[1] - 1, 1)
    return ((1 - share) * right + share * others) * (label != ignore_index)

"""How far two predictions are apart: of probabilities (N, C, *space), which are what one softmax gives.

Gradients flow into both; a target is detached by who calls. Maps are (N, *space), sums over the classes.
"""
import torch.nn.functional as F

from scarceseg.registry import LOSSES, UserError

from .arithmetic import log, masked_mean
from .checks import precise


def pair(first, second):
    """Both in float32 or better.

    Raises:
        UserError: their shapes differ.
    """
    if first.shape != second.shape:
        raise UserError(f'the two predictions have shapes {tuple(first.shape)} and {tuple(second.shape)}; they must agree')
    return precise(first), precise(second)


@LOSSES.register_module()
def mean_squared_error(prob, target, mask=None):
    """``(p - q)²`` averaged over classes and voxels; against labels it is ``mse``.

    Args:
        prob, target: (N, C, *space) probabilities.
        mask: (N, *space), boolean or weights, of the voxels that count; default all.

    Returns:
        Scalar, float32; 0 where the mask is empty.
    """
    prob, target = pair(prob, target)
    return masked_mean((prob - target).square().mean(1), mask)


@LOSSES.register_module()
def kl_divergence_map(prob, target):
    """``KL(p‖q) = Σ_c p_c ln(p_c / q_c)`` of each voxel [Kullback 1951].

    Args:
        prob: (N, C, *space) probabilities p.
        target: (N, C, *space) probabilities q.

    Returns:
        (N, *space) float32, from 0 on; finite, since probabilities below 1e-14 count as that.
    """
    prob, target = pair(prob, target)
    return (prob * (log(prob) - log(target))).sum(1)


@LOSSES.register_module()
def kl_divergence(prob, target, mask=None):
    """``KL(p‖q)`` averaged over voxels, p being the first; see ``kl_divergence_map`` and, for the mask, ``mean_squared_error``."""
    return masked_mean(kl_divergence_map(prob, target), mask)


@LOSSES.register_module()
def symmetric_kl_map(first, second):
    """``½ KL(p‖q) + ½ KL(q‖p)`` of each voxel [Kullback 1951]: (N, C, *space) twice to (N, *space) float32."""
    first, second = pair(first, second)
    return ((first - second) * (log(first) - log(second))).sum(1) / 2


@LOSSES.register_module()
def symmetric_kl(first, second, mask=None):
    """``symmetric_kl_map`` averaged over voxels; for the mask see ``mean_squared_error``."""
    return masked_mean(symmetric_kl_map(first, second), mask)


@LOSSES.register_module()
def js_divergence_map(first, second):
    """Mean KL divergence of both from their mean, of each voxel [Lin 1991]: (N, C, *space) twice to (N, *space) in [0, ln 2]."""
    first, second = pair(first, second)
    mean = (first + second) / 2
    return (kl_divergence_map(first, mean) + kl_divergence_map(second, mean)) / 2


@LOSSES.register_module()
def js_divergence(first, second, mask=None):
    """``js_divergence_map`` averaged over voxels; for the mask see ``mean_squared_error``."""
    return masked_mean(js_divergence_map(first, second), mask)


@LOSSES.register_module()
def cosine_similarity_map(first, second):
    """Cosine of the angle between the channels of two maps at each voxel: (N, C, *space) twice to (N, *space) in [-1, 1].

    Probabilities or features; where either is zero it is 0.
    """
    first, second = pair(first, second)
    return (F.normalize(first, dim=1) * F.normalize(second, dim=1)).sum(1)


@LOSSES.register_module()
def cosine_distance(first, second, mask=None):
    """One minus ``cosine_similarity_map``, averaged over voxels; for the mask see ``mean_squared_error``."""
    return masked_mean(1 - cosine_similarity_map(first, second), mask)


@LOSSES.register_module()
def attention_transfer(features, target):
    """How far two networks' maps of where they are active lie apart [Zagoruyko 2017].

    Activity is ``a = Σ_c f_c²`` at each place, brought to length 1 over the places of a sample; the loss is ``|a/|a| - b/|b||²``,
    from 0 to 2, averaged over samples. The maps may differ in channels and in size; the target's activity is then interpolated.

    Args:
        features: (N, C, *space).
        target: (N, K, *space'), without gradient if it is to be followed.

    Returns:
        Scalar, float32.

    Raises:
        UserError: the numbers of samples or of axes differ.
    """
    if features.ndim != target.ndim or len(features) != len(target):
        raise UserError(f'features of shapes {tuple(features.shape)} and {tuple(target.shape)} cannot be compared; they '
                        'must be of as many samples, and both in 2D or both in 3D')
    first, second = (precise(f).square().sum(1, keepdim=True) for f in (features, target))
    if first.shape != second.shape:
        second = F.interpolate(second, first.shape[2:], mode=('bilinear', 'trilinear')[first.ndim - 4])
    first, second = (F.normalize(a.flatten(1), dim=1) for a in (first, second))
    return (first - second).square().sum(1).mean()

"""What a prediction is asked for without labels: certainty, and few and short borders."""
import math

import torch
import torch.nn.functional as F

from scarceseg.registry import LOSSES

from .arithmetic import masked_mean, power, probabilities
from .checks import check_space, one_output, per_axis, precise, takes_image


def entropy_map(logits):
    """Entropy of each voxel's probabilities, ``-Σ_c p_c ln p_c / ln C``, in [0, 1].

    Args:
        logits: (N, C, *space) unnormalised scores.

    Returns:
        (N, *space) float32.
    """
    log_prob = precise(one_output(logits)).log_softmax(1)
    return -(log_prob.exp() * log_prob).sum(1) / math.log(max(logits.shape[1], 2))


@LOSSES.register_module()
def entropy(logits, mask=None):
    """Entropy of the probabilities, as a share of the greatest possible, averaged over voxels [Grandvalet 2005].

    Args:
        logits: (N, C, *space) unnormalised scores.
        mask: (N, *space), boolean or weights, of the voxels that count; default all.

    Returns:
        Scalar in [0, 1], float32; 0 where the mask is empty.
    """
    return masked_mean(entropy_map(logits), mask)


def gradient_length(prob, *, spacing=None):
    """Length of the spatial gradient of each class, ``|∇p_c|``, from differences with the next voxel along each axis.

    Behind the last voxel of an axis the image goes on unchanged: no difference there. Nothing crosses classes or samples.

    Args:
        prob: (N, C, *space).
        spacing: size of a voxel along each axis of space, in any unit; None for ones. ``inf`` leaves an axis out.

    Returns:
        (N, C, *space), per unit of length.
    """
    space = prob.shape[2:]
    square = torch.zeros_like(prob)
    for axis, size in enumerate(per_axis('spacing', 1.0 if spacing is None else spacing, space)):
        behind = [0] * (2 * (len(space) - axis) - 1) + [1]
        square = square + F.pad(prob.diff(dim=axis + 2) / size, behind).square()
    return power(square, 0.5)


@LOSSES.register_module()
def total_variation(logits, *, spacing=None):
    """``|∇p_c|`` averaged over voxels, classes and samples [Rudin 1992].

    Args:
        logits: (N, C, *space) unnormalised scores.
        spacing: size of a voxel along each axis of space; None for ones. In 3D (10, 1.5, 1.5) lets slices far apart differ
            more, and ``(inf, 1, 1)`` takes every slice alone.

    Returns:
        Scalar, float32.
    """
    return gradient_length(probabilities(logits), spacing=spacing).mean()


@LOSSES.register_module()
@takes_image
def mumford_shah(logits, image, *, beta=1.0, spacing=None):
    """Energy of a piecewise constant image, ``Σ_c Σ p_c (I - μ_c)² + β Σ_c Σ |∇p_c|``, per voxel [Kim 2020].

    ``μ_c`` is the mean intensity of class c, weighted by ``p_c``, in each sample and channel of the image by itself; squares
    are summed over channels, and the sum of all is divided by the number of voxels of the batch.

    Args:
        logits: (N, C, *space) unnormalised scores.
        image: (N, K, *space) intensities, of standard deviation about 1; it gets no gradient.
        beta: β, weight of the borders.
        spacing: see ``total_variation``.

    Returns:
        Scalar, float32.
    """
    prob = probabilities(logits)
    check_space('the image, without its channels,', image[:, 0], logits)
    space = tuple(range(2, prob.ndim))
    size = prob.detach().sum(space, keepdim=True)
    energy = beta * gradient_length(prob, spacing=spacing).sum()
    for channel in image.detach().to(prob.dtype).split(1, dim=1):
        # the mean is where the energy is least, so that nothing flows through it
        mean = (prob.detach() * channel).sum(space, keepdim=True) / size.where(size > 0, 1)
        energy = energy + (prob * (channel - mean).square()).sum()
    return energy / (prob.numel() / prob.shape[1])

"""Size and shape that a prediction is asked to have."""
import math

from scarceseg.registry import LOSSES, UserError

from .arithmetic import probabilities
from .checks import per_axis
from .smoothness import gradient_length


@LOSSES.register_module()
def size_constraint(logits, *, lower_voxels, upper_voxels):
    """Square of what the soft size ``Σp_c`` of a class lacks or has too much of, as a share of the image [Kervadec 2019].

    Args:
        logits: (N, C, *space) unnormalised scores.
        lower_voxels, upper_voxels: bounds of the size of each class in each sample, C numbers each; None for no bound.

    Returns:
        Scalar in [0, 1], float32: the mean over samples and classes; 0 while every size is within its bounds.

    Raises:
        UserError: there is not one bound for each class, or a lower one is above the upper.
    """
    prob = probabilities(logits)
    for name, bounds in (('lower_voxels', lower_voxels), ('upper_voxels', upper_voxels)):
        if len(bounds) != prob.shape[1]:
            raise UserError(f'{name}={tuple(bounds)} has {len(bounds)} bounds, but the network has {prob.shape[1]} classes; '
                            'give one for each, None where there is none')
    lower = [0 if b is None else b for b in lower_voxels]
    upper = [math.inf if b is None else b for b in upper_voxels]
    if any(low > high for low, high in zip(lower, upper)):
        raise UserError(f'lower_voxels={tuple(lower_voxels)} must not be above upper_voxels={tuple(upper_voxels)}')
    lower, upper = prob.new_tensor(lower), prob.new_tensor(upper)
    size = prob.sum(tuple(range(2, prob.ndim)))
    outside = (lower - size).clamp_min(0) + (size - upper).clamp_min(0)
    return (outside / prob[0, 0].numel()).square().mean()


@LOSSES.register_module()
def boundary_length(logits, *, spacing=None):
    """Length (in 3D area) of the border of a class, ``Σ|∇p_c|``, averaged over samples and all classes but background [Chen 2019].

    Args:
        logits: (N, C, *space) unnormalised scores.
        spacing: size of a voxel along each axis of space, in mm or any unit of length; None for ones.

    Returns:
        Scalar, float32, in that unit (3D: its square); about the number of voxels on the border.
    """
    return length_and_size(probabilities(logits)[:, 1:], spacing)[0].mean()


@LOSSES.register_module()
def compactness(logits, *, spacing=None, smooth=1.0):
    """Square of the border of a class beside that of a disc (in 3D a ball) of its size: ``length² / (4π area)`` [Dolz 2017].

    Averaged over samples and all classes but background. It is 1 for a disc and more for what is ragged or in pieces; an empty
    class has 0, so keep it beside a loss that asks for the class.

    Args:
        logits: (N, C, *space) unnormalised scores.
        spacing: size of a voxel along each axis of space, in any unit; None for ones.
        smooth: added to the size, in voxels.

    Returns:
        Scalar, float32.
    """
    length, size = length_and_size(probabilities(logits)[:, 1:], spacing, smooth=smooth)
    if logits.ndim == 4:
        return (length.square() / (4 * math.pi * size)).mean()
    ball = (36 * math.pi) ** (1 / 3) * size ** (2 / 3)
    return (length / ball).square().mean()


def length_and_size(prob, spacing, *, smooth=0.0):
    """Length of the border and size of each class, the size with ``smooth`` voxels more: two (N, C)."""
    sizes = per_axis('spacing', 1.0 if spacing is None else spacing, prob.shape[2:])
    voxel, space = math.prod(s for s in sizes if math.isfinite(s)), tuple(range(2, prob.ndim))
    return gradient_length(prob, spacing=sizes).sum(space) * voxel, (prob.sum(space) + smooth) * voxel

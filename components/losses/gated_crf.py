"""A conditional random field as a loss: voxels that are near and alike are asked to have the same class."""
from __future__ import annotations

import itertools
import math

import torch

from scarceseg.registry import LOSSES, UserError

from .arithmetic import probabilities
from .checks import check_space, per_axis, takes_image


@LOSSES.register_module()
@takes_image
def gated_crf(logits, image, mask=None, *, radius=5, spatial_sigma=6.0, intensity_sigma=0.1, weights=1.0, spacing=None):
    """Weight of the pairs of near and alike voxels that differ in class, ``(ΣK - Σ_c p_c·K p_c) / N`` [Obukhov 2019].

    ``K = Σ_i w_i exp(-½ (Δx/σ_i)² - ½ (ΔI/σ_I,i)²)`` between a voxel and every other one in a box of ``2 radius + 1`` voxels
    around it, 0 for the voxel itself; each pair counts from both its ends. Pairs across the border of the image do not
    exist, nor do pairs across slices, in 2D, or samples.

    Args:
        logits: (N, C, *space) unnormalised scores.
        image: (N, K, *space) intensities; ``ΔI²`` is summed over channels. It gets no gradient.
        mask: (N, *space), boolean or weights, of the voxels that take part: a pair counts by the product of both ends, and N
            is the sum over the mask; default all, N being their number.
        radius: voxels, or one number for each axis of space; 0 leaves an axis out.
        spatial_sigma: σ in voxels, or in the unit of ``spacing``; None: no decrease with distance.
        intensity_sigma: σ_I in units of the image; None: whatever the intensities.
        weights: w. These three are numbers, or for several kernels tuples of the same length.
        spacing: size of a voxel along each axis of space, in any unit; None for ones.

    Returns:
        Scalar, float32; 0 where the mask is empty.

    Raises:
        UserError: shapes that do not fit, kernels whose settings are not equally many, or a σ that is not above 0.
    """
    prob = probabilities(logits)
    check_space('the image, without its channels,', image[:, 0], logits)
    kernels = kernels_by_intensity(spatial_sigma, intensity_sigma, weights)
    radius = per_axis('radius', radius, prob.shape[2:])
    spacing = per_axis('spacing', 1.0 if spacing is None else spacing, prob.shape[2:])
    count = prob[:, 0].numel()
    if mask is not None:
        check_space('the mask', mask, logits)
        mask = mask.to(prob.dtype)
        prob, count = prob * mask[:, None], mask.sum()
        count = count.where(count > 0, 1)
    return PottsEnergy.apply(prob, image.detach().to(prob.dtype), radius, spacing, kernels) / count


class PottsEnergy(torch.autograd.Function):
    """``Σ_(c≠d) p_c·K p_d`` of ``prob`` (N, C, *space).

    The sum is a quadratic form of a symmetric K, so that its gradient, ``2 Σ_(d≠c) K p_d``, is what the value is made of:
    one map per class is kept, and nothing of the shifts.
    """

    @staticmethod
    def forward(ctx, prob, image, radius, spacing, kernels):
        others = mass_of_others(prob, image, radius, spacing, kernels)
        ctx.save_for_backward(others)
        return (prob * others).sum()

    @staticmethod
    def backward(ctx, grad):
        if torch.is_grad_enabled():
            raise NotImplementedError('gated_crf has a first derivative only; its second would need K again')
        return 2 * grad * ctx.saved_tensors[0], None, None, None, None


def mass_of_others(prob, image, radius, spacing, kernels):
    """``Σ_(d≠c) K p_d``: around each voxel, the weight of what belongs to other classes than c. (N, C, *space), like ``prob``.

    One pass over half of the shifts in the box, each pair serving both its ends. What is summed is p of the classes but the
    first, and in the place of the first all of them together.
    """
    mass = torch.cat([prob.sum(1, keepdim=True), prob[:, 1:]], 1)
    around = torch.zeros_like(mass)
    for shift, one, other in half_of_shifts(radius, prob.shape[2:]):
        square = (image[one] - image[other]).square_()
        square = square.sum(1, keepdim=True) if image.shape[1] > 1 else square
        kernel, factor = pair_weights(kernels, sum((d * s) ** 2 for d, s in zip(shift, spacing)), square)
        around[one].addcmul_(kernel, mass[other], value=factor)
        around[other].addcmul_(kernel, mass[one], value=factor)
    return torch.cat([around[:, 1:].sum(1, keepdim=True), around[:, :1] - around[:, 1:]], 1)


def half_of_shifts(radius, space):
    """Of every two opposite shifts in the box one: ``(shift, one, other)``, indices of the pairs' two ends."""
    for shift in itertools.product(*(range(-r, r + 1) for r in radius)):
        if shift > (0,) * len(shift) and all(abs(d) < n for d, n in zip(shift, space)):
            one = (..., *(slice(max(-d, 0), n - max(d, 0)) for d, n in zip(shift, space)))
            yield shift, one, (..., *(slice(max(d, 0), n - max(-d, 0)) for d, n in zip(shift, space)))


def pair_weights(kernels, square_distance, square):
    """K of the pairs at one distance, but for a factor, and that factor. ``square``, ``ΔI²``, is overwritten.

    Args:
        kernels: from ``kernels_by_intensity``.
    """
    factors = {k: sum(w * math.exp(-square_distance * s) for w, s in spatial) for k, spatial in kernels.items()}
    if len(factors) == 1 and 0 not in factors:
        (intensity, factor), = factors.items()
        return square.mul_(-intensity).exp_(), factor
    kernel = torch.full_like(square, factors.pop(0, 0.0))
    for intensity, factor in factors.items():
        kernel.add_((square * -intensity).exp_(), alpha=factor)
    return kernel, 1.0


def kernels_by_intensity(spatial_sigma, intensity_sigma, weights):
    """``{1/(2σ_I²): [(w, 1/(2σ²)), …]}``: kernels that share σ_I share its exponential; 0 stands for None."""
    settings = [list(v) if isinstance(v, (tuple, list)) else [v] for v in (weights, spatial_sigma, intensity_sigma)]
    count = max(map(len, settings))
    settings = [v * count if len(v) == 1 else v for v in settings]
    if any(len(v) != count for v in settings):
        raise UserError(f'gated_crf: weights={weights}, spatial_sigma={spatial_sigma} and intensity_sigma={intensity_sigma} '
                        'must be numbers, or tuples with one number for each kernel')
    if any(sigma is not None and sigma <= 0 for sigmas in settings[1:] for sigma in sigmas):
        raise UserError(f'gated_crf: spatial_sigma={spatial_sigma} and intensity_sigma={intensity_sigma} must be above 0, or None')
    kernels = {}
    for weight, *sigmas in zip(*settings):
        spatial, intensity = (0.0 if sigma is None else 0.5 / sigma ** 2 for sigma in sigmas)
        kernels.setdefault(intensity, []).append((weight, spatial))
    return kernels

"""Gated CRF, beside the sum over all pairs and beside the form with all windows unfolded."""
import itertools
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from scarceseg.components.losses import gated_crf
from scarceseg.registry import LOSSES, UserError

KERNELS = [
    dict(spatial_sigma=2.0, intensity_sigma=0.7, weights=1.5),
    dict(spatial_sigma=(1.0, 3.0), intensity_sigma=(0.7, 0.7), weights=(0.5, 2.0)),
    dict(spatial_sigma=(1.0, 3.0, None), intensity_sigma=(0.7, None, 0.4), weights=(0.5, 0.2, 1.0)),
    dict(spatial_sigma=1.5, intensity_sigma=None)]


def random_case(shape, *, channels=1, seed=0):
    rng = np.random.default_rng(seed)
    return torch.tensor(rng.normal(0, 2, shape)), torch.tensor(rng.normal(0, 1, (shape[0], channels, *shape[2:])))


def literal(logits, image, mask=None, *, radius, spatial_sigma, intensity_sigma, weights=1.0, spacing=None):
    """Over every two voxels of a sample that are in each other's box."""
    axes = logits.ndim - 2
    radius = (radius,) * axes if isinstance(radius, int) else radius
    kernels = list(zip(*(np.atleast_1d(np.array(v, object)) for v in (weights, spatial_sigma, intensity_sigma))))
    p, picture = logits.softmax(1).numpy(), image.numpy()
    m = np.ones(p[:, 0].shape) if mask is None else mask.numpy()
    total = 0.0
    for n in range(len(p)):
        for a, b in itertools.product(np.ndindex(*p.shape[2:]), repeat=2):
            step = np.subtract(a, b)
            if a != b and (abs(step) <= radius).all():
                far = ((step * (spacing or [1] * axes)) ** 2).sum()
                unlike = ((picture[(n, slice(None), *a)] - picture[(n, slice(None), *b)]) ** 2).sum()
                k = sum(w * math.exp(-(0 if s is None else far / s ** 2 / 2) - (0 if i is None else unlike / i ** 2 / 2))
                        for w, s, i in kernels)
                total += k * m[(n, *a)] * m[(n, *b)] * (1 - p[(n, slice(None), *a)] @ p[(n, slice(None), *b)])
    return total / m.sum()


def unfolded(logits, image, *, radius, spatial_sigma, intensity_sigma):
    """(ΣK - Σ_c p_c K p_c) / N with the whole window of each voxel at once."""
    axes = logits.ndim - 2
    index = torch.meshgrid(*[torch.arange(n) for n in logits.shape[2:]], indexing='ij')
    prob = logits.softmax(1)

    def window(x, shift):
        x = F.pad(x, [radius] * 2 * axes)
        return x[(..., *(slice(radius + d, radius + d + n) for d, n in zip(shift, logits.shape[2:])))]
    shifts = [s for s in itertools.product(range(-radius, radius + 1), repeat=axes) if any(s)]
    inside = torch.stack([window(torch.ones_like(index[0], dtype=prob.dtype)[None, None], s) for s in shifts])
    kernel = torch.stack([(-(window(image, s) - image).square().sum(1, keepdim=True) / (2 * intensity_sigma ** 2)
                           - sum(d * d for d in s) / (2 * spatial_sigma ** 2)).exp() for s in shifts]) * inside
    product = (kernel * torch.stack([window(prob, s) for s in shifts])).sum(0)
    return (kernel.sum() - (prob * product).sum()) / prob[:, 0].numel()


@pytest.mark.parametrize('settings', KERNELS)
@pytest.mark.parametrize('shape, radius', [((2, 3, 5, 4), 2), ((1, 2, 3, 4, 3), 1), ((1, 2, 3, 2, 4), (0, 5, 2))])
def test_gated_crf_equals_the_sum_over_pairs(shape, radius, settings):
    logits, image = random_case(shape, channels=2)
    expected = literal(logits, image, radius=radius, **settings)
    assert float(gated_crf(logits, image, radius=radius, **settings)) == pytest.approx(expected, rel=1e-9)


def test_distances_are_in_the_unit_of_the_spacing():
    logits, image = random_case((1, 2, 4, 3, 3))
    settings = dict(radius=2, spatial_sigma=2.0, intensity_sigma=1.0, spacing=(5.0, 1.0, 0.5))
    assert float(gated_crf(logits, image, **settings)) == pytest.approx(literal(logits, image, **settings), rel=1e-9)


@pytest.mark.parametrize('settings', KERNELS[::2])
def test_a_pair_counts_by_the_mask_at_both_ends(settings):
    logits, image = random_case((2, 3, 5, 4))
    mask = torch.rand(2, 5, 4, dtype=torch.float64).round(decimals=1)
    for one in (mask, mask > 0.4):
        expected = literal(logits, image, one.double(), radius=2, **settings)
        assert float(gated_crf(logits, image, one, radius=2, **settings)) == pytest.approx(expected, rel=1e-9)


def test_what_is_masked_out_might_as_well_be_outside():
    logits, image = random_case((1, 3, 6, 6))
    mask = torch.zeros(1, 6, 6)
    mask[:, 1:5, 2:] = 1
    settings = dict(radius=2, spatial_sigma=2.0, intensity_sigma=1.0)
    cropped = gated_crf(logits[:, :, 1:5, 2:], image[:, :, 1:5, 2:], **settings)
    assert float(gated_crf(logits, image, mask, **settings)) == pytest.approx(float(cropped), rel=1e-9)


@pytest.mark.parametrize('shape, radius', [((2, 4, 12, 9), 5), ((2, 3, 6, 7, 5), 2), ((1, 3, 3, 4, 9), 5)])
def test_value_and_gradient_equal_those_of_the_unfolded_form(shape, radius):
    logits, image = random_case(shape)
    values, grads = [], []
    for form in (gated_crf, unfolded):
        z = logits.clone().requires_grad_()
        value = form(z, image, radius=radius, spatial_sigma=3.0, intensity_sigma=0.8)
        value.backward()
        values.append(value.item())
        grads.append(z.grad)
    assert values[0] == pytest.approx(values[1], rel=1e-10) and torch.allclose(*grads, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize('settings', KERNELS)
@pytest.mark.parametrize('shape', [(2, 3, 4, 3), (1, 2, 2, 3, 3)])
def test_the_gradient_is_that_of_the_value(shape, settings):
    logits, image = random_case(shape)
    mask = torch.rand(logits[:, 0].shape, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda z: gated_crf(z, image, mask, radius=2, **settings), logits.requires_grad_())


def test_single_precision_is_near_double():
    logits, image = random_case((1, 3, 20, 20))
    value = gated_crf(logits.float(), image.float(), intensity_sigma=0.5)
    assert value.dtype == torch.float32
    assert float(value) == pytest.approx(float(gated_crf(logits, image, intensity_sigma=0.5)), rel=1e-5)


@pytest.mark.parametrize('shape', [(3, 3, 5, 4), (3, 3, 3, 4, 3)])
def test_neither_classes_nor_samples_are_mixed(shape):
    logits, image = random_case(shape)
    settings = dict(radius=2, spatial_sigma=2.0, intensity_sigma=1.0)
    value = float(gated_crf(logits, image, **settings))
    alone = [float(gated_crf(z[None], i[None], **settings)) for z, i in zip(logits, image)]
    assert value == pytest.approx(np.mean(alone), rel=1e-9)
    assert float(gated_crf(logits[:, [2, 0, 1]], image, **settings)) == pytest.approx(value, rel=1e-9)


def test_slices_are_not_mixed_at_radius_zero_across_them():
    logits, image = random_case((1, 3, 4, 5, 6))
    settings = dict(spatial_sigma=2.0, intensity_sigma=1.0)
    slices = gated_crf(logits[0].movedim(1, 0), image[0].movedim(1, 0), radius=2, **settings)
    assert float(gated_crf(logits, image, radius=(0, 2, 2), **settings)) == pytest.approx(float(slices), rel=1e-9)


def test_flipping_image_and_prediction_changes_nothing():
    logits, image = random_case((2, 3, 5, 4))
    value = float(gated_crf(logits, image, radius=2))
    for axis in (2, 3):
        assert float(gated_crf(logits.flip(axis), image.flip(axis), radius=2)) == pytest.approx(value, rel=1e-9)


def test_one_class_everywhere_costs_nothing_and_two_cost_what_joins_them():
    """Two voxels of one intensity, at distance 1, in different classes: each counts exp(-½) once, over two voxels."""
    same = torch.tensor([[[[9.0, 9.0]], [[-9.0, -9.0]]]]).double() * 20
    assert float(gated_crf(same, torch.zeros(1, 1, 1, 2), spatial_sigma=1.0)) == pytest.approx(0, abs=1e-12)
    other = torch.tensor([[[[9.0, -9.0]], [[-9.0, 9.0]]]]).double() * 20
    assert float(gated_crf(other, torch.zeros(1, 1, 1, 2), spatial_sigma=1.0)) == pytest.approx(math.exp(-0.5))


def test_the_image_gets_no_gradient_and_nothing_is_kept_per_shift():
    logits, image = random_case((1, 3, 16, 16))
    sizes = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: sizes.append(t.numel()) or t, lambda t: t):
        value = gated_crf(logits.requires_grad_(), image.requires_grad_(), radius=5)
    value.backward()
    assert image.grad is None and float(logits.grad.abs().sum()) > 0
    assert sum(sizes) <= 4 * logits.numel()


def test_a_second_derivative_is_refused_rather_than_wrong():
    logits, image = random_case((1, 2, 3, 3))
    value = gated_crf(logits.requires_grad_(), image)
    with pytest.raises(NotImplementedError, match='first derivative'):
        torch.autograd.grad(value, logits, create_graph=True)


def test_a_config_may_give_lists():
    logits, image = random_case((1, 2, 4, 4))
    loss = LOSSES.build(dict(type='gated_crf', radius=[1, 2], weights=[0.9, 0.1], intensity_sigma=[0.1, None]))
    expected = gated_crf(logits, image, radius=(1, 2), weights=(0.9, 0.1), intensity_sigma=(0.1, None))
    assert float(loss(logits, image)) == float(expected)


@pytest.mark.parametrize('settings, parts', [
    (dict(weights=(1, 2), spatial_sigma=(1, 2, 3)), ['weights=(1, 2)', 'one number for each kernel']),
    (dict(intensity_sigma=0), ['intensity_sigma=0', 'above 0']), (dict(spatial_sigma=-1.0), ['spatial_sigma=-1.0', 'above 0']),
    (dict(radius=(1, 2, 3)), ['radius=(1, 2, 3)', '2 axes']), (dict(spacing=(1,)), ['spacing=(1,)', '2 axes'])])
def test_settings_that_do_not_fit_are_named(settings, parts):
    with pytest.raises(UserError) as caught:
        gated_crf(*random_case((1, 2, 4, 4)), **settings)
    assert all(part in str(caught.value) for part in parts) and '\n' not in str(caught.value)


def test_shapes_that_do_not_fit_are_named():
    logits, image = random_case((1, 2, 4, 4))
    for call, parts in [(lambda: gated_crf(logits, image[:, :, :3]), ['(1, 3, 4)', '(1, 4, 4)']),
                        (lambda: gated_crf(logits, image, torch.ones(4, 4)), ['mask', '(4, 4)']),
                        (lambda: gated_crf((logits, logits), image), ['2 outputs'])]:
        with pytest.raises(UserError) as caught:
            call()
        assert all(part in str(caught.value) for part in parts)

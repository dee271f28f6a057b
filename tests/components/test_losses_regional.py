"""What is asked of a prediction without labels: certainty, smoothness, size and shape."""
import math

import numpy as np
import pytest
import torch

from scarceseg.components.losses import (
    boundary_length,
    compactness,
    entropy,
    entropy_map,
    gradient_length,
    mumford_shah,
    size_constraint,
    total_variation,
)
from scarceseg.registry import UserError

SHAPES = [(2, 3, 5, 4), (2, 3, 4, 5, 3)]


def random_case(shape, *, channels=2, seed=0):
    rng = np.random.default_rng(seed)
    return torch.tensor(rng.normal(0, 2, shape)), torch.tensor(rng.normal(0, 1, (shape[0], channels, *shape[2:])))


def softmax(logits):
    e = np.exp(logits.numpy())
    return e / e.sum(1, keepdims=True)


def certain(mask):
    """Logits (1, 2, *space) that say with certainty what a boolean mask (*space) says."""
    mask = torch.as_tensor(mask, dtype=torch.float64)
    return 200 * torch.stack([1 - mask, mask])[None]


def literal_gradient(p, sizes):
    """Voxel by voxel: the length of the differences with the next voxels."""
    out = np.zeros_like(p)
    for n, c, *place in np.ndindex(*p.shape):
        for axis, size in enumerate(sizes):
            after = list(place)
            after[axis] += 1
            if after[axis] < p.shape[2 + axis]:
                out[(n, c, *place)] += ((p[(n, c, *after)] - p[(n, c, *place)]) / size) ** 2
    return np.sqrt(out)


@pytest.mark.parametrize('shape', SHAPES)
def test_entropy_is_its_formula_over_the_voxels_asked_for(shape):
    logits, _ = random_case(shape)
    p = softmax(logits)
    values = -(p * np.log(p)).sum(1) / np.log(3)
    assert np.allclose(entropy_map(logits).numpy(), values)
    assert float(entropy(logits)) == pytest.approx(values.mean())
    mask = torch.tensor(np.random.default_rng(1).random(values.shape) < 0.5)
    assert float(entropy(logits, mask)) == pytest.approx(values[mask.numpy()].mean())
    weights = torch.rand(values.shape, dtype=torch.float64)
    assert float(entropy(logits, weights)) == pytest.approx(np.average(values, weights=weights))
    assert float(entropy(logits, torch.zeros_like(mask))) == 0


def test_entropy_is_one_of_equal_classes_and_zero_of_certain_ones():
    assert float(entropy(torch.zeros(1, 5, 2, 2))) == pytest.approx(1)
    assert float(entropy(certain([[True, False]]))) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize('shape', SHAPES)
@pytest.mark.parametrize('spacing', [None, (5.0, 0.5, 2.0), (math.inf, 1.0, 1.0)])
def test_total_variation_equals_the_gradient_read_voxel_by_voxel(shape, spacing):
    logits, _ = random_case(shape)
    spacing = spacing and spacing[:len(shape) - 2]
    expected = literal_gradient(softmax(logits), spacing or [1] * (len(shape) - 2))
    assert np.allclose(gradient_length(logits.softmax(1), spacing=spacing).numpy(), expected)
    assert float(total_variation(logits, spacing=spacing)) == pytest.approx(expected.mean())


def test_total_variation_of_a_known_picture():
    """A square of 2×2 in 4×4: its border is crossed at two voxels above, two on its left, one below, one on its right, and
    at its last corner in both directions at once. In both classes, so the mean over 2 · 16 is (6 + √2) / 16."""
    mask = np.zeros((4, 4), bool)
    mask[1:3, 1:3] = True
    assert float(total_variation(certain(mask))) == pytest.approx((6 + math.sqrt(2)) / 16)


@pytest.mark.parametrize('shape', SHAPES)
def test_total_variation_mixes_neither_samples_nor_classes(shape):
    """The order of samples and classes does not matter, and samples that differ from each other only have none."""
    logits, _ = random_case(shape)
    assert float(total_variation(logits[[1, 0]][:, [2, 0, 1]])) == pytest.approx(float(total_variation(logits)))
    alone = [float(total_variation(one[None])) for one in logits]
    assert float(total_variation(logits)) == pytest.approx(np.mean(alone))
    flat = torch.randn(*shape[:2], *[1] * (len(shape) - 2)).expand(shape)
    assert float(total_variation(flat)) == 0


def test_total_variation_of_a_volume_with_slices_infinitely_far_apart_is_that_of_its_slices():
    logits, _ = random_case((1, 3, 4, 5, 6))
    slices = logits[0].movedim(1, 0)
    assert float(total_variation(logits, spacing=(math.inf, 1, 1))) == pytest.approx(float(total_variation(slices)))
    assert float(total_variation(logits)) > float(total_variation(slices))


@pytest.mark.parametrize('shape', SHAPES)
def test_mumford_shah_equals_its_formula(shape):
    logits, image = random_case(shape)
    p, pictures = softmax(logits), image.numpy()
    total = 0.0
    for n in range(shape[0]):
        for c in range(shape[1]):
            for picture in pictures[n]:
                mean = np.average(picture, weights=p[n, c])
                total += (p[n, c] * (picture - mean) ** 2).sum()
    total += 0.3 * literal_gradient(p, [1] * (len(shape) - 2)).sum()
    voxels = shape[0] * math.prod(shape[2:])
    assert float(mumford_shah(logits, image, beta=0.3)) == pytest.approx(total / voxels)


def test_mumford_shah_of_regions_of_one_intensity_each_is_the_length_of_their_borders():
    mask = np.arange(6)[:, None].repeat(4, 1) < 3
    image = torch.tensor(np.where(mask, 5.0, -7.0))[None, None]
    logits = certain(mask)
    assert float(mumford_shah(logits, image, beta=0)) == pytest.approx(0, abs=1e-12)
    assert float(mumford_shah(logits, image, beta=1)) == pytest.approx(2 * 4 / 24)
    brighter = torch.cat([image, image + 100])  # each sample has means of its own
    assert float(mumford_shah(logits.repeat(2, 1, 1, 1), brighter, beta=0)) == pytest.approx(0, abs=1e-12)


def test_mumford_shah_gives_the_image_no_gradient():
    logits, image = random_case((1, 2, 4, 4))
    mumford_shah(logits.requires_grad_(), image.requires_grad_()).backward()
    assert image.grad is None and float(logits.grad.abs().sum()) > 0


@pytest.mark.parametrize('shape', SHAPES)
def test_size_constraint_is_the_square_of_what_is_outside(shape):
    logits, _ = random_case(shape)
    sizes = softmax(logits).sum(tuple(range(2, len(shape))))
    voxels = math.prod(shape[2:])
    lower, upper = (0, 0.5 * voxels, None), (None, voxels, 0.1 * voxels)
    outside = np.stack([0 * sizes[:, 0], np.maximum(lower[1] - sizes[:, 1], 0), np.maximum(sizes[:, 2] - upper[2], 0)], 1)
    assert outside.max() > 0
    value = size_constraint(logits, lower_voxels=lower, upper_voxels=upper)
    assert float(value) == pytest.approx(np.mean((outside / voxels) ** 2))


def test_a_size_within_its_bounds_costs_nothing():
    logits = certain(np.arange(16).reshape(4, 4) < 6).requires_grad_()
    value = size_constraint(logits, lower_voxels=(0, 6 - 1e-9), upper_voxels=(None, 6 + 1e-9))
    value.backward()
    assert value.item() == 0 and float(logits.grad.abs().max()) == 0


def square_in(space, low, high):
    mask = np.zeros(space, bool)
    mask[(slice(low, high),) * len(space)] = True
    return mask


def test_the_length_of_a_square_is_its_perimeter_but_for_one_corner():
    """Each of the four sides has 5 voxels; at the last corner two of them are crossed by one diagonal."""
    mask = square_in((9, 9), 2, 7)
    length = 4 * 5 - 2 + math.sqrt(2)
    assert float(boundary_length(certain(mask))) == pytest.approx(length)
    assert float(compactness(certain(mask), smooth=0)) == pytest.approx(length ** 2 / (4 * math.pi * 25))


def test_length_and_compactness_count_in_the_unit_of_the_spacing():
    mask = square_in((9, 9), 2, 7)
    assert float(boundary_length(certain(mask), spacing=(2, 2))) == pytest.approx(2 * float(boundary_length(certain(mask))))
    assert float(compactness(certain(mask), spacing=(2, 2))) == pytest.approx(float(compactness(certain(mask))))
    wide = np.repeat(mask, 2, axis=1)  # the same square in voxels half as wide
    assert float(boundary_length(certain(wide), spacing=(1, 0.5))) == pytest.approx(float(boundary_length(certain(mask))), rel=0.06)


@pytest.mark.parametrize('axes', [2, 3])
def test_a_ball_is_more_compact_than_a_box_and_a_box_than_pieces(axes):
    grid = np.stack(np.meshgrid(*[np.arange(33)] * axes, indexing='ij'))
    distance = np.sqrt(((grid - 16) ** 2).sum(0))
    ball = 1 / (1 + np.exp((distance - 11) / 0.7))  # a soft border, whose gradient is the normal's
    logits = torch.tensor(np.log([1 - ball, ball]))[None]
    ball = float(compactness(logits, smooth=0))
    box = float(compactness(certain(square_in((33,) * axes, 8, 26)), smooth=0))
    pieces = float(compactness(certain(np.random.default_rng(0).random((33,) * axes) < 0.3), smooth=0))
    assert ball == pytest.approx(1, abs=0.08) and ball < box < pieces


def test_the_surface_of_a_box_in_a_volume():
    """Three faces of 16 voxels outside; inside, three of 9, three edges of 3 where two are crossed at once, and a corner."""
    length = 3 * 16 + 3 * 9 + 9 * math.sqrt(2) + math.sqrt(3)
    mask = square_in((8, 8, 8), 2, 6)
    expected = literal_gradient(np.stack([mask])[None].astype(float), (1, 1, 1)).sum()
    assert float(boundary_length(certain(mask))) == pytest.approx(expected) == pytest.approx(length)


@pytest.mark.parametrize('shape', SHAPES)
def test_length_and_compactness_are_means_over_samples_and_classes_but_background(shape):
    logits, _ = random_case(shape)
    p, space = softmax(logits)[:, 1:], tuple(range(2, len(shape)))
    length, size = literal_gradient(p, [1] * len(space)).sum(space), p.sum(space) + 1
    assert float(boundary_length(logits)) == pytest.approx(length.mean())
    disc = 4 * math.pi * size if len(space) == 2 else (36 * math.pi * size ** 2) ** (2 / 3)
    assert float(compactness(logits)) == pytest.approx((length ** 2 / disc).mean())


def test_an_empty_class_and_one_that_fills_the_image_have_no_border():
    for value in (True, False):
        mask = np.full((5, 5), value)
        assert float(boundary_length(certain(mask))) == 0 and float(compactness(certain(mask))) == 0


@pytest.mark.parametrize('call, parts', [
    (lambda z, i: total_variation(z, spacing=(1, 1, 1)), ['spacing=(1, 1, 1)', '2 axes']),
    (lambda z, i: mumford_shah(z, i[:, :, :3]), ['image', '(2, 3, 4)', '(2, 5, 4)']),
    (lambda z, i: entropy(z, torch.ones(5, 4)), ['mask', '(5, 4)', '(2, 5, 4)']),
    (lambda z, i: size_constraint(z, lower_voxels=(1, 2), upper_voxels=(3, 4, 5)), ['lower_voxels=(1, 2)', '3 classes']),
    (lambda z, i: size_constraint(z, lower_voxels=(1, 2, 9), upper_voxels=(3, None, 5)), ['must not be above']),
    (lambda z, i: boundary_length((z, z)), ['2 outputs']), (lambda z, i: compactness((z, z, z)), ['3 outputs']),
    (lambda z, i: mumford_shah((z, z), i), ['2 outputs']), (lambda z, i: entropy((z, z)), ['2 outputs'])])
def test_what_cannot_be_meant_is_answered_in_one_sentence(call, parts):
    with pytest.raises(UserError) as caught:
        call(*random_case((2, 3, 5, 4)))
    assert all(part in str(caught.value) for part in parts) and '\n' not in str(caught.value)

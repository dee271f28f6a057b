import numpy as np
import pytest
import torch

from scarceseg.components.labels import IGNORE, IMPLIED
from scarceseg.components.losses import (
    cross_entropy,
    cross_entropy_map,
    dice_ce,
    partial_cross_entropy,
    soft_dice,
    soft_dice_per_class,
)
from scarceseg.registry import LOSSES, UserError

SHAPES = [(2, 3, 5, 4), (2, 3, 4, 5, 3)]


def random_pair(shape, *, ignored=0.3, seed=0):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, shape)
    label = rng.integers(0, shape[1], (shape[0], *shape[2:]))
    label[rng.random(label.shape) < ignored] = IGNORE
    return torch.tensor(logits), torch.tensor(label)


def literal_softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum()


def literal_cross_entropy(logits, label, weights):
    """Voxel by voxel, as the formula reads."""
    total = norm = 0.0
    for n, *place in np.ndindex(*label.shape):
        y = int(label[(n, *place)])
        if y != IGNORE:
            p = literal_softmax(logits[(n, slice(None), *place)])
            total, norm = total - weights[y] * np.log(p[y]), norm + weights[y]
    return total / norm


def literal_dice(logits, label, smooth):
    classes = logits.shape[1]
    overlap, size = np.zeros(classes), np.zeros(classes)
    for n, *place in np.ndindex(*label.shape):
        y = int(label[(n, *place)])
        if y != IGNORE:
            p = literal_softmax(logits[(n, slice(None), *place)])
            overlap[y] += p[y]
            size += p
            size[y] += 1
    return np.mean((2 * overlap + smooth) / (size + smooth))


@pytest.mark.parametrize('shape', SHAPES)
@pytest.mark.parametrize('weights', [None, (0.2, 1.0, 3.0)])
def test_cross_entropy_equals_the_formula_read_voxel_by_voxel(shape, weights):
    logits, label = random_pair(shape)
    expected = literal_cross_entropy(logits.numpy(), label.numpy(), weights or (1, 1, 1))
    assert float(cross_entropy(logits, label, class_weights=weights)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize('shape', SHAPES)
def test_soft_dice_equals_the_formula_read_voxel_by_voxel(shape):
    logits, label = random_pair(shape)
    expected = 1 - literal_dice(logits.numpy(), label.numpy(), 1e-5)
    assert float(soft_dice(logits, label)) == pytest.approx(expected, rel=1e-5)


def test_soft_dice_equals_monai_without_ignored_voxels():
    losses = pytest.importorskip('monai.losses')
    logits, label = random_pair((2, 3, 6, 6), ignored=0)
    for per_sample in (False, True):
        reference = losses.DiceLoss(softmax=True, to_onehot_y=True, batch=not per_sample, smooth_nr=1e-5, smooth_dr=1e-5)
        value = soft_dice(logits, label, per_sample=per_sample)
        assert float(value) == pytest.approx(float(reference(logits, label[:, None])), rel=1e-5)


@pytest.mark.parametrize('loss', [cross_entropy, soft_dice])
def test_ignoring_voxels_equals_leaving_them_out(loss):
    logits, label = random_pair((1, 3, 6, 6))
    keep = label[0] != IGNORE
    sliced = logits[0][:, keep][None], label[0][keep][None]
    assert float(loss(logits, label)) == pytest.approx(float(loss(*sliced)), rel=1e-5)


def test_any_value_may_mean_not_annotated():
    logits, label = random_pair((2, 3, 5, 5))
    four = torch.where(label == IGNORE, 4, label)
    assert float(cross_entropy(logits, four, ignore_index=4)) == float(cross_entropy(logits, label))
    assert float(soft_dice(logits, four, ignore_index=4)) == float(soft_dice(logits, label))


@pytest.mark.parametrize('name', ['cross_entropy', 'partial_cross_entropy', 'soft_dice', 'dice_ce'])
def test_a_batch_without_annotation_gives_zero_and_zero_gradients(name):
    logits = torch.randn(2, 3, 4, 4, requires_grad=True)
    value = LOSSES.build(dict(type=name))(logits, torch.full((2, 4, 4), IGNORE))
    value.backward()
    assert float(value) == pytest.approx(0, abs=1e-6) and float(logits.grad.abs().max()) == 0


def test_weights_of_absent_classes_do_not_make_nan():
    value = cross_entropy(torch.randn(1, 3, 2, 2), torch.zeros(1, 2, 2, dtype=torch.long), class_weights=(0, 1, 1))
    assert float(value) == 0


def test_a_class_absent_on_both_sides_costs_nothing():
    logits = torch.full((1, 3, 4, 4), -50.0)
    logits[:, 0] = 50
    dice = soft_dice_per_class(logits, torch.zeros(1, 4, 4, dtype=torch.long))
    assert dice.tolist() == pytest.approx([1, 1, 1], abs=1e-4)


def test_dice_of_a_known_picture():
    """Two of four voxels are class 1, three are predicted so with certainty: 2·2 / (3 + 2)."""
    label = torch.tensor([[[1, 1], [0, 0]]])
    prediction = torch.tensor([[[1, 1], [1, 0]]])
    logits = torch.nn.functional.one_hot(prediction, 2).movedim(-1, 1) * 100.0
    assert soft_dice_per_class(logits, label).tolist() == pytest.approx([2 / 3, 4 / 5], abs=1e-4)


@pytest.mark.parametrize('loss', [cross_entropy, soft_dice, dice_ce])
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16, torch.float16])
def test_saturated_logits_give_finite_values_and_gradients_in_every_dtype(loss, dtype):
    logits = torch.zeros(1, 3, 4, 4, dtype=dtype)
    logits[:, 0], logits[:, 1] = 6e4, -6e4
    logits.requires_grad_()
    value = loss(logits, torch.ones(1, 4, 4, dtype=torch.long))
    value.backward()
    assert value.dtype == torch.float32 and torch.isfinite(value) and torch.isfinite(logits.grad).all()


@pytest.mark.parametrize('loss', [cross_entropy, soft_dice, dice_ce])
def test_gradients_are_those_of_the_value(loss):
    """Against central differences; the losses compute in float32."""
    logits, label = random_pair((1, 3, 3, 3))
    logits = logits.float().requires_grad_()
    loss(logits, label).backward()
    step = 1e-2
    for place in [(0, 0, 0, 0), (0, 1, 2, 1), (0, 2, 1, 2)]:
        shift = torch.zeros_like(logits)
        shift[place] = step
        with torch.no_grad():
            slope = (loss(logits + shift, label) - loss(logits - shift, label)) / (2 * step)
        assert float(logits.grad[place]) == pytest.approx(float(slope), abs=2e-4)


def test_the_map_is_zero_where_ignored_and_keeps_its_shape():
    logits, label = random_pair((2, 3, 5, 4))
    values = cross_entropy_map(logits, label)
    assert values.shape == label.shape and float(values[label == IGNORE].abs().max()) == 0


def test_dice_and_cross_entropy_are_weighed():
    logits, label = random_pair((2, 3, 5, 4))
    expected = 0.3 * soft_dice(logits, label) + 2 * cross_entropy(logits, label)
    assert float(dice_ce(logits, label, dice_weight=0.3, ce_weight=2)) == pytest.approx(float(expected))


def test_background_may_be_left_out_and_samples_be_counted_alone():
    logits, label = random_pair((2, 3, 5, 4))
    per_class = soft_dice_per_class(logits, label)
    assert float(soft_dice(logits, label, background=False)) == pytest.approx(float(1 - per_class[1:].mean()))
    alone = torch.stack([soft_dice_per_class(logits[i:i + 1], label[i:i + 1]) for i in range(2)])
    assert torch.allclose(soft_dice_per_class(logits, label, per_sample=True), alone)


def test_shapes_that_do_not_fit_are_named():
    with pytest.raises(UserError, match=r'\(2, 5, 4\).*\(2, 4, 5\)'):
        soft_dice(torch.zeros(2, 3, 5, 4), torch.zeros(2, 4, 5, dtype=torch.long))


@pytest.mark.parametrize('name', ['cross_entropy', 'soft_dice', 'dice_ce'])
def test_other_losses_take_implied_background_as_not_annotated(name):
    logits, label = random_pair((2, 3, 5, 4))
    implied = torch.where(label == IGNORE, IMPLIED, label)
    loss = LOSSES.build(dict(type=name))
    assert float(loss(logits, implied)) == float(loss(logits, label))


def test_implied_background_is_a_mean_of_its_own():
    logits, label = random_pair((2, 3, 5, 4))
    assert float(partial_cross_entropy(logits, label)) == float(cross_entropy(logits, label))
    implied = label.clone()
    implied[label == IGNORE] = IMPLIED
    prob = logits.float().softmax(1)[:, 0][label == IGNORE]
    expected = float(cross_entropy(logits, label)) - 0.5 * float(prob.log().mean())
    assert float(partial_cross_entropy(logits, implied, implied_weight=0.5)) == pytest.approx(expected, rel=1e-5)

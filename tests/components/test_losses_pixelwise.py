"""Losses that are a mean over voxels, beside torch, MONAI and the formulas read voxel by voxel."""
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from scarceseg.components.labels import IGNORE
from scarceseg.components.losses import (
    cross_entropy,
    focal,
    generalized_cross_entropy,
    label_smoothing,
    mae,
    mse,
    slsr,
    soft_cross_entropy,
    symmetric_cross_entropy,
    thresholded_cross_entropy,
)
from scarceseg.registry import UserError

SHAPES = [(2, 3, 5, 4), (2, 3, 4, 5, 3)]
WEIGHTS = (0.2, 1.0, 3.0)


def random_pair(shape, *, ignored=0.3, seed=0):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, shape)
    label = rng.integers(0, shape[1], (shape[0], *shape[2:]))
    label[rng.random(label.shape) < ignored] = IGNORE
    return torch.tensor(logits), torch.tensor(label)


def literal(logits, label, of_voxel, weights=(1, 1, 1)):
    """Weighted mean of ``of_voxel(p, y, place)`` over the annotated voxels, one after the other."""
    logits, label = logits.numpy(), label.numpy()
    total = norm = 0.0
    for n, *place in np.ndindex(*label.shape):
        y = int(label[(n, *place)])
        if y != IGNORE:
            z = logits[(n, slice(None), *place)]
            p = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
            total, norm = total + weights[y] * of_voxel(p, y, (n, *place)), norm + weights[y]
    return total / norm


def onehot(p, y):
    return np.eye(len(p))[y]


FORMULAS = {
    'focal': (lambda z, y, **k: focal(z, y, gamma=1.5, **k), lambda p, y, _: -(1 - p[y]) ** 1.5 * np.log(p[y])),
    'gce': (lambda z, y, **k: generalized_cross_entropy(z, y, q=0.4, **k), lambda p, y, _: (1 - p[y] ** 0.4) / 0.4),
    'mae': (mae, lambda p, y, _: np.abs(p - onehot(p, y)).mean()),
    'mse': (mse, lambda p, y, _: ((p - onehot(p, y)) ** 2).mean()),
    'sce': (lambda z, y, **k: symmetric_cross_entropy(z, y, alpha=0.3, beta=2, log_zero=-3, **k),
            lambda p, y, _: -0.3 * np.log(p[y]) - 2 * (p * np.where(onehot(p, y) > 0, 0, -3)).sum()),
    'label smoothing': (lambda z, y, **k: label_smoothing(z, y, epsilon=0.2, **k),
                        lambda p, y, _: -((0.8 * onehot(p, y) + 0.2 / len(p)) * np.log(p)).sum()),
}


@pytest.mark.parametrize('shape', SHAPES)
@pytest.mark.parametrize('weights', [None, WEIGHTS])
@pytest.mark.parametrize('name', FORMULAS)
def test_a_loss_equals_its_formula_read_voxel_by_voxel(name, shape, weights):
    logits, label = random_pair(shape)
    loss, of_voxel = FORMULAS[name]
    value = loss(logits, label, class_weights=weights)
    assert float(value) == pytest.approx(literal(logits, label, of_voxel, weights or (1, 1, 1)), rel=1e-9)


@pytest.mark.parametrize('shape', SHAPES)
def test_focal_equals_monai(shape):
    losses = pytest.importorskip('monai.losses')
    logits, label = random_pair(shape, ignored=0)
    reference = losses.FocalLoss(gamma=2.0, use_softmax=True, to_onehot_y=True)  # its mean is over the classes too
    assert float(focal(logits, label, gamma=2.0)) == pytest.approx(3 * float(reference(logits, label[:, None])), rel=1e-5)


@pytest.mark.parametrize('shape', SHAPES)
def test_label_smoothing_equals_torch(shape):
    logits, label = random_pair(shape)
    expected = F.cross_entropy(logits, label, label_smoothing=0.3, ignore_index=IGNORE)
    assert float(label_smoothing(logits, label, epsilon=0.3)) == pytest.approx(float(expected), rel=1e-9)


@pytest.mark.parametrize('loss', [
    lambda z, y: focal(z, y, gamma=0), lambda z, y: label_smoothing(z, y, epsilon=0),
    lambda z, y: generalized_cross_entropy(z, y, q=0), lambda z, y: generalized_cross_entropy(z, y, q=1e-9),
    lambda z, y: symmetric_cross_entropy(z, y, alpha=1, beta=0), lambda z, y: slsr(z, y, torch.zeros_like(y, dtype=torch.bool))])
@pytest.mark.parametrize('shape', SHAPES)
def test_the_limit_is_cross_entropy_in_value_and_gradient(loss, shape):
    logits, label = random_pair(shape)
    values, grads = [], []
    for one in (loss, cross_entropy):
        z = logits.clone().requires_grad_()
        value = one(z, label)
        value.backward()
        values.append(value.item())
        grads.append(z.grad)
    assert values[0] == pytest.approx(values[1], rel=1e-7) and torch.allclose(*grads, rtol=1e-6, atol=1e-12)


def test_generalized_cross_entropy_at_one_is_half_the_absolute_error_summed_over_classes():
    logits, label = random_pair((2, 3, 5, 4))
    assert float(generalized_cross_entropy(logits, label, q=1)) == pytest.approx(3 / 2 * float(mae(logits, label)), rel=1e-12)


def test_generalized_cross_entropy_of_a_known_voxel():
    """p = (¾, ¼), the label is the second: (1 - ½) / ½ for q = ½."""
    logits = torch.tensor([math.log(3), 0.0]).reshape(1, 2, 1, 1)
    assert float(generalized_cross_entropy(logits, torch.ones(1, 1, 1, dtype=torch.long), q=0.5)) == pytest.approx(1.0)


@pytest.mark.parametrize('shape', SHAPES)
def test_slsr_smooths_where_the_map_says_and_nowhere_else(shape):
    logits, label = random_pair(shape)
    wrong = torch.rand(label.shape, generator=torch.Generator().manual_seed(1)) < 0.4

    def of_voxel(p, y, place):
        target = onehot(p, y)
        target = np.where(target > 0, 0.75, 0.125) if wrong[place] else target
        return -(target * np.log(p)).sum()
    assert float(slsr(logits, label, wrong)) == pytest.approx(literal(logits, label, of_voxel), rel=1e-9)
    assert float(slsr(logits, label, wrong.double())) == pytest.approx(float(slsr(logits, label, wrong)), rel=1e-12)
    half = slsr(logits, label, 0.5 * wrong.double(), epsilon=0.5)
    assert float(half) == pytest.approx(float(slsr(logits, label, wrong)), rel=1e-12)


def test_slsr_of_two_classes_is_the_form_of_the_paper():
    logits, label = random_pair((2, 2, 5, 4), ignored=0)
    wrong = label == 1
    smooth = F.one_hot(label, 2).movedim(-1, 1).double()
    smooth = torch.where(wrong[:, None], (smooth - 0.5) * (0.5 - 0.25) / 0.5 + 0.5, smooth)
    expected = -(smooth * logits.log_softmax(1)).sum(1).mean()
    assert float(slsr(logits, label, wrong)) == pytest.approx(float(expected), rel=1e-9)


@pytest.mark.parametrize('shape', SHAPES)
def test_soft_cross_entropy_equals_torch_and_on_hard_targets_cross_entropy(shape):
    logits, label = random_pair(shape)
    target = torch.rand(shape, dtype=torch.float64).softmax(1)
    assert float(soft_cross_entropy(logits, target)) == pytest.approx(float(F.cross_entropy(logits, target)), rel=1e-9)
    known = label != IGNORE
    hard = F.one_hot(label.where(known, 0), 3).movedim(-1, 1)
    assert float(soft_cross_entropy(logits, hard, known)) == pytest.approx(float(cross_entropy(logits, label)), rel=1e-9)


@pytest.mark.parametrize('call, parts', [
    (lambda z, y: focal(z, y, gamma=-1), ['gamma=-1']), (lambda z, y: generalized_cross_entropy(z, y, q=1.5), ['q=1.5', '[0, 1]']),
    (lambda z, y: label_smoothing(z, y, epsilon=2), ['epsilon=2']),
    (lambda z, y: slsr(z, y, y > 0, epsilon=-0.1), ['epsilon=-0.1']),
    (lambda z, y: slsr(z, y, y[:1] > 0), ['error_map', '(1, 5, 4)']),
    (lambda z, y: mae(z, y, class_weights=(1, 2)), ['class_weights=(1, 2)', '3 classes']),
    (lambda z, y: mae(z, y[:, :3]), ['(2, 5, 4)', '(2, 3, 4)']), (lambda z, y: focal((z, z), y), ['2 outputs', 'deep_supervision']),
    (lambda z, y: soft_cross_entropy(z, z, y[0] > 0), ['mask', '(5, 4)', '(2, 5, 4)'])])
def test_what_cannot_be_meant_is_answered_in_one_sentence(call, parts):
    with pytest.raises(UserError) as caught:
        call(*random_pair((2, 3, 5, 4)))
    assert all(part in str(caught.value) for part in parts) and '\n' not in str(caught.value)


def test_thresholded_cross_entropy_is_that_of_the_confident_voxels_divided_by_all():
    logits, label = torch.randn(2, 3, 4, 4), torch.randint(0, 3, (2, 4, 4))
    label[:, :, 1:] = IGNORE
    value = thresholded_cross_entropy(logits, label)
    assert float(value) == pytest.approx(float(cross_entropy(logits, label)) / 4, rel=1e-5)

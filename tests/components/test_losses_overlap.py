"""Losses of overlap, beside MONAI and the formulas in NumPy."""
import numpy as np
import pytest
import torch

from scarceseg.components.labels import IGNORE
from scarceseg.components.losses import exp_log, focal_dice, group_dice, noise_robust_dice, soft_dice, soft_dice_per_class, tversky
from scarceseg.registry import UserError

SHAPES = [(2, 4, 5, 4), (2, 4, 4, 5, 3)]
WEIGHTS = (0.0, 1.0, 3.0, 0.5)


def random_pair(shape, *, ignored=0.3, seed=0):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, shape)
    label = rng.integers(0, shape[1], (shape[0], *shape[2:]))
    label[rng.random(label.shape) < ignored] = IGNORE
    return torch.tensor(logits), torch.tensor(label)


def annotated(logits, label):
    """Probabilities and one-hot labels of the annotated voxels, in a row: two (V, C) arrays."""
    known = label.numpy() != IGNORE
    z = np.moveaxis(logits.numpy(), 1, -1)[known]
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    return p, np.eye(z.shape[1])[label.numpy()[known]]


def dice(p, y, smooth=1e-5):
    return (2 * (p * y).sum(0) + smooth) / (p.sum(0) + y.sum(0) + smooth)


def exp_log_in_numpy(p, y):
    share = y.sum(0)
    weight = np.sqrt(share.sum() / share)
    entropy = (weight * y * (-np.log(p)) ** 0.3).sum(1).mean()
    return 0.8 * ((-np.log(dice(p, y, 1.0))) ** 0.3).mean() + 0.2 * entropy


FORMULAS = {
    'tversky': (tversky, lambda p, y: 1 - np.mean([
        (2 * tp + 1e-5) / (2 * (tp + 0.3 * fp + 0.7 * fn) + 1e-5)
        for tp, fp, fn in zip((p * y).sum(0), (p * (1 - y)).sum(0), ((1 - p) * y).sum(0))])),
    'focal_dice': (lambda z, t: focal_dice(z, t, beta=3), lambda p, y: np.mean(1 - dice(p, y) ** (1 / 3))),
    'noise_robust_dice': (lambda z, t: noise_robust_dice(z, t, gamma=1.3), lambda p, y: np.mean(
        (np.abs(p - y) ** 1.3).sum(0) / ((p ** 2).sum(0) + (y ** 2).sum(0) + 1e-5))),
    'exp_log': (exp_log, exp_log_in_numpy),
    'exp_log with weights': (lambda z, t: exp_log(z, t, dice_weight=0, ce_weight=1, gamma=2, class_weights=WEIGHTS),
                             lambda p, y: (y * WEIGHTS * np.log(p) ** 2).sum(1).mean()),
    'group_dice': (group_dice, lambda p, y: 1 - dice(1 - p[:, 0], 1 - y[:, 0])),
    'group_dice of two': (lambda z, t: group_dice(z, t, groups=[(1, 3), (2, 3, 0)]), lambda p, y: 1 - (
        dice(p[:, [1, 3]].sum(1), y[:, [1, 3]].sum(1)) + dice(p[:, [0, 2, 3]].sum(1), y[:, [0, 2, 3]].sum(1))) / 2),
}


@pytest.mark.parametrize('shape', SHAPES)
@pytest.mark.parametrize('name', FORMULAS)
def test_a_loss_equals_its_formula_in_numpy(name, shape):
    logits, label = random_pair(shape)
    loss, formula = FORMULAS[name]
    assert float(loss(logits, label)) == pytest.approx(formula(*annotated(logits, label)), rel=1e-9)


@pytest.mark.parametrize('shape', SHAPES)
@pytest.mark.parametrize('per_sample', [False, True])
def test_tversky_equals_monai(shape, per_sample):
    losses = pytest.importorskip('monai.losses')
    logits, label = random_pair(shape, ignored=0)
    reference = losses.TverskyLoss(softmax=True, to_onehot_y=True, alpha=0.2, beta=0.9, batch=not per_sample,
                                   smooth_nr=0.5, smooth_dr=0.5)  # ours adds it to twice both sides
    value = tversky(logits, label, alpha=0.2, beta=0.9, smooth=1.0, per_sample=per_sample)
    assert float(value) == pytest.approx(float(reference(logits, label[:, None])), rel=1e-6)


@pytest.mark.parametrize('shape', SHAPES)
@pytest.mark.parametrize('loss', [
    lambda z, y, **k: tversky(z, y, alpha=0.5, beta=0.5, **k), lambda z, y, **k: focal_dice(z, y, beta=1, **k)])
@pytest.mark.parametrize('settings', [
    {}, dict(per_sample=True), dict(background=False), dict(class_weights=WEIGHTS, smooth=2.0),
    dict(class_weights=WEIGHTS, background=False)])
def test_the_limit_is_dice(loss, shape, settings):
    logits, label = random_pair(shape)
    assert float(loss(logits, label, **settings)) == pytest.approx(float(soft_dice(logits, label, **settings)), rel=1e-9)


def test_group_dice_of_single_classes_is_dice_and_of_all_classes_is_zero():
    logits, label = random_pair((2, 4, 5, 4))
    single = group_dice(logits, label, groups=[(c,) for c in range(4)], per_sample=True)
    assert float(single) == pytest.approx(float(soft_dice(logits, label, per_sample=True)), rel=1e-12)
    assert float(group_dice(logits, label, groups=[range(4)])) == pytest.approx(0, abs=1e-12)


def test_group_dice_does_not_ask_which_class_of_a_group_it_is():
    logits, label = random_pair((2, 4, 5, 4))
    other = torch.where((label > 0) & (label < 4), 1 + label % 3, label)
    assert not torch.equal(other, label) and float(group_dice(logits, other)) == float(group_dice(logits, label))


def test_class_weights_weigh_the_mean_over_classes():
    logits, label = random_pair((2, 4, 5, 4))
    per_class = soft_dice_per_class(logits, label).numpy()
    assert float(soft_dice(logits, label, class_weights=WEIGHTS)) == pytest.approx(1 - np.average(per_class, weights=WEIGHTS))
    per_sample = soft_dice_per_class(logits, label, per_sample=True).numpy()
    expected = 1 - np.average(per_sample[:, 1:], axis=1, weights=WEIGHTS[1:]).mean()
    assert float(soft_dice(logits, label, class_weights=WEIGHTS, per_sample=True, background=False)) == pytest.approx(expected)


def test_noise_robust_dice_at_two_is_one_minus_dice_of_squares():
    """Σ(p - y)² = Σp² + Σy² - 2Σpy."""
    logits, label = random_pair((2, 4, 5, 4))
    p, y = annotated(logits, label)
    expected = np.mean(1 - 2 * (p * y).sum(0) / ((p ** 2).sum(0) + y.sum(0)))
    assert float(noise_robust_dice(logits, label, gamma=2, smooth=0)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize('loss', [soft_dice, tversky, focal_dice, noise_robust_dice, group_dice])
def test_without_smoothing_a_class_absent_from_both_sides_costs_nothing(loss):
    logits = torch.full((1, 3, 4, 4), -200.0)
    logits[:, 0] = 200
    logits.requires_grad_()
    value = loss(logits, torch.zeros(1, 4, 4, dtype=torch.long), smooth=0)
    value.backward()
    assert value.item() == pytest.approx(0, abs=1e-6) and torch.isfinite(logits.grad).all()


@pytest.mark.parametrize('call, parts', [
    (lambda z, y: tversky(z, y, alpha=-1), ['alpha=-1']), (lambda z, y: focal_dice(z, y, beta=0.5), ['beta=0.5']),
    (lambda z, y: exp_log(z, y, gamma=0), ['gamma=0']), (lambda z, y: noise_robust_dice(z, y, gamma=3), ['gamma=3', '[1, 2]']),
    (lambda z, y: soft_dice(z, y, class_weights=(1, 2)), ['class_weights=(1, 2)', '4 classes']),
    (lambda z, y: group_dice(z, y, groups=[(1, 4)]), ['(1, 4)', 'from 0 to 3']),
    (lambda z, y: group_dice(z, y, groups=[()]), ['()']), (lambda z, y: group_dice(z, y, groups=[1, 2]), ['a tuple of classes']),
    (lambda z, y: tversky(z, y[:, :3]), ['(2, 5, 4)', '(2, 3, 4)']), (lambda z, y: exp_log((z, z), y), ['2 outputs'])])
def test_what_cannot_be_meant_is_answered_in_one_sentence(call, parts):
    with pytest.raises(UserError) as caught:
        call(*random_pair((2, 4, 5, 4)))
    assert all(part in str(caught.value) for part in parts) and '\n' not in str(caught.value)

"""Sums of losses and losses at several scales, from Python and from a config."""
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from scarceseg.components.labels import IGNORE, IMPLIED
from scarceseg.components.losses import (
    combined,
    cross_entropy,
    deep_supervision,
    deep_supervision_average,
    deep_supervision_majority,
    dice_ce,
    focal,
    soft_dice,
)
from scarceseg.components.losses.pooling import majority_label, nearest_label
from scarceseg.registry import LOSSES, UserError

SHAPES = [(2, 3, 8, 12), (2, 3, 4, 8, 6)]
SCALES = [deep_supervision, deep_supervision_majority]


def random_pair(shape, *, ignored=0.3, seed=0):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, shape)
    label = rng.integers(0, shape[1], (shape[0], *shape[2:]))
    label[rng.random(label.shape) < ignored] = IGNORE
    return torch.tensor(logits), torch.tensor(label)


def pyramid(shape, levels=3, *, seed=0):
    """Logits at several scales, each half of the one before it along every axis but the first of a volume."""
    generator = torch.Generator().manual_seed(seed)
    steps = [1 if len(shape) == 5 and axis == 0 else 2 for axis in range(len(shape) - 2)]
    spaces = [[max(n // s ** i, 1) for n, s in zip(shape[2:], steps)] for i in range(levels)]
    return tuple(torch.randn(*shape[:2], *space, generator=generator, dtype=torch.float64) for space in spaces)


def test_losses_are_added_by_their_weights():
    logits, label = random_pair((2, 3, 5, 4))
    losses = dict(dice=soft_dice, ce=cross_entropy, hard=focal)
    expected = 0.3 * soft_dice(logits, label) + 2 * cross_entropy(logits, label) + focal(logits, label)
    assert float(combined(logits, label, losses=losses, weights=dict(dice=0.3, ce=2))) == pytest.approx(float(expected))


def test_a_config_combines_configs():
    logits, label = random_pair((2, 3, 5, 4))
    losses = dict(dice=dict(type='soft_dice', background=False), ce=dict(type='cross_entropy'))
    loss = LOSSES.build(dict(type='combined', losses=losses, weights=dict(dice=0.5, ce=0.5)))
    expected = (soft_dice(logits, label, background=False) + cross_entropy(logits, label)) / 2
    assert float(loss(logits, label)) == pytest.approx(float(expected))


def test_a_config_supervises_deeply_what_a_config_combines():
    outputs, (_, label) = pyramid(SHAPES[0]), random_pair(SHAPES[0])
    losses = dict(dice=dict(type='soft_dice'), ce=dict(type='cross_entropy'))
    inner = dict(type='combined', losses=losses, weights=dict(dice=0.5, ce=0.5))
    loss = LOSSES.build(dict(type='deep_supervision', loss=inner))
    assert float(loss(outputs, label)) == pytest.approx(float(deep_supervision(outputs, label, loss=dice_ce)))
    assert loss.func.takes_outputs


@pytest.mark.parametrize('loss', SCALES)
@pytest.mark.parametrize('shape', SHAPES)
@pytest.mark.parametrize('decay, weights', [(0.5, (4 / 7, 2 / 7, 1 / 7)), (1, (1 / 3, 1 / 3, 1 / 3)), (2.0, (1 / 7, 2 / 7, 4 / 7))])
def test_scales_weigh_by_powers_of_the_decay_that_sum_to_one(loss, shape, decay, weights):
    outputs, (_, label) = pyramid(shape), random_pair(shape)
    seen = []
    loss(outputs, label, loss=lambda z, y: seen.append((z, y)) or z.sum(), decay=decay)
    assert all(z is out and y.shape == z[:, 0].shape for (z, y), out in zip(seen, outputs)) and torch.equal(seen[0][1], label)
    value = loss(outputs, label, loss=cross_entropy, decay=decay)
    assert float(value) == pytest.approx(sum(w * float(cross_entropy(z, y)) for w, (z, y) in zip(weights, seen)))


@pytest.mark.parametrize('loss', SCALES)
def test_at_one_scale_deep_supervision_is_the_loss_itself(loss):
    logits, label = random_pair((2, 3, 8, 12))
    assert float(loss((logits,), label, loss=dice_ce)) == pytest.approx(float(dice_ce(logits, label)))
    assert float(deep_supervision_average([logits], label)) == float(cross_entropy(logits, label))


@pytest.mark.parametrize('shape', SHAPES)
def test_the_average_form_is_cross_entropy_of_the_outputs_repeated_to_the_size_of_the_label(shape):
    outputs, (_, label) = pyramid(shape, levels=2), random_pair(shape)
    whole = [F.interpolate(z, label.shape[1:], mode='nearest') for z in outputs]
    expected = (2 * cross_entropy(whole[0], label) + cross_entropy(whole[1], label)) / 3
    assert float(deep_supervision_average(outputs, label)) == pytest.approx(float(expected), rel=1e-6)


def literal_majority(label, steps, classes):
    """Cell by cell: the most frequent class, the lower of equals; else implied background where there is any; else nothing."""
    out = np.full([n // s for n, s in zip(label.shape, steps)], IGNORE)
    for place in np.ndindex(*out.shape):
        cell = label[tuple(slice(p * s, (p + 1) * s) for p, s in zip(place, steps))]
        counts = [(cell == c).sum() for c in range(classes)]
        if any(counts):
            out[place] = int(np.argmax(counts))
        elif (cell == IMPLIED).any():
            out[place] = IMPLIED
    return out


@pytest.mark.parametrize('shape, steps', [((2, 8, 12), (1, 2, 3)), ((2, 4, 8, 6), (1, 1, 4, 2)), ((1, 8, 8), (1, 8, 8))])
@pytest.mark.parametrize('dtype', [torch.uint8, torch.int64])
def test_a_cell_has_the_class_of_most_of_its_annotated_voxels(shape, steps, dtype):
    rng = np.random.default_rng(0)
    label = rng.choice([0, 1, 2, IMPLIED, IGNORE], shape, p=[0.05, 0.05, 0.05, 0.05, 0.8])
    expected = literal_majority(label, steps, 3)
    assert len(np.unique(expected)) > 3 or expected.size == 1
    coarse = majority_label(torch.tensor(label).to(dtype), expected.shape, classes=3, ignore_index=IGNORE)
    assert coarse.dtype == dtype and np.array_equal(coarse.numpy(), expected)


@pytest.mark.parametrize('shape, steps', [((2, 8, 12), (1, 2, 3)), ((2, 4, 8, 6), (1, 1, 4, 2))])
def test_the_nearest_label_is_what_a_stride_takes(shape, steps):
    label = torch.tensor(np.random.default_rng(0).integers(0, 4, shape))
    expected = label[tuple(slice(None, None, s) for s in steps)]
    assert torch.equal(nearest_label(label, expected.shape), expected)
    five = [0, 2, 4, 7, 9] if shape[-1] == 12 else [0, 1, 2, 3, 4]
    assert torch.equal(nearest_label(label, (*label.shape[:-1], 5)), label[..., five])


@pytest.mark.parametrize('space', [(8, 12), (7, 9)])
def test_no_scale_invents_annotation_and_the_majority_keeps_every_scribble(space):
    """A line one voxel thin in the second row and column: a stride of two misses it, the majority does not."""
    label = torch.full((1, *space), IGNORE)
    label[:, 1], label[:, :, 1] = 1, 2
    coarse = [(n + 1) // 2 for n in space]
    majority = majority_label(label, (1, *coarse), classes=3, ignore_index=IGNORE)
    touched = F.adaptive_max_pool2d((label != IGNORE).float()[:, None], coarse)[:, 0] > 0
    assert torch.equal(majority != IGNORE, touched) and bool((majority[0, 0, 1:] == 1).all())
    nearest = nearest_label(label, (1, *coarse))
    assert bool((nearest[~touched] == IGNORE).all())
    assert bool((nearest == IGNORE).all()) == (space == (8, 12))


@pytest.mark.parametrize('loss', [*SCALES, lambda z, y, loss: deep_supervision_average(z, y)])
def test_without_annotation_every_scale_gives_zero_and_zero_gradients(loss):
    outputs = [z.requires_grad_() for z in pyramid(SHAPES[0])]
    value = loss(outputs, torch.full((2, 8, 12), IGNORE), loss=dice_ce)
    value.backward()
    assert value.item() == pytest.approx(0, abs=1e-9) and all(float(z.grad.abs().max()) == 0 for z in outputs)


def test_any_value_may_mean_not_annotated():
    outputs, (_, label) = pyramid(SHAPES[0]), random_pair(SHAPES[0])
    four = torch.where(label == IGNORE, 4, label)
    ce = LOSSES.build(dict(type='cross_entropy', ignore_index=4))
    assert float(deep_supervision(outputs, four, loss=ce)) == float(deep_supervision(outputs, label, loss=cross_entropy))
    assert float(deep_supervision_average(outputs, four, ignore_index=4)) == float(deep_supervision_average(outputs, label))
    assert (float(deep_supervision_majority(outputs, four, loss=ce, ignore_index=4))
            == float(deep_supervision_majority(outputs, label, loss=cross_entropy)))


OUTPUTS, LABEL = pyramid(SHAPES[0]), random_pair(SHAPES[0])[1]


@pytest.mark.parametrize('call, parts', [
    (lambda: deep_supervision(OUTPUTS[0], LABEL, loss=dice_ce), ['single output']),
    (lambda: deep_supervision(OUTPUTS, LABEL, loss=dice_ce, decay=0), ['decay=0']),
    (lambda: deep_supervision(OUTPUTS, LABEL[:, ::2], loss=dice_ce), ['(2, 8, 12)', '(2, 4, 12)', 'or smaller']),
    (lambda: deep_supervision_average(OUTPUTS[1:], LABEL[:1]), ['(2, 4, 6)', '(1, 8, 12)']),
    (lambda: combined(OUTPUTS[0], LABEL, losses=dict(dice=soft_dice), weights=dict(dise=1)), ['weights.dise', "mean 'dice'"]),
    (lambda: combined(OUTPUTS[0], LABEL, losses={}), ['losses=dict(']),
    (lambda: combined(OUTPUTS[0], LABEL, losses=[soft_dice]), ['losses=dict(']),
    (lambda: combined(OUTPUTS, LABEL, losses=dict(dice=soft_dice)), ['3 outputs', 'deep_supervision'])])
def test_what_cannot_be_meant_is_answered_in_one_sentence(call, parts):
    with pytest.raises(UserError) as caught:
        call()
    assert all(part in str(caught.value) for part in parts) and '\n' not in str(caught.value)

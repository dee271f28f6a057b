"""What holds for every loss on the shelf: corners, precision, gradients."""
import numpy as np
import pytest
import torch

from scarceseg.components.labels import IGNORE, IMPLIED
from scarceseg.components.losses import cross_entropy, soft_dice
from scarceseg.registry import LOSSES

SHAPES = [(2, 3, 6, 5), (1, 3, 3, 4, 5)]
LABELLED = ('cross_entropy', 'cross_entropy_map', 'dice_ce', 'exp_log', 'focal', 'focal_dice', 'generalized_cross_entropy',
            'group_dice', 'label_smoothing', 'mae', 'mse', 'noise_robust_dice', 'partial_cross_entropy', 'soft_dice',
            'symmetric_cross_entropy', 'tversky')
COMPARED = ('attention_transfer', 'cosine_distance', 'cosine_similarity_map', 'js_divergence', 'js_divergence_map', 'kl_divergence',
            'kl_divergence_map', 'mean_squared_error', 'symmetric_kl', 'symmetric_kl_map')
PLAIN = ('boundary_length', 'compactness', 'entropy', 'total_variation')
BOUNDS = dict(lower_voxels=(None, 5, 12), upper_voxels=(4, 9, None))


def scales(z):
    return z, z[(..., *(slice(None, None, 2),) * (z.ndim - 2))]


def rows(z):
    return z.movedim(1, -1).flatten(0, -2)


# how each is called with logits, label and image
CALLS = {
    **dict.fromkeys(LABELLED, lambda loss, z, y, image: loss(z, y)),
    **dict.fromkeys(COMPARED, lambda loss, z, y, image: loss(z.softmax(1), z.flip(1).softmax(1))),
    **dict.fromkeys(PLAIN, lambda loss, z, y, image: loss(z)),
    'thresholded_cross_entropy': lambda loss, z, y, image: loss(z, y),
    'slsr': lambda loss, z, y, image: loss(z, y, y == 1),
    'soft_cross_entropy': lambda loss, z, y, image: loss(z, z.flip(1).softmax(1)),
    'size_constraint': lambda loss, z, y, image: loss(z, **BOUNDS),
    'mumford_shah': lambda loss, z, y, image: loss(z, image),
    'gated_crf': lambda loss, z, y, image: loss(z, image),
    'info_nce': lambda loss, z, y, image: loss(rows(z), rows(z.flip(1))),
    'combined': lambda loss, z, y, image: loss(z, y, losses=dict(a=soft_dice, b=cross_entropy), weights=dict(a=0.3)),
    'deep_supervision': lambda loss, z, y, image: loss(scales(z), y, loss=soft_dice),
    'deep_supervision_majority': lambda loss, z, y, image: loss(scales(z), y, loss=soft_dice),
    'deep_supervision_average': lambda loss, z, y, image: loss(scales(z), y),
}
WITH_LABEL = (*LABELLED, 'slsr', 'combined', 'deep_supervision', 'deep_supervision_majority', 'deep_supervision_average')


def call(name, logits, label, image):
    return CALLS[name](LOSSES.get(name), logits, label, image.to(logits.dtype))


def random_case(shape, seed=0):
    rng = np.random.default_rng(seed)
    label = rng.choice([0, 1, 2, IGNORE], (shape[0], *shape[2:]))
    return torch.tensor(rng.normal(0, 2, shape)), torch.tensor(label), torch.tensor(rng.normal(0, 1, (shape[0], 1, *shape[2:])))


def predicting(shape, high, low):
    """Logits that predict class 0 throughout."""
    logits = torch.full(shape, low, dtype=torch.float64)
    logits[:, 0] = high
    return logits


def corners(shape):
    """Logits and label of every corner."""
    logits, label, _ = random_case(shape)
    none, whole = torch.full_like(label, IGNORE), predicting(shape, 50.0, -50.0)
    return {'a class is not predicted': (whole, label), 'classes are not in the label': (logits, torch.zeros_like(label)),
            'neither predicted nor in the label': (whole, torch.zeros_like(label)), 'all wrong': (whole, torch.full_like(label, 2)),
            'all ignored': (logits, none), 'all implied': (logits, torch.full_like(label, IMPLIED)),
            'saturated': (predicting(shape, 6e4, -6e4), label),
            'saturated and wrong': (predicting(shape, 6e4, -6e4), torch.ones_like(label)),
            'saturated and ignored': (predicting(shape, -6e4, 6e4), none), 'nothing known': (torch.zeros(shape), label)}


def test_every_loss_on_the_shelf_is_in_the_table():
    LOSSES.get('soft_dice')  # has the shelf filled
    ours = {name for name, loss in LOSSES.module_dict.items() if loss.__module__.startswith('scarceseg.components.losses')}
    assert ours == set(CALLS)


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize('shape', SHAPES)
@pytest.mark.parametrize('name', CALLS)
def test_value_and_gradient_are_finite_in_every_corner_and_precision(name, shape, dtype):
    image = random_case(shape)[2]
    for corner, (logits, label) in corners(shape).items():
        logits = logits.to(dtype).requires_grad_()
        value = call(name, logits, label, image)
        value.sum().backward()
        assert value.dtype == (torch.float64 if dtype == torch.float64 else torch.float32), corner
        assert value.shape == (label.shape if name.endswith('_map') else ()), corner
        assert torch.isfinite(value).all() and torch.isfinite(logits.grad).all(), corner


@pytest.mark.parametrize('shape', SHAPES)
@pytest.mark.parametrize('name', WITH_LABEL)
def test_without_annotation_a_loss_is_zero_and_so_is_its_gradient(name, shape):
    logits, label, image = random_case(shape)
    marks = (IGNORE, IMPLIED) if name != 'partial_cross_entropy' else (IGNORE,)
    for mark in marks:
        z = logits.clone().requires_grad_()
        value = call(name, z, torch.full_like(label, mark), image)
        value.sum().backward()
        assert float(value.detach().abs().max()) == pytest.approx(0, abs=1e-9) and float(z.grad.abs().max()) == 0


@pytest.mark.parametrize('name', sorted({*LABELLED, 'slsr', 'combined'} - {'cross_entropy_map'}))
def test_ignoring_voxels_equals_leaving_them_out(name):
    logits, label, image = random_case((1, 3, 6, 5))
    keep = label[0] != IGNORE
    sliced = logits[0][:, keep][None], label[0][keep][None], image
    assert float(call(name, logits, label, image)) == pytest.approx(float(call(name, *sliced)), rel=1e-9)
    if name != 'partial_cross_entropy':
        implied = call(name, logits, label.where(keep, IMPLIED), image)
        assert float(implied) == pytest.approx(float(call(name, *sliced)), rel=1e-9)


@pytest.mark.parametrize('name', WITH_LABEL)
def test_ignored_voxels_get_no_gradient_and_labels_may_be_bytes(name):
    logits, label, image = random_case((2, 3, 6, 5))
    logits.requires_grad_()
    value = call(name, logits, label, image).sum()
    value.backward()
    if not name.startswith('deep_supervision'):  # there a voxel without annotation may share a cell with one that has
        assert float(logits.grad.movedim(1, -1)[label == IGNORE].abs().max()) == 0
    assert float(call(name, logits.detach(), label.to(torch.uint8), image).sum()) == float(value.detach())


@pytest.mark.parametrize('shape', [(2, 3, 3, 4), (1, 3, 2, 3, 2)])
@pytest.mark.parametrize('name', CALLS)
def test_the_gradient_is_that_of_the_value(name, shape):
    logits, label, image = random_case(shape)
    assert torch.autograd.gradcheck(lambda z: call(name, z, label, image), logits.requires_grad_())


@pytest.mark.parametrize('shape', SHAPES)
@pytest.mark.parametrize('name', CALLS)
def test_autocast_changes_nothing_but_the_precision_of_the_logits(name, shape):
    logits, label, image = random_case(shape)
    logits = logits.bfloat16().requires_grad_()
    expected = call(name, logits, label, image)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        value = call(name, logits, label, image)
    value.sum().backward()
    assert value.dtype == torch.float32 and torch.isfinite(logits.grad).all()
    tolerance = 1e-2 if name in COMPARED or name == 'soft_cross_entropy' else 1e-5  # their softmax is the caller's
    assert torch.allclose(value, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
@pytest.mark.parametrize('name', sorted({*LABELLED} - {'group_dice'}))
def test_class_weights_stay_precise_beside_half_precision_logits(name, dtype):
    logits, label, _ = random_case((2, 3, 6, 5))
    loss, weights = LOSSES.get(name), (0.101, 1.003, 2.007)
    logits = logits.to(dtype)
    assert torch.equal(loss(logits, label, class_weights=weights), loss(logits.float(), label, class_weights=weights))


@pytest.mark.parametrize('name', CALLS)
def test_channels_last_changes_nothing(name):
    logits, label, image = random_case((2, 3, 6, 5))
    last = logits.contiguous(memory_format=torch.channels_last)
    assert torch.allclose(call(name, last, label, image), call(name, logits, label, image), rtol=1e-9)


@pytest.mark.parametrize('name', sorted({*WITH_LABEL} - {'slsr', 'group_dice', 'partial_cross_entropy', 'cross_entropy_map'}))
def test_classes_may_be_numbered_otherwise(name):
    """But for those that take class 0 for the background."""
    logits, label, image = random_case((2, 3, 6, 5))
    order = torch.tensor([2, 0, 1])
    renamed = torch.where(label < 3, order.argsort()[label.clamp_max(2)], label)
    if name == 'deep_supervision_majority':
        label = renamed = torch.where(label < 3, 1, label)  # of equals it takes the lower
        order = torch.tensor([2, 1, 0])
    assert float(call(name, logits[:, order], renamed, image)) == pytest.approx(float(call(name, logits, label, image)), rel=1e-9)


@pytest.mark.parametrize('name', CALLS)
def test_what_a_loss_takes_besides_is_marked(name):
    loss = LOSSES.get(name)
    assert getattr(loss, 'takes_outputs', False) == name.startswith('deep_supervision')
    assert getattr(loss, 'takes_image', False) == (name in ('gated_crf', 'mumford_shah'))

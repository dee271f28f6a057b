"""Distances between predictions, contrastive loss and sharpening, beside torch, SciPy and the formulas in NumPy."""
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy as relative_entropy

from scarceseg.components.functional import sharpen
from scarceseg.components.losses import (
    cosine_distance,
    cosine_similarity_map,
    info_nce,
    js_divergence,
    js_divergence_map,
    kl_divergence,
    kl_divergence_map,
    mean_squared_error,
    symmetric_kl,
    symmetric_kl_map,
)
from scarceseg.registry import UserError

SHAPES = [(2, 3, 5, 4), (2, 3, 4, 5, 3)]
SCALARS = [mean_squared_error, kl_divergence, symmetric_kl, js_divergence, cosine_distance]
MAPS = {kl_divergence: kl_divergence_map, symmetric_kl: symmetric_kl_map, js_divergence: js_divergence_map}


def random_pair(shape, *, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator, dtype=torch.float64).mul(2).softmax(1) for _ in range(2)]


@pytest.mark.parametrize('shape', SHAPES)
def test_divergences_equal_scipy(shape):
    p, q = random_pair(shape)
    forward, backward = relative_entropy(p.numpy(), q.numpy(), axis=1), relative_entropy(q.numpy(), p.numpy(), axis=1)
    assert np.allclose(kl_divergence_map(p, q).numpy(), forward)
    assert np.allclose(symmetric_kl_map(p, q).numpy(), (forward + backward) / 2)
    assert np.allclose(js_divergence_map(p, q).numpy(), jensenshannon(p.numpy(), q.numpy(), axis=1) ** 2)


@pytest.mark.parametrize('shape', SHAPES)
def test_distances_equal_torch(shape):
    p, q = random_pair(shape)
    assert float(mean_squared_error(p, q)) == pytest.approx(float(F.mse_loss(p, q)))
    assert torch.allclose(cosine_similarity_map(p, q), F.cosine_similarity(p, q, dim=1))
    voxels = p[:, 0].numel()
    assert float(kl_divergence(p, q)) == pytest.approx(float(F.kl_div(q.log(), p, reduction='sum')) / voxels)


@pytest.mark.parametrize('loss', SCALARS)
@pytest.mark.parametrize('shape', SHAPES)
def test_a_mask_equals_leaving_voxels_out_and_a_map_is_averaged(loss, shape):
    p, q = random_pair(shape)
    mask = torch.rand(p[:, 0].shape, generator=torch.Generator().manual_seed(3)) < 0.4
    kept = [x.movedim(1, -1)[mask].T[None] for x in (p, q)]
    assert float(loss(p, q, mask)) == pytest.approx(float(loss(*kept)), rel=1e-9)
    assert float(loss(p, q, torch.zeros_like(mask))) == 0
    if loss in MAPS:
        assert float(loss(p, q)) == pytest.approx(float(MAPS[loss](p, q).mean()), rel=1e-12)


@pytest.mark.parametrize('loss', SCALARS)
def test_equal_predictions_are_no_distance_apart_and_the_symmetric_ones_may_be_exchanged(loss):
    p, q = random_pair((2, 3, 5, 4))
    assert float(loss(p, p)) == pytest.approx(0, abs=1e-12) and float(loss(p, q)) > 0
    assert (float(loss(p, q)) == pytest.approx(float(loss(q, p)), rel=1e-9)) == (loss is not kl_divergence)


@pytest.mark.parametrize('dtype', [torch.float32, torch.float16])
@pytest.mark.parametrize('loss', SCALARS)
def test_certain_and_opposite_predictions_give_finite_values_and_gradients(loss, dtype):
    logits = torch.tensor([[3e4, -3e4], [-3e4, 3e4]], dtype=dtype)[..., None, None].requires_grad_()
    value = loss(logits[:1].softmax(1), logits[1:].softmax(1))
    value.backward()
    assert torch.isfinite(value) and torch.isfinite(logits.grad).all() and value.dtype == torch.float32


def test_the_js_divergence_of_opposite_predictions_is_ln_2():
    p = torch.tensor([1.0, 0.0])[None, :, None, None]
    assert float(js_divergence(p, p.flip(1))) == pytest.approx(math.log(2))


def test_info_nce_is_the_logarithm_of_the_share_of_the_positive():
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(6, 4, generator=generator, dtype=torch.float64) for _ in range(2))
    x, y = ((v / v.norm(dim=1, keepdim=True)).numpy() for v in (a, b))
    similarity = np.exp(x @ y.T / 0.2)
    expected = -np.log(np.diag(similarity) / similarity.sum(1)).mean()
    assert float(info_nce(a, b, temperature=0.2)) == pytest.approx(expected, rel=1e-9)
    assert float(info_nce(5 * a, b, temperature=0.2)) == pytest.approx(expected, rel=1e-9)
    order = torch.tensor([3, 1, 0, 5, 4, 2])
    assert float(info_nce(a[order], b[order], temperature=0.2)) == pytest.approx(expected, rel=1e-9)


def test_info_nce_of_features_that_are_all_alike_is_the_logarithm_of_their_number():
    assert float(info_nce(torch.ones(7, 3), torch.ones(7, 3))) == pytest.approx(math.log(7))
    assert float(info_nce(torch.ones(0, 3), torch.ones(0, 3))) == 0


def test_info_nce_is_computed_in_single_precision_under_autocast():
    features = torch.randn(8, 16)
    other = features + 0.1 * torch.randn(8, 16)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        value = info_nce(features, other)
    assert value.dtype == torch.float32 and float(value) == float(info_nce(features, other))


@pytest.mark.parametrize('temperature', [0.1, 0.5, 1.0, 2.0])
def test_sharpening_is_its_formula(temperature):
    p, _ = random_pair((2, 3, 5, 4))
    power = p.numpy() ** (1 / temperature)
    assert np.allclose(sharpen(p, temperature=temperature).numpy(), power / power.sum(1, keepdims=True))


def test_sharpening_stays_finite_for_certain_predictions_and_many_classes():
    p = torch.zeros(1, 3, 2, 2)
    p[:, 0] = 1
    p.requires_grad_()
    sharp = sharpen(p, temperature=0.05)
    sharp.square().sum().backward()
    assert torch.allclose(sharp, p) and torch.isfinite(p.grad).all()
    even = sharpen(torch.full((1, 200, 1, 1), 1 / 200), temperature=0.01)  # 200^-100 is nothing in single precision
    assert torch.allclose(even, torch.tensor(1 / 200))


def test_a_low_temperature_leaves_the_likeliest_class():
    p, _ = random_pair((2, 3, 5, 4))
    assert torch.equal(sharpen(p, temperature=0.1).argmax(1), p.argmax(1))
    assert bool((sharpen(p, temperature=0.1).amax(1) >= p.amax(1)).all())


@pytest.mark.parametrize('call, parts', [
    (lambda p: mean_squared_error(p, p[:, :2]), ['(2, 3, 5, 4)', '(2, 2, 5, 4)']),
    (lambda p: kl_divergence(p, p, p[:, 0, 0] > 0), ['mask', '(2, 4)', '(2, 5, 4)']),
    (lambda p: info_nce(p, p), ['(M, D)', '(2, 3, 5, 4)']), (lambda p: info_nce(p[0, 0], p[0, 1, :2]), ['(5, 4)', '(2, 4)']),
    (lambda p: info_nce(p[0, 0], p[0, 0], temperature=0), ['temperature=0']),
    (lambda p: sharpen(p, temperature=0), ['temperature=0'])])
def test_what_cannot_be_meant_is_answered_in_one_sentence(call, parts):
    with pytest.raises(UserError) as caught:
        call(random_pair((2, 3, 5, 4))[0])
    assert all(part in str(caught.value) for part in parts) and '\n' not in str(caught.value)

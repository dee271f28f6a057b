"""Maths that methods share: noise, dropped channels, uncertainty, pseudo labels, attention; and views of one part alone."""
import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from scarceseg.components.datasets import FolderDataset, PartsDataset
from scarceseg.components.datasets.parts.samplers import Draw
from scarceseg.components.functional import (
    clipped_noise,
    drop_channels,
    entropy_of,
    largest_parts,
    pseudo_label,
    rectified_consistency,
    sharpen,
)
from scarceseg.components.labels import IGNORE
from scarceseg.components.losses import attention_transfer
from scarceseg.components.schedules import step
from scarceseg.registry import UserError

SHAPES = [(2, 3, 6, 5), (2, 3, 4, 5, 3)]


def some_probs(shape=SHAPES[0], seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).mul(2).softmax(1)


def test_noise_is_gaussian_and_cut_off_at_twice_its_deviation():
    image = torch.full((2, 1, 200, 200), 3.0)
    noise = clipped_noise(image, std=0.1) - 3
    assert float(noise.abs().max()) == pytest.approx(0.2, abs=1e-5) and bool((image == 3).all())
    assert float((noise.abs() > 0.1999).float().mean()) == pytest.approx(0.0455, abs=0.005)  # beyond two deviations
    assert float((noise.abs() < 0.1).float().mean()) == pytest.approx(0.683, abs=0.01) and abs(float(noise.mean())) < 2e-3
    assert abs(float((noise[..., 1:] * noise[..., :-1]).mean())) < 2e-4  # each voxel by itself
    assert not torch.equal(noise[0], noise[1]) and torch.equal(clipped_noise(image, std=0.0), image)


@pytest.mark.parametrize('shape', SHAPES)
def test_channels_are_dropped_whole_and_the_others_make_up_for_them(shape):
    features = torch.randn(64, 32, *shape[2:]).abs() + 0.1
    dropped = drop_channels(features, rate=0.25)
    kept = (dropped != 0).flatten(2)
    assert torch.equal(kept.all(2), kept.any(2))  # a channel of a sample as a whole
    share = kept.all(2).float()
    assert float(share.mean()) == pytest.approx(0.75, abs=0.03) and share.std(0).min() > 0 and share.std(1).min() > 0
    assert torch.allclose(dropped[kept.all(2)], features[kept.all(2)] / 0.75)
    assert torch.equal(drop_channels(features, rate=0.0), features) and not drop_channels(features, rate=1.0).any()


def test_the_gradient_of_dropped_channels_is_that_of_a_factor():
    features = torch.randn(4, 8, 3, 3, requires_grad=True)
    dropped = drop_channels(features, rate=0.5)
    dropped.sum().backward()
    assert set(features.grad.unique().tolist()) == {0.0, 2.0}
    assert torch.equal(features.grad == 0, dropped == 0)
    assert drop_channels(features.detach().bfloat16()).dtype == torch.bfloat16


@pytest.mark.parametrize('shape', SHAPES)
def test_entropy_is_one_where_nothing_is_known_and_zero_where_all_is(shape):
    prob = some_probs(shape)
    literal = [-sum(float(p) * math.log(float(p)) for p in row) / math.log(3) for row in prob.movedim(1, -1).reshape(-1, 3)]
    assert torch.allclose(entropy_of(prob).flatten(), torch.tensor(literal), atol=1e-5)
    assert torch.allclose(entropy_of(torch.full(shape, 1 / 3)), torch.ones(shape[0], *shape[2:]))
    sure = F.one_hot(torch.zeros(2, 4, dtype=torch.long), 3).float().movedim(-1, 1).requires_grad_()
    assert float(entropy_of(sure).detach().abs().max()) < 1e-6
    entropy_of(sure).sum().backward()
    assert torch.isfinite(sure.grad).all() and entropy_of(prob.bfloat16()).dtype == torch.float32


def test_equal_predictions_are_consistent_and_opposite_ones_are_as_far_as_can_be():
    prob = some_probs()
    assert float(rectified_consistency([prob, prob, prob])) == pytest.approx(0, abs=1e-6)
    zero = torch.tensor([1.0, 0.0]).view(1, 2, 1, 1).expand(1, 2, 3, 3)
    assert float(rectified_consistency([zero, 1 - zero])) == pytest.approx(0.25 + math.log(2), rel=1e-5)


def test_certain_places_weigh_more_in_rectified_consistency():
    """Two places, one with D = 0: there the square is 0 too, and counts fully in the sum of weights."""
    a = torch.tensor([[0.5, 1.0], [0.5, 0.0]]).view(1, 2, 2, 1)
    b = torch.tensor([[0.5, 0.0], [0.5, 1.0]]).view(1, 2, 2, 1)
    weight = math.exp(-math.log(2))
    assert float(rectified_consistency([a, b])) == pytest.approx(weight * 0.25 / (1 + weight) + math.log(2) / 2, rel=1e-5)


def test_pseudo_labels_are_the_likeliest_classes_from_a_confidence_on():
    """Probabilities 0.5, 0.6 and 0.9 of the likeliest class."""
    prob = torch.tensor([[0.5, 0.6, 0.1], [0.25, 0.3, 0.9], [0.25, 0.1, 0.0]]).clamp_min(1e-9)
    logits = prob.log().view(1, 3, 1, 3)
    for confidence, expected in ((0, [0, 0, 1]), (0.55, [IGNORE, 0, 1]), (0.8, [IGNORE, IGNORE, 1]), (0.95, [IGNORE] * 3)):
        label = pseudo_label(logits, confidence=confidence)
        assert label.dtype == torch.int64 and label.shape == (1, 1, 3) and label.flatten().tolist() == expected
    half = torch.zeros(1, 2, 1, 1)
    assert int(pseudo_label(half, confidence=0.5)) == 0 and int(pseudo_label(half, confidence=0.51)) == IGNORE


def test_only_the_largest_part_of_each_class_of_each_sample_stays():
    """Parts join by faces, not by corners; another class between them separates."""
    label = torch.tensor([[[1, 1, 0, 1],
                           [1, 0, 2, 0],
                           [0, 2, 0, 1],
                           [2, 2, 0, 1]],
                          [[0, 0, 0, 0],
                           [0, 3, 0, 0],
                           [0, 0, 0, 0],
                           [0, 0, 0, 0]]])
    kept = largest_parts(label)
    assert kept.tolist() == [[[1, 1, 0, 0], [1, 0, 0, 0], [0, 2, 0, 0], [2, 2, 0, 0]], label[1].tolist()]
    assert kept.dtype == label.dtype and not largest_parts(torch.zeros(2, 3, 3, 3, dtype=torch.int64)).any()
    volume = torch.zeros(1, 3, 3, 3, dtype=torch.int64)
    volume[0, :, 0, 0] = 1
    volume[0, 0, 2, 2] = 1
    assert int(largest_parts(volume).sum()) == 3


@pytest.mark.parametrize('shape', SHAPES)
def test_attention_is_compared_as_its_formula_says(shape):
    g = torch.Generator().manual_seed(1)
    a, b = (torch.randn(shape[0], c, *shape[2:], generator=g) for c in (4, 7))
    losses = []
    for one, other in zip(a.numpy(), b.numpy()):
        maps = [(f.astype(np.float64) ** 2).sum(0).ravel() for f in (one, other)]
        losses.append(sum((x - y) ** 2 for x, y in zip(*(m / math.sqrt(sum(v ** 2 for v in m)) for m in maps))))
    assert float(attention_transfer(a, b)) == pytest.approx(sum(losses) / len(losses), rel=1e-5)


def test_attention_knows_places_and_not_strengths():
    features = torch.randn(2, 3, 4, 4)
    assert float(attention_transfer(features, 5 * features)) == pytest.approx(0, abs=1e-6)
    assert float(attention_transfer(features, torch.cat([features, features], 1))) == pytest.approx(0, abs=1e-6)
    here, there = torch.zeros(1, 2, 3, 3), torch.zeros(1, 5, 3, 3)
    here[..., 0, 0], there[..., 2, 1] = 2.0, 3.0
    assert float(attention_transfer(here, there)) == pytest.approx(2)
    even = torch.ones(1, 2, 3, 3)
    assert float(attention_transfer(here, even)) == pytest.approx(2 - 2 / 3)  # 1 at one of 9 places against 1/3 at each
    assert float(attention_transfer(even, torch.ones(1, 4, 6, 7))) == pytest.approx(0, abs=1e-6)  # of another size
    dead = torch.zeros(1, 2, 3, 3, requires_grad=True)
    attention_transfer(dead, even).backward()
    assert torch.isfinite(dead.grad).all()


@pytest.mark.parametrize('other', [(3, 4, 4, 4), (2, 4, 4, 4, 4)])
def test_attention_of_other_samples_or_axes_is_refused(other):
    with pytest.raises(UserError, match='of as many samples, and both in 2D or both in 3D'):
        attention_transfer(torch.zeros(2, 4, 4, 4), torch.zeros(other))


def test_a_sharp_distribution_is_nearer_to_its_likeliest_class():
    prob = torch.tensor([0.6, 0.4]).view(1, 2, 1)
    assert sharpen(prob, temperature=0.5).flatten().tolist() == pytest.approx([0.36 / 0.52, 0.16 / 0.52])
    assert torch.allclose(sharpen(prob, temperature=1.0), prob) and torch.isfinite(sharpen(prob.round(), temperature=0.1)).all()


@pytest.mark.parametrize('function, settings', [
    (clipped_noise, dict(std=-1)), (drop_channels, dict(rate=2)), (pseudo_label, dict(confidence=50)),
    (sharpen, dict(temperature=0))])
def test_settings_out_of_range_are_refused(function, settings):
    with pytest.raises(UserError, match='must'):
        function(torch.ones(1, 2, 3), **settings)


def test_a_step_is_before_until_it_is_after():
    assert [step(t, at=3, before=1, after=0) for t in range(5)] == [1, 1, 1, 0, 0]
    assert [step(t, at=0) for t in range(2)] == [1.0, 1.0]


@pytest.fixture
def parts(small_folder):
    def make(**changes):
        settings = dict(images='ACDC/images', classes=('background', 'a', 'b', 'c'), data_root=small_folder)
        return PartsDataset(parts=dict(
            labeled=FolderDataset(labels='ACDC/labels', split='ACDC/splits/labeled_10pct.txt', **settings),
            unlabeled=FolderDataset(labels='ACDC/labels', split='ACDC/splits/unlabeled_90pct.txt', **settings)),
            prepare=[dict(type='normalise')], slices=True, **changes)
    strong = [dict(type='random_gamma', probability=1.0)]
    crop = dict(type='random_affine', size=(16, 16), foreground=0.0)
    return lambda: make(transforms=[crop], part_transforms=dict(unlabeled=[dict(type='views', count=2, strong=strong)]))


def test_strong_views_are_of_the_unlabelled_part_alone(parts):
    data = parts()
    for foreground in (False, True):
        part, sample = data[Draw('labeled', 1, (1, 2), foreground)]
        assert part == 'labeled' and set(sample) == {'image', 'label', 'name'}
        assert not foreground or (sample['label'] > 0).any()
        part, sample = data[Draw('unlabeled', 1, (1, 2), foreground)]
        assert part == 'unlabeled' and set(sample) == {'image', 'image_strong1', 'image_strong2', 'name'}
        shapes = {v.shape for k, v in sample.items() if k != 'name'}
        assert shapes == {(1, 16, 16)}
        assert not np.array_equal(sample['image_strong1'], sample['image_strong2'])
        assert not np.array_equal(sample['image'], sample['image_strong1'])


def test_views_depend_on_the_draw_alone(parts):
    data = parts()
    first = data[Draw('unlabeled', 0, (7,))][1]
    data[Draw('unlabeled', 2, (1,))], data[Draw('labeled', 0, (7,))]
    again, other = data[Draw('unlabeled', 0, (7,))][1], data[Draw('unlabeled', 0, (8,))][1]
    assert all(np.array_equal(first[k], again[k]) for k in first)
    assert not np.array_equal(first['image_strong2'], other['image_strong2'])

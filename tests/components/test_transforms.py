import numpy as np
import pytest
from scipy import ndimage

from scarceseg.components.labels import IGNORE, IMPLIED
from scarceseg.components.transforms import (
    affine,
    clip_percentiles,
    crop,
    flip,
    implied_background,
    normalise,
    pad,
    random_affine,
    random_brightness_contrast,
    random_crop,
    random_flip,
    random_gamma,
    random_noise,
    undo,
)
from scarceseg.registry import UserError

STILL = dict(rotate_deg=0, scale=(1, 1), stretch=1, flip_axes=())


def make_sample(space=(20, 24), seed=0):
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 4, space).astype(np.uint8)
    label[rng.random(space) < 0.5] = IGNORE
    return dict(name='x', image=rng.normal(0, 1, (2, *space)).astype(np.float32), label=label, spacing_mm=(1.0,) * len(space))


RANDOM = [(random_crop, dict(size=(9, 30))), (random_flip, {}), (random_affine, dict(size=(16, 17))), (random_gamma, {}),
          (random_noise, {}), (random_brightness_contrast, {})]


@pytest.mark.parametrize('transform, settings', RANDOM)
@pytest.mark.parametrize('space', [(20, 24), (5, 20, 24)])
def test_a_random_transform_is_a_function_of_its_generator_and_changes_nothing_in_place(transform, settings, space):
    sample = make_sample(space)
    before = sample['image'].copy(), sample['label'].copy()
    one, two = (transform(sample, np.random.default_rng(7), **settings) for _ in range(2))
    assert np.array_equal(one['image'], two['image']) and np.array_equal(one['label'], two['label'])
    assert np.array_equal(sample['image'], before[0]) and np.array_equal(sample['label'], before[1])
    assert one['image'].dtype == np.float32 and one['label'].dtype == np.uint8
    assert one['image'].shape[1:] == one['label'].shape
    results = [transform(sample, np.random.default_rng(k), **settings)['image'] for k in range(6)]
    assert any(r.shape != results[0].shape or not np.array_equal(r, results[0]) for r in results)


@pytest.mark.parametrize('transform, settings', RANDOM)
def test_labels_keep_to_their_values_and_scribbles_invent_no_annotation(transform, settings):
    sample = make_sample()
    sample['label'][:] = IGNORE
    sample['label'][8:12, 8:12] = 2
    for k in range(5):
        label = transform(sample, np.random.default_rng(k), **settings)['label']
        assert set(np.unique(label)) <= {2, IGNORE}


@pytest.mark.parametrize('transform, settings', RANDOM[-3:])
def test_intensity_transforms_leave_the_label_alone(transform, settings):
    sample = make_sample()
    assert transform(sample, np.random.default_rng(0), **settings)['label'] is sample['label']


def test_what_comes_from_outside_the_image_is_not_annotated_and_never_background():
    sample = make_sample((6, 6))
    sample['label'][:] = 1
    for transform, settings in [(pad, dict(size=(10, 10))), (random_crop, dict(size=(10, 10))),
                                (random_affine, dict(size=(10, 10), rotate_deg=30))]:
        label = transform(sample, np.random.default_rng(0), **settings)['label']
        assert set(np.unique(label)) == {1, IGNORE}, transform.__name__


def test_padding_is_drawn_as_expected():
    """2×2 padded to 4×5: one row above and below, one column left and two right."""
    sample = dict(image=np.array([[[1, 2], [3, 4]]], np.float32), label=np.array([[1, 2], [3, 0]], np.uint8))
    out = pad(sample, size=(4, 5))
    n = IGNORE
    assert out['label'].tolist() == [[n] * 5, [n, 1, 2, n, n], [n, 3, 0, n, n], [n] * 5]
    assert out['image'][0].tolist() == [[1] * 5, [1, 1, 2, 1, 1], [1, 3, 4, 1, 1], [1] * 5]
    assert pad(out, size=(3, 3)) is out


@pytest.mark.parametrize('space', [(20, 24), (5, 20, 24)])
def test_the_history_brings_a_prediction_back_exactly(space):
    sample = make_sample(space)
    padded = pad(sample, size=(30, 31))
    changed = flip(crop(padded, start=[0] * (len(space) - 2) + [2, 3], size=[*space[:-2], 27, 28]), axes=(-2, -1))
    back = undo(changed['image'], changed['history'])
    assert np.array_equal(back, sample['image'])
    assert undo(changed['label'], changed['history']).shape == space


def test_a_voxel_that_a_crop_took_away_is_filled():
    out = crop(dict(image=np.ones((1, 3, 3), np.float32)), start=(1, 1), size=(2, 2))
    assert undo(np.ones((2, 2)), out['history']).tolist() == [[0, 0, 0], [0, 1, 1], [0, 1, 1]]


def test_what_cannot_be_undone_says_so():
    with pytest.raises(UserError, match="'warp' cannot be undone"):
        undo(np.ones((3, 3)), (('warp', {}),))


def test_an_affine_at_rest_is_the_identity():
    sample = make_sample()
    out = random_affine(sample, np.random.default_rng(0), size=(20, 24), **STILL)
    assert np.allclose(out['image'], sample['image'], atol=1e-5) and np.array_equal(out['label'], sample['label'])


def test_an_affine_without_rotation_is_a_crop():
    """At whole positions nothing is interpolated."""
    sample = make_sample()
    out = affine(sample, matrix=np.eye(2), centre=(9.5, 10.5), size=(8, 8))
    assert np.allclose(out['image'], sample['image'][:, 6:14, 7:15], atol=1e-6)
    assert np.array_equal(out['label'], sample['label'][6:14, 7:15])


def test_a_rotation_by_ninety_degrees_is_rot90():
    """Output (0, 1) from the centre shows input matrix (0, 1) = (-1, 0): what was above is now at the right."""
    sample = make_sample((15, 15))
    out = affine(sample, matrix=[[0, -1], [1, 0]], centre=(7, 7), size=(15, 15))
    assert np.array_equal(out['label'], np.rot90(sample['label'], -1))
    assert np.allclose(out['image'], np.rot90(sample['image'], -1, axes=(1, 2)), atol=1e-5)


def test_a_flip_drawn_by_the_affine_is_a_flip():
    sample = make_sample((15, 15))
    seen = set()
    for k in range(20):
        out = random_affine(sample, np.random.default_rng(k), size=(15, 15), **{**STILL, 'flip_axes': (-2, -1)})['label']
        kinds = [axes for axes in ((), (0,), (1,), (0, 1)) if np.array_equal(out, np.flip(sample['label'], axes))]
        assert len(kinds) == 1
        seen.add(kinds[0])
    assert len(seen) == 4


def test_magnification_above_one_makes_things_larger():
    sample = dict(image=np.zeros((1, 41, 41), np.float32), label=np.zeros((41, 41), np.uint8))
    sample['label'][15:26, 15:26] = 1
    out = random_affine(sample, np.random.default_rng(0), size=(41, 41), **{**STILL, 'scale': (2, 2)})
    assert (out['label'] == 1).sum() == pytest.approx(4 * 121, rel=0.1)


def test_a_rotation_is_one_in_millimetres_where_voxels_are_not_square():
    """A disc of 12 mm stays a disc of 12 mm, whatever the angle, with voxels of 1 × 3 mm."""
    y, x = np.mgrid[:61, :21]
    disc = ((y - 30) ** 2 + (3 * (x - 10)) ** 2 <= 12 ** 2).astype(np.uint8)
    sample = dict(image=disc[None].astype(np.float32), label=disc, spacing_mm=(1.0, 3.0))
    for k in range(5):
        out = random_affine(sample, np.random.default_rng(k), size=(61, 21), scale=(1, 1), flip_axes=())['label']
        assert np.mean((out == 1) != (disc == 1)) < 0.02


def test_the_combined_resampling_equals_scipys_zoom_and_rotation_in_sequence():
    """On a smooth image, where interpolating twice loses little."""
    y, x = np.mgrid[:64, :64]
    image = np.exp(-((y - 30) ** 2 + 2 * (x - 36) ** 2) / 200).astype(np.float32)
    angle = np.deg2rad(25)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    out = affine(dict(image=image[None]), matrix=matrix / 1.5, centre=(31.5, 31.5), size=(64, 64))['image'][0]
    large = ndimage.affine_transform(image, np.eye(2) / 1.5, offset=31.5 - 31.5 / 1.5, order=3)
    assert np.abs(out - ndimage.rotate(large, -25, reshape=False, order=3))[12:-12, 12:-12].max() < 0.01


@pytest.mark.parametrize('transform', [random_crop, random_affine])
def test_a_view_asked_to_hold_foreground_holds_it(transform):
    sample = make_sample((60, 60))
    sample['label'][:] = 0
    sample['label'][50, 3] = 2
    still = {} if transform is random_crop else STILL
    for k in range(20):
        out = transform(sample, np.random.default_rng(k), size=(16, 16), foreground=1.0, **still)
        assert 2 in out['label']


def test_crops_reach_every_voxel():
    sample = make_sample((6, 6))
    sample['image'][0] = np.arange(36).reshape(6, 6)
    seen = set()
    for k in range(200):
        seen.update(random_crop(sample, np.random.default_rng(k), size=(3, 3))['image'][0].ravel().tolist())
    assert len(seen) == 36


def test_normalised_channels_have_mean_zero_and_deviation_one():
    sample = dict(image=np.random.default_rng(0).normal(1000, 7, (2, 4, 30, 30)).astype(np.float32))
    sample['image'][1] = 5
    image = normalise(sample)['image']
    assert image[0].mean() == pytest.approx(0, abs=1e-4) and image[0].std() == pytest.approx(1, abs=1e-4)
    assert not image[1].any() and image.dtype == np.float32


def test_percentiles_are_numpys():
    image = np.random.default_rng(0).gamma(2, 100, (1, 50, 50)).astype(np.float32)
    low, high = np.percentile(image, (5, 90))
    out = clip_percentiles(dict(image=image), low=5, high=90)['image']
    assert np.allclose(out, np.clip(image, low, high))


def test_zero_strength_is_the_identity():
    sample, rng = make_sample(), np.random.default_rng(0)
    assert np.allclose(random_gamma(sample, rng, low=1, high=1, probability=1)['image'], sample['image'], atol=1e-5)
    assert np.array_equal(random_noise(sample, rng, std=0, probability=1)['image'], sample['image'])
    assert np.allclose(random_brightness_contrast(sample, rng, brightness=0, contrast=0, probability=1)['image'], sample['image'],
                       atol=1e-5)
    for transform in (random_gamma, random_noise, random_brightness_contrast, random_flip):
        assert np.array_equal(transform(sample, rng, probability=0)['image'], sample['image'])


def test_gamma_keeps_the_extremes_and_the_order():
    sample = make_sample()
    image = random_gamma(sample, np.random.default_rng(0), low=1.5, high=1.5, probability=1)['image']
    for c in (0, 1):
        assert image[c].min() == pytest.approx(sample['image'][c].min(), abs=1e-5)
        assert image[c].max() == pytest.approx(sample['image'][c].max(), abs=1e-5)
        assert np.array_equal(np.argsort(image[c].ravel(), kind='stable'), np.argsort(sample['image'][c].ravel(), kind='stable'))


def test_seeds_draw_what_they_have_always_drawn():
    """Recorded when the first configs were published: other draws would change what they train."""
    sample = dict(make_sample(), spacing_mm=(1.0, 2.0))
    settings = dict(size=(16, 17), rotate_deg=30, stretch=1.1, foreground=0.5, longest=30)
    seen = [random_affine(sample, np.random.default_rng(k), **settings)['history'][0][1] for k in (0, 1)]
    assert np.allclose(seen[0]['matrix'], [[0.957697, -0.277909], [0.069154, 0.96217]], atol=1e-6)
    assert np.allclose(seen[1]['matrix'], [[-0.700174, 0.014872], [-0.004334, -0.600629]], atol=1e-6)
    assert np.allclose([p['centre'] for p in seen], [[11.106476, 11.944975], [8.864394, 12.005856]], atol=1e-6)
    crops = [random_crop(sample, np.random.default_rng(k), size=(9, 30), foreground=0.5)['history'] for k in range(4)]
    assert [history[1][1]['start'] for history in crops] == [(6, 0), (9, 0), (0, 0), (0, 0)]
    flips = [random_flip(sample, np.random.default_rng(k)).get('history', ()) for k in range(4)]
    assert [[params['axes'] for _, params in history] for history in flips] == [[(-1,)], [], [(-2, -1)], [(-2, -1)]]


def test_a_size_with_too_many_axes_is_named():
    with pytest.raises(UserError, match=r'size=\(1, 2, 3\).*2 axes'):
        pad(make_sample(), size=(1, 2, 3))


def test_background_is_implied_outside_the_box_of_a_slices_scribbles():
    """The scribbles span rows 2-3 and columns 2-4; a margin of a fifth is one voxel at each side."""
    n, m = IGNORE, IMPLIED
    label = np.full((2, 6, 7), n, np.uint8)
    label[0, 2, 2], label[0, 3, 4] = 0, 1
    out = implied_background(dict(label=label), margin=0.2)['label']
    assert out[0].tolist() == [[m] * 7, [m] + [n] * 5 + [m], [m, n, 0, n, n, n, m], [m, n, n, n, 1, n, m],
                               [m] + [n] * 5 + [m], [m] * 7]
    assert (out[1] == n).all() and (label[0] == n).sum() == 40


def test_full_labels_imply_nothing_and_images_pass():
    label = np.zeros((2, 4, 4), np.uint8)
    assert np.array_equal(implied_background(dict(label=label))['label'], label)
    assert implied_background(dict(image=1)) == dict(image=1)


def test_slices_of_different_sizes_are_brought_to_one():
    """A disc of a quarter of the image's width is as large in pixels, whatever the number of pixels."""
    areas = []
    for n in (60, 120, 240):
        y, x = np.mgrid[:n, :n]
        disc = ((y - n / 2) ** 2 + (x - n / 2) ** 2 <= (n / 8) ** 2).astype(np.uint8)
        sample = dict(image=disc[None].astype(np.float32), label=disc)
        areas.append((random_affine(sample, np.random.default_rng(0), size=(96, 96), longest=96, **STILL)['label'] == 1).sum())
    assert np.ptp(areas) < 0.05 * max(areas) and areas[0] == pytest.approx(np.pi * 12 ** 2, rel=0.1)

"""Intensities and label values: against SciPy, MONAI, NumPy and formulas written out."""
import numpy as np
import pytest
from scipy import ndimage

from scarceseg.components import transforms as t
from scarceseg.components.labels import IGNORE, IMPLIED
from scarceseg.components.transforms.degradation import bias_field, blur, cutout, low_resolution
from scarceseg.components.transforms.intensity import bezier, brightness_contrast, gamma
from scarceseg.components.transforms.resizing import resize

N, M = IGNORE, IMPLIED


def noise(space=(20, 24), channels=2, seed=0):
    return np.random.default_rng(seed).gamma(2, 30, (channels, *space)).astype(np.float32)


def test_clipping_is_numpys():
    image = noise()
    assert np.array_equal(t.clip(dict(image=image), low=20, high=80)['image'], np.clip(image, 20, 80))
    assert np.array_equal(t.clip(dict(image=image), high=80)['image'], np.minimum(image, 80))


def test_given_statistics_are_used_channel_by_channel():
    image = noise()
    out = t.normalise(dict(image=image), mean=(10, 20), std=(2, 5))['image']
    assert np.allclose(out, np.stack([(image[0] - 10) / 2, (image[1] - 20) / 5]), atol=1e-5) and out.dtype == np.float32
    assert np.allclose(t.normalise(dict(image=image), mean=3, std=2)['image'], (image - 3) / 2, atol=1e-5)


def test_black_surroundings_do_not_count_and_stay_0():
    image = noise()
    image[:, :8] = 0
    out = t.normalise(dict(image=image), nonzero=True)['image']
    assert not out[:, :8].any()
    assert np.allclose(out[:, 8:].mean((1, 2)), 0, atol=1e-5) and np.allclose(out[:, 8:].std((1, 2)), 1, atol=1e-5)
    monai = pytest.importorskip('monai.transforms')
    reference = monai.NormalizeIntensity(nonzero=True, channel_wise=True)(image)
    assert np.allclose(out, np.asarray(reference), atol=1e-4)
    assert not t.normalise(dict(image=np.zeros((1, 4, 4), np.float32)), nonzero=True)['image'].any()


def test_the_body_gives_the_statistics_of_the_whole():
    """A square of 100 ± 5 in air of 2 ± 1."""
    rng = np.random.default_rng(0)
    image = rng.normal(2, 1, (1, 40, 40)).astype(np.float32)
    image[0, 10:30, 10:30] = square = rng.normal(100, 5, (20, 20))
    out = t.normalise(dict(image=image), foreground=True)['image']
    assert np.allclose(out, (image - square.mean()) / square.std(), atol=1e-3)


@pytest.mark.parametrize('low, high', [(0, 1), (-1, 1), (0, 255)])
def test_extremes_become_what_was_asked_for(low, high):
    image = noise()
    out = t.normalise_min_max(dict(image=image), low=low, high=high)['image']
    assert np.allclose(out.min((1, 2)), low, atol=1e-4) and np.allclose(out.max((1, 2)), high, atol=1e-4)
    monai = pytest.importorskip('monai.transforms')
    assert np.allclose(out, np.asarray(monai.ScaleIntensity(low, high, channel_wise=True)(image)), atol=1e-3)


def test_percentiles_become_0_and_1():
    image = noise()
    bounds = [np.percentile(c, (5, 90)) for c in image]
    plain = np.stack([(c - a) / (b - a) for c, (a, b) in zip(image, bounds)])
    assert np.allclose(t.normalise_percentiles(dict(image=image), low=5, high=90)['image'], plain.clip(0, 1), atol=1e-5)
    assert np.allclose(t.normalise_percentiles(dict(image=image), low=5, high=90, clip=False)['image'], plain, atol=1e-5)


def test_a_window_of_400_about_40():
    """-160 is black, 240 white, 40 grey."""
    image = np.array([[[-1000, -160, 40, 140, 240, 3000]]], np.float32)
    assert t.ct_window(dict(image=image), level_hu=40, width_hu=400)['image'].tolist() == [[[0, 0, 0.5, 0.75, 1, 1]]]


def test_an_equalised_histogram_is_flat_and_keeps_the_order():
    image = noise((60, 70))
    out = t.equalise_histogram(dict(image=image), bins=1000)['image']
    for before, after in zip(image, out):
        assert np.abs(np.histogram(after, 10, (0, 1))[0] / after.size - 0.1).max() < 0.01
        assert (np.diff(after.ravel()[np.argsort(before.ravel())]) >= 0).all()
    ranks = np.array([(image[0] <= v).mean() for v in image[0].ravel()[:200]])
    assert np.abs(out[0].ravel()[:200] - ranks).max() < 0.01


def test_gamma_by_hand():
    """0, 1, 4 in [0, 4]: a half is 0, 2, 4, for √(1/4) = 1/2."""
    assert gamma(np.array([[[0, 1, 4]]], np.float32), power=0.5).tolist() == [[[0, 2, 4]]]
    assert gamma(np.full((1, 2, 2), 7, np.float32), power=0.5).tolist() == [[[7, 7], [7, 7]]]


def test_brightness_and_contrast_by_hand():
    """1 and 3 have mean 2 and deviation 1; twice the contrast is 0 and 4, and half a deviation brighter 0.5 and 4.5."""
    assert brightness_contrast(np.array([[[1, 3]]], np.float32), factor=2, shift=0.5).tolist() == [[[0.5, 4.5]]]


def test_noise_has_the_deviation_it_was_drawn_with():
    image = np.zeros((1, 200, 200), np.float32)
    stds = [t.random_noise(dict(image=image), np.random.default_rng(k), std=0.3, probability=1)['image'].std() for k in range(60)]
    assert 0 <= min(stds) < 0.05 and 0.25 < max(stds) < 0.31


@pytest.mark.parametrize('spacing, sigma', [(None, (2, 2)), ((4.0, 1.0), (0.5, 2))])
def test_blur_is_scipys_in_millimetres(spacing, sigma):
    image = noise()
    out = t.random_blur(dict(image=image, spacing_mm=spacing), np.random.default_rng(0), sigma_mm=(2, 2), probability=1)['image']
    assert np.allclose(out, [ndimage.gaussian_filter(c, sigma) for c in image], atol=1e-3) and out.dtype == np.float32
    assert np.allclose(blur(image, sigma=sigma), out)


def test_low_resolution_is_resizing_there_and_back():
    image = noise((4, 20, 30))
    out = low_resolution(image, factor=2.5)
    there = resize(dict(image=image), size=(4, 8, 12))
    assert np.allclose(out, resize(there, size=(4, 20, 30))['image'], atol=1e-4)
    assert np.allclose(out.mean(), image.mean(), rtol=0.05) and out.std() < 0.8 * image.std()
    slices = low_resolution(image, factor=2, axes=(-3,))
    assert np.allclose(slices[:, 0], image[:, :2].mean(1), atol=1e-4), 'the outermost voxel goes on'


def test_a_bias_field_is_the_exponential_of_a_legendre_series():
    """0.2 P₁(y) P₂(x) - 0.1 P₁(x), written out: P₁(t) = t, P₂(t) = (3 t² - 1) / 2."""
    y, x = np.linspace(-1, 1, 7)[:, None], np.linspace(-1, 1, 9)
    coefficients = np.zeros((3, 3))
    coefficients[1, 2], coefficients[0, 1] = 0.2, -0.1
    assert np.allclose(bias_field(coefficients, (7, 9)), np.exp(0.2 * y * (3 * x ** 2 - 1) / 2 - 0.1 * x), atol=1e-6)
    volume = np.zeros((3, 3, 3))
    volume[0] = coefficients
    assert np.allclose(bias_field(volume, (1, 7, 9))[0], bias_field(coefficients, (7, 9)))


def test_a_bias_field_is_smooth_positive_and_the_same_for_all_channels():
    image = noise()
    out = t.random_bias_field(dict(image=image), np.random.default_rng(0), strength=0.5, probability=1)['image']
    floor = image.min((1, 2), keepdims=True)
    with np.errstate(divide='ignore', invalid='ignore'):
        field = (out - floor) / (image - floor)
    seen = (image > floor + 5).all(0)
    assert np.allclose(field[0][seen], field[1][seen], rtol=1e-3) and field[0][seen].min() > 0 and np.ptp(field[0][seen]) > 0.2
    assert np.allclose(out.min((1, 2)), image.min((1, 2)), atol=1e-4)


def test_a_bezier_curve_by_hand():
    """Control points (0, 1) and (0, 1): x = t³, y = 3(1-t)²t + 3(1-t)t² + t³; at t = ½ the curve is at (1/8, 7/8)."""
    out = bezier(np.array([[[0, 0.125, 1]]], np.float32), first=(0, 1), second=(0, 1))
    assert np.allclose(out, [[[0, 0.875, 1]]], atol=1e-3)
    inverted = bezier(np.array([[[0, 0.125, 1]]], np.float32), first=(0, 1), second=(0, 1), inverted=True)
    assert np.allclose(inverted, [[[1, 0.125, 0]]], atol=1e-3)


def test_bezier_curves_never_fall_and_keep_the_extremes():
    image = np.linspace(-3, 5, 500, dtype=np.float32)[None, None]
    for k in range(30):
        sample = dict(image=image)
        out = t.random_bezier(sample, np.random.default_rng(k), probability=1)['image'][0, 0]
        assert (np.diff(out) >= -1e-6).all() and out[0] == pytest.approx(-3) and out[-1] == pytest.approx(5)
        down = t.random_bezier(sample, np.random.default_rng(k), probability=1, inverted=1)['image'][0, 0]
        assert np.allclose(down, 2 - out, atol=1e-4)
        weak = t.random_bezier(sample, np.random.default_rng(k), probability=1, strength=0.1)['image'][0, 0]
        assert np.abs(weak - image).max() < 0.8


def test_a_cutout_fills_boxes_with_the_mean_and_keeps_the_label():
    image = noise()
    out = cutout(image, boxes=[((2, 3), (4, 5)), ((0, 0), (1, 1))])
    changed = (out != image).any(0)
    assert changed.sum() == 21 and changed[2:6, 3:8].all() and changed[0, 0]
    assert np.allclose(out[:, 2, 3], image.mean((1, 2)))
    for k in range(20):
        one = t.random_cutout(dict(image=image), np.random.default_rng(k), share=(0.25, 0.5), value=-1, probability=1)['image']
        rows, columns = ((one == -1).all(0).any(axis).sum() for axis in (1, 0))
        assert 5 <= rows <= 10 and 6 <= columns <= 12 and (one == -1).all(0).sum() == rows * columns


def test_classes_are_renumbered_merged_and_left_out():
    label = np.array([[0, 1, 2], [3, N, M]], np.uint8)
    merged = t.convert_labels(dict(label=label, class_locations={}), values=(0, (2, 1), 3))
    assert merged['label'].tolist() == [[0, 1, 1], [2, N, M]] and 'class_locations' not in merged
    assert t.convert_labels(dict(label=label), values=(0, 3), others=0)['label'].tolist() == [[0, 0, 0], [1, N, M]]
    assert t.convert_labels(dict(label=label), values=(0, 3), others=N)['label'].tolist() == [[0, N, N], [1, N, M]]
    assert t.convert_labels(dict(image=1), values=(0,)) == dict(image=1)


def test_one_hot_is_a_row_of_the_identity():
    label = np.array([[0, 2], [N, M]], np.uint8)
    out = t.one_hot(dict(label=label), num_classes=3)['soft_label']
    assert out[:, 0].T.tolist() == np.eye(3)[[0, 2]].tolist() and not out[:, 1].any() and out.dtype == np.float32
    assert t.one_hot(dict(image=1), num_classes=3) == dict(image=1)

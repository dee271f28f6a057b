"""Transforms against other libraries, and against what they say they do, voxel by voxel."""
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import ndimage

from scarceseg.components import transforms as t
from scarceseg.components.labels import IGNORE
from scarceseg.components.transforms.degradation import cutout, low_resolution
from scarceseg.components.transforms.grids import smooth_field
from scarceseg.components.transforms.intensity import between, bezier, gamma

SPACES = [(11, 13), (4, 9, 10)]
BOTH = pytest.mark.parametrize('space', SPACES, ids=['2d', '3d'])


def make_sample(space, seed=0):
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 4, space).astype(np.uint8)
    label[rng.random(space) < 0.5] = IGNORE
    image = rng.normal(1, 1, (2, *space)).astype(np.float32)
    return dict(name='x', image=image, label=label, spacing_mm=(3.0, 1.0, 1.25)[-len(space):])


def linear(array, place, outside):
    """One voxel, interpolated linearly between its 2^D neighbours."""
    if any(not 0 <= p <= n - 1 for p, n in zip(place, array.shape)):
        return outside
    low = [min(int(p), n - 2) for p, n in zip(place, array.shape)]
    total = 0.0
    for corner in np.ndindex(*(2,) * array.ndim):
        share = np.prod([p - b if c else 1 - p + b for p, b, c in zip(place, low, corner)])
        total += share * array[tuple(b + c for b, c in zip(low, corner))]
    return total


@BOTH
@pytest.mark.parametrize('bent', [False, True])
def test_an_affine_is_what_it_says_voxel_by_voxel(space, bent):
    """Output voxel o shows the input at centre + matrix (o + d(o) - (size - 1) / 2)."""
    rng, dims = np.random.default_rng(1), len(space)
    sample, size = make_sample(space), (3, 6, 7)[-dims:]
    matrix, centre = np.eye(dims) + rng.normal(0, 0.3, (dims, dims)), [(n - 1) / 2 + 0.2 for n in space]
    distances, moved = (3.0,) * dims, np.zeros((dims, *size))
    control = rng.uniform(-1, 1, (dims, *(int((n - 1) / 3) + 4 for n in size))).astype(np.float32) if bent else None
    if bent:
        moved = smooth_field(control, size, distances)
    out = t.affine(sample, matrix=matrix, centre=centre, size=size, control=control, distances=distances if bent else None)
    for o in np.ndindex(*size):
        place = centre + matrix @ (np.array(o) + moved[(slice(None), *o)] - (np.array(size) - 1) / 2)
        for channel, result in zip(sample['image'], out['image']):
            assert result[o] == pytest.approx(linear(channel, place, channel.min()), abs=1e-3)
        inside = all(0 <= p <= n - 1 for p, n in zip(place, space))
        assert out['label'][o] == (sample['label'][tuple(np.floor(place + 0.5).astype(int))] if inside else IGNORE)


@BOTH
@pytest.mark.parametrize('order', [0, 3])
def test_a_random_view_is_scipys_of_the_parameters_it_drew(space, order):
    for k in range(3):
        sample = make_sample(space)
        out = t.random_affine(sample, np.random.default_rng(k), size=(8, 9), shear=0.1, stretch=1.1, order=order)
        drawn = dict(out['history'])['affine']
        grid = np.indices(out['label'].shape) - ((np.array(out['label'].shape) - 1) / 2).reshape(-1, *[1] * len(space))
        places = np.tensordot(drawn['matrix'], grid, 1) + np.reshape(drawn['centre'], (-1, *[1] * len(space)))
        reference = ndimage.map_coordinates(sample['image'][0], places, order=order, cval=sample['image'][0].min())
        assert np.mean(np.abs(out['image'][0] - reference) > 1e-3) < 0.01  # ties of the nearest voxel may go either way


@BOTH
def test_padding_and_cropping_are_numpys(space):
    sample = make_sample(space)
    widths = [(0, 0)] * (len(space) - 2) + [(2, 3), (1, 1)]
    out = t.pad(sample, size=(space[-2] + 5, space[-1] + 2))
    assert np.array_equal(out['label'], np.pad(sample['label'], widths, constant_values=IGNORE))
    assert np.array_equal(out['image'][1], np.pad(sample['image'][1], widths, constant_values=sample['image'][1].min()))
    assert np.array_equal(t.pad(sample, size=(space[-2] + 5, space[-1] + 2), value=-7)['image'][0],
                          np.pad(sample['image'][0], widths, constant_values=-7))
    start, size = (1, 2, 3)[-len(space):], (3, 4, 5)[-len(space):]
    box = tuple(slice(a, a + k) for a, k in zip(start, size))
    assert np.array_equal(t.crop(sample, start=start, size=size)['image'], sample['image'][(slice(None), *box)])
    assert np.array_equal(t.flip(sample, axes=(-1,))['label'], sample['label'][..., ::-1])


@BOTH
def test_crops_are_monais(space):
    monai, sample = pytest.importorskip('monai.transforms'), make_sample(space)
    size = (3, 6, 5)[-len(space):]
    centre = np.asarray(monai.CenterSpatialCrop(size)(sample['image']))
    odd = [n % 2 != s % 2 for n, s in zip(space, size)]
    ours = t.centre_crop(sample, size=size)['image']
    assert ours.shape == centre.shape and (any(odd) or np.array_equal(ours, centre))
    box, inside = np.zeros_like(sample['image']), (slice(None), *(slice(1, n - 2) for n in space))
    box[inside] = 1 + np.abs(sample['image'][inside])
    for margin in (0, 1):
        ours = t.crop_foreground(dict(image=box), threshold=0.5, margin=margin)['image']
        theirs = monai.CropForeground(select_fn=lambda x: x > 0.5, margin=margin, allow_smaller=True)(box)
        assert np.array_equal(ours, np.asarray(theirs))


def test_intensities_are_monais():
    monai, image = pytest.importorskip('monai.transforms'), make_sample((20, 30))['image']
    sample = dict(image=image)
    one = image[:1]
    assert np.allclose(gamma(one, power=np.float32(1.7)), np.asarray(monai.AdjustContrast(1.7)(one)), atol=1e-3)
    window = monai.ScaleIntensityRange(a_min=0.5, a_max=2.5, b_min=0, b_max=1, clip=True)
    assert np.allclose(t.ct_window(sample, level_hu=1.5, width_hu=2)['image'], np.asarray(window(image)), atol=1e-6)
    percentiles = monai.ScaleIntensityRangePercentiles(lower=5, upper=90, b_min=0, b_max=1, clip=True, channel_wise=True)
    assert np.allclose(t.normalise_percentiles(sample, low=5, high=90)['image'], np.asarray(percentiles(image)), atol=1e-5)
    assert np.allclose(t.normalise(sample)['image'], np.asarray(monai.NormalizeIntensity(channel_wise=True)(image)), atol=1e-5)


def test_noise_is_what_was_drawn():
    image = make_sample((5, 6))['image']
    out = t.random_noise(dict(image=image), np.random.default_rng(3), std=0.4, probability=1)['image']
    rng = np.random.default_rng(3)
    rng.random()
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    assert np.allclose(out, image + noise * rng.uniform(0, 0.4), atol=1e-6)


@BOTH
def test_low_resolution_and_resized_crops_are_torchs(space):
    image, mode = make_sample(space)['image'], {2: 'bilinear', 3: 'trilinear'}[len(space)]
    coarse = tuple(n if a < len(space) - 2 else round(n / 2) for a, n in enumerate(space))
    there = F.interpolate(torch.from_numpy(image[None]), size=coarse, mode=mode)
    back = F.interpolate(there, size=space, mode=mode)[0].numpy()
    assert np.allclose(low_resolution(image, factor=2), back, atol=1e-5)
    out = t.random_resized_crop(make_sample(space), np.random.default_rng(0), size=(12, 7))
    box = dict(out['history']).get('crop', dict(start=(0,) * len(space), size=space))
    part = image[(slice(None), *(slice(a, a + k) for a, k in zip(box['start'], box['size'])))]
    assert np.allclose(out['image'], F.interpolate(torch.from_numpy(part[None]), size=out['label'].shape, mode=mode)[0], atol=1e-5)


@BOTH
def test_one_hot_is_torchs(space):
    label = np.random.default_rng(0).integers(0, 4, space).astype(np.uint8)
    reference = F.one_hot(torch.from_numpy(label).long(), 4).movedim(-1, 0).float()
    assert np.array_equal(t.one_hot(dict(label=label), num_classes=4)['soft_label'], reference)


def test_a_curve_between_its_points_is_numpys():
    rng = np.random.default_rng(0)
    for points in (1, 2, 50):
        curve, place = rng.normal(0, 1, points), rng.uniform(-1, points, 1000).astype(np.float32)
        assert np.allclose(between(curve, place), np.interp(place, np.arange(points), curve), atol=1e-5)
        assert between(curve, place).dtype == np.float32


def test_a_bezier_curve_is_numpys_interpolation_of_its_points():
    rng, t_ = np.random.default_rng(0), np.linspace(0, 1, 20_000)
    image = rng.random((1, 30, 30)).astype(np.float32)
    image.flat[:2] = 0, 1
    for _ in range(10):
        (x1, y1), (x2, y2) = controls = rng.random((2, 2))
        x, y = (3 * (1 - t_) ** 2 * t_ * a + 3 * (1 - t_) * t_ ** 2 * b + t_ ** 3 for a, b in ((x1, x2), (y1, y2)))
        for inverted in (False, True):
            reference = np.interp(image, x, 1 - y if inverted else y)
            assert np.allclose(bezier(image, first=controls[0], second=controls[1], inverted=inverted), reference, atol=2e-3)


def test_equalising_is_numpys_interpolation_of_the_cumulative_histogram():
    image = make_sample((30, 40))['image']
    for bins in (1, 7, 256):
        out = t.equalise_histogram(dict(image=image), bins=bins)['image']
        for channel, result in zip(image, out):
            counts, edges = np.histogram(channel, bins)
            assert np.allclose(result, np.interp(channel, (edges[1:] + edges[:-1]) / 2, counts.cumsum() / channel.size), atol=1e-4)


def test_one_slice_is_bent_cropped_and_cut_like_the_slice():
    """What draws for each axis cannot draw alike; what it then applies must be alike."""
    flat = make_sample((12, 14))
    volume = dict(image=flat['image'][:, None], label=flat['label'][None], spacing_mm=(3.0, *flat['spacing_mm']))
    matrix, control = np.array([[0.9, 0.2], [-0.3, 1.1]]), np.random.default_rng(0).uniform(-1, 1, (2, 7, 7)).astype(np.float32)
    deep = np.zeros((3, 4, 7, 7), np.float32)
    deep[1:] = control[:, None]
    for bend, bends in [({}, {}), (dict(control=control, distances=(3, 3)), dict(control=deep, distances=(3, 3, 3)))]:
        one = t.affine(flat, matrix=matrix, centre=(5.03, 7.01), size=(11, 12), **bend)
        two = t.affine(volume, matrix=np.block([[np.eye(1), np.zeros((1, 2))], [np.zeros((2, 1)), matrix]]), centre=(0, 5.03, 7.01),
                       size=(1, 11, 12), **bends)
        assert np.allclose(one['image'], two['image'][:, 0], atol=1e-4) and np.array_equal(one['label'], two['label'][0])
    one, two = t.crop(flat, start=(1, 2), size=(5, 6)), t.crop(volume, start=(0, 1, 2), size=(1, 5, 6))
    assert np.array_equal(one['label'], two['label'][0])
    one, two = t.transpose(flat, axes=(1, 0)), t.transpose(volume, axes=(0, 2, 1))
    assert np.array_equal(one['image'], two['image'][:, 0]) and two['spacing_mm'][1:] == one['spacing_mm']
    one = cutout(flat['image'], boxes=[((2, 3), (4, 5))])
    assert np.allclose(one, cutout(volume['image'], boxes=[((0, 2, 3), (1, 4, 5))])[:, 0])


def test_boxes_are_cut_out_of_thin_volumes_too():
    for depth in (1, 2, 3):
        sample = dict(image=make_sample((depth, 20, 20))['image'])
        for k in range(10):
            out = t.random_cutout(sample, np.random.default_rng(k), value=9.0, probability=1)['image']
            assert 4 <= (out == 9).all(0).any(0).sum() <= 64


def test_after_longest_a_voxel_has_another_size():
    """A slice of 50 × 100 voxels of 2 × 1 mm shown with 50 along its longer side: voxels of 4 × 2 mm, which blurring must know."""
    sample = dict(make_sample((50, 100)), spacing_mm=(2.0, 1.0))
    out = t.random_affine(sample, np.random.default_rng(0), size=(20, 20), longest=50)
    assert out['spacing_mm'] == (4.0, 2.0)
    assert t.random_affine(sample, np.random.default_rng(0), size=(20, 20))['spacing_mm'] == (2.0, 1.0)
    assert t.random_affine(dict(sample, spacing_mm=None), np.random.default_rng(0), size=(20, 20), longest=50)['spacing_mm'] is None


@pytest.mark.parametrize('space, size', [((40, 44), (13, 15)), ((6, 30, 33), (3, 31, 10))])
def test_all_that_speaks_of_the_label_is_resized_from_the_same_voxels(space, size):
    """A scribble survives on a coarser grid, and so must its one-hot copy and the map of its errors."""
    sample = make_sample(space)
    sample['label'][np.random.default_rng(1).random(space) < 0.8] = IGNORE
    sample = t.one_hot(dict(sample, error_map=sample['label'] == 2), num_classes=4)
    out = t.resize(sample, size=size)
    assert np.array_equal(out['error_map'], out['label'] == 2)
    assert np.array_equal(out['soft_label'], t.one_hot(dict(label=out['label']), num_classes=4)['soft_label'])
    alone = t.resize({k: v for k, v in sample.items() if k != 'label'}, size=size)
    assert np.array_equal(alone['soft_label'], out['soft_label'])


EXACT = [lambda rng, s: t.random_flip(s, rng, axes=(-3, -2, -1)), lambda rng, s: t.random_rot90(s, rng, axes=(-3, -1)),
         lambda rng, s: t.transpose(s, axes=rng.permutation(3).tolist()), lambda rng, s: t.pad(s, size=(12, 8, 14)),
         lambda rng, s: t.centre_crop(s, size=[n + 2 for n in s['label'].shape]), lambda rng, s: t.random_rot90(s, rng)]


def test_chains_of_steps_that_move_whole_voxels_come_back_bit_by_bit():
    geometry = SimpleNamespace(affine=np.diag([-1.25, 1.0, -3.0, 1.0])[:, [1, 0, 2, 3]])
    for k in range(30):
        rng, sample = np.random.default_rng(k), dict(make_sample((4, 9, 10), seed=k), geometry=geometry)
        out = t.reorient(sample)
        for step in rng.permutation(len(EXACT)):
            out = EXACT[step](rng, out)
        assert len(out['history']) >= 4
        assert np.array_equal(t.undo(out['label'], out['history']), sample['label'])
        assert np.array_equal(t.undo(out['image'], out['history']), sample['image'])
        assert np.array_equal(np.stack(list(t.undo_each(out['image'], out['history']))), sample['image'])


def test_chains_with_resampling_come_back_to_the_grid_and_in_place():
    """A ball in a volume of uneven voxels: its middle moves by less than a tenth of a voxel."""
    space = (12, 40, 44)
    inside = sum(((p - c) / r) ** 2 for p, c, r in zip(np.indices(space), (5, 18, 24), (4, 11, 12))) < 1
    for k in range(6):
        rng = np.random.default_rng(k)
        sample = dict(image=inside[None].astype(np.float32), label=inside.astype(np.uint8), spacing_mm=(3.0, 1.0, 1.1))
        out = t.random_flip(t.resample(sample, spacing_mm=(1.5, 0.8, 0.8), order=1), rng)
        out = t.centre_crop(t.rotate(t.random_rot90(out, rng), angle_deg=rng.uniform(-40, 40)), size=(None, 90, 90))
        out = t.random_affine(out, rng, size=(None, 100, 100), rotate_deg=20, scale=(0.9, 1.1))
        back, prob = t.undo(out['label'], out['history']), t.undo(out['image'], out['history'])
        assert back.shape == space and prob.shape == (1, *space)
        for found in (back == 1, prob[0] > 0.5):
            moved = np.subtract(ndimage.center_of_mass(found), ndimage.center_of_mass(inside))
            assert np.abs(moved).max() < 0.2 and 2 * (found & inside).sum() / (found.sum() + inside.sum()) > 0.93


def test_a_random_shear_comes_on_top_of_the_rotation():
    """Without shear the matrix is R / zoom, with it R S / zoom; from the one to the other is S, with ones on its diagonal."""
    sample = dict(make_sample((9, 10)), spacing_mm=None)
    for k in range(10):
        plain, sheared = (dict(t.random_affine(sample, np.random.default_rng(k), size=(9, 10), flip_axes=(), shear=s)['history'])
                          ['affine']['matrix'] for s in (0.0, 0.3))
        shear = np.linalg.inv(plain) @ sheared
        assert np.allclose(np.diag(shear), 1) and 0 < np.abs(shear - np.eye(2)).max() <= 0.3


def test_contrast_rises_as_often_as_it_falls_and_brightness_too():
    image = make_sample((20, 20))['image'][:1]
    settings = dict(brightness=0.4, contrast=0.5, probability=1)
    changed = [t.random_brightness_contrast(dict(image=image), np.random.default_rng(k), **settings)['image'] for k in range(300)]
    factors = np.array([c.std() / image.std() for c in changed])
    shifts = np.array([(c.mean() - image.mean()) / image.std() for c in changed])
    assert 1 / 1.5 - 1e-3 < factors.min() < 0.72 and 1.4 < factors.max() < 1.5 + 1e-3 and 0.4 < np.mean(factors < 1) < 0.6
    assert -0.4 < shifts.min() < -0.35 and 0.35 < shifts.max() < 0.4


def test_powers_of_gamma_are_drawn_over_the_interval_on_both_sides_of_one():
    image = np.array([[[0, 0.5, 1]]], np.float32)
    powers = np.array([np.log(t.random_gamma(dict(image=image), np.random.default_rng(k), low=0.5, high=2, probability=1)
                              ['image'][0, 0, 1]) / np.log(0.5) for k in range(300)])
    assert 0.5 <= powers.min() < 0.55 and 1.85 < powers.max() <= 2.001 and 0.4 < np.mean(powers < 1) < 0.6

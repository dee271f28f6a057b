"""Other voxels on the same extent, crops, and the voxels they are placed around."""
import tracemalloc

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import ndimage

from scarceseg.components import transforms as t
from scarceseg.components.labels import IGNORE, IMPLIED
from scarceseg.components.transforms.crops import foreground_mask, otsu_threshold
from scarceseg.components.transforms.focus import draw_focus
from scarceseg.components.transforms.grids import nearest_index, resize_array
from scarceseg.registry import UserError

N = IGNORE


def noise(space, channels=1, seed=0):
    return np.random.default_rng(seed).normal(0, 1, (channels, *space)).astype(np.float32)


def resize_label(label, size):
    return t.resize(dict(image=noise(label.shape), label=label), size=size)['label']


def smooth_label(space):
    place = np.indices(space)
    ring = np.sqrt(sum(((p - n / 2 + 0.5) / n) ** 2 for p, n in zip(place, space)))
    return np.select([ring < 0.15, ring < 0.3], [2, 1], 0).astype(np.uint8)


@pytest.mark.parametrize('space, size', [((17, 22), (30, 11)), ((17, 22), (5, 60)), ((6, 17, 22), (9, 8, 31)), ((3, 1), (7, 4))])
def test_linear_resizing_is_torchs(space, size):
    image = noise(space)
    mode = {2: 'bilinear', 3: 'trilinear'}[len(space)]
    ref = F.interpolate(torch.from_numpy(image[None]), size=size, mode=mode, align_corners=False)[0].numpy()
    assert np.allclose(t.resize(dict(image=image), size=size)['image'], ref, atol=1e-5)


@pytest.mark.parametrize('order', [2, 3, 5])
@pytest.mark.parametrize('space, size', [((17, 22), (30, 11)), ((6, 17, 22), (9, 8, 31))])
def test_splines_are_scipys(space, size, order):
    image = noise(space)
    zoom = [s / n for s, n in zip(size, space)]
    ref = ndimage.zoom(image[0], zoom, order=order, mode='nearest', grid_mode=True)
    assert np.allclose(t.resize(dict(image=image), size=size, order=order)['image'][0], ref, atol=1e-4)


@pytest.mark.parametrize('n, size', [(10, 4), (4, 10), (7, 7), (512, 300), (1, 5), (5, 1), (3, 6)])
def test_the_nearest_voxel_is_the_one_that_holds_the_centre(n, size):
    assert nearest_index(n, size).tolist() == [int((o + 0.5) * n / size + 1e-9) for o in range(size)]
    label = np.arange(n, dtype=np.uint8)[None]
    ref = F.interpolate(torch.from_numpy(label)[None], size=size, mode='nearest-exact')[0].numpy()
    assert np.array_equal(resize_label(np.minimum(label, IMPLIED - 1), (1, size)), np.minimum(ref, IMPLIED - 1))


@pytest.mark.parametrize('order', [1, 3])
@pytest.mark.parametrize('size', [(20, 40), (37, 61), (9, 25)])
def test_a_ramp_in_millimetres_stays_where_it_is(size, order):
    """Each voxel holds its own position; after resampling it holds that of the new voxel, edges aside, where there is no beyond."""
    space = (18, 50)
    ramp = np.stack([np.indices(space)[a] + 0.5 for a in (0, 1)]).astype(np.float32)
    out = t.resize(dict(image=ramp, spacing_mm=(1.0, 1.0)), size=size, order=order)
    for axis in (0, 1):
        expected = ((np.arange(size[axis]) + 0.5) * out['spacing_mm'][axis]).reshape([-1, 1] if axis == 0 else [1, -1])
        inner = np.s_[3:-3, 3:-3]
        assert np.allclose(out['image'][axis][inner], np.broadcast_to(expected, size)[inner], atol=0.02 if order == 3 else 1e-4)
    assert np.allclose(np.array(out['spacing_mm']) * size, space)


@pytest.mark.parametrize('size', [(20, 40), (37, 61), (18, 101), (19, 51)])
def test_finer_voxels_and_back_are_the_same_label(size):
    label = np.random.default_rng(0).integers(0, 5, (18, 40)).astype(np.uint8)
    out = t.resize(dict(image=noise((18, 40)), label=label), size=tuple(max(a, b) for a, b in zip(size, (18, 40))))
    assert np.array_equal(t.undo(out['label'], out['history']), label)


@pytest.mark.parametrize('spacing', [(2.0, 1.3, 1.3), (1.0, 0.7, 2.2), (4.1, None, 1.9)])
def test_a_prediction_comes_back_to_the_exact_grid_without_shift(spacing):
    """Centres of mass move by less than a twentieth of a voxel, of labels and of probabilities; odd sizes throughout."""
    space = (13, 41, 37)
    label = smooth_label(space)
    out = t.resample(dict(image=noise(space), label=label, spacing_mm=(2.0, 1.0, 1.1)), spacing_mm=spacing)
    assert np.allclose(np.array(out['spacing_mm']) * out['label'].shape, np.array((2.0, 1.0, 1.1)) * space)
    assert all(abs(a - b) < 0.15 * b for a, b in zip(out['spacing_mm'], [s or 1.0 for s in spacing]))
    back = t.undo(out['label'], out['history'])
    prob = t.undo(np.stack([out['label'] == k for k in range(3)]).astype(np.float32), out['history'])
    assert back.shape == space and prob.shape == (3, *space) and np.allclose(prob.sum(0), 1, atol=1e-5)
    for k in (1, 2):
        centre = np.array(ndimage.center_of_mass(label == k))
        assert np.abs(np.array(ndimage.center_of_mass(back == k)) - centre).max() < 0.05
        assert np.abs(np.array(ndimage.center_of_mass(prob[k])) - centre).max() < 0.05
        assert np.mean((back == k) != (label == k)) < 0.06


def test_classes_come_back_one_by_one_and_are_not_copied_together():
    """Beside the result there is one class at full size: measured by what NumPy allocates at most."""
    history = (('resize', dict(shape=(600, 600), size=(60, 60))),)
    prob = np.random.default_rng(0).random((12, 60, 60), dtype=np.float32)
    one = 600 * 600 * 4
    tracemalloc.start()
    t.undo(prob, history)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    best = np.zeros((600, 600), np.float32)
    for prob_k in t.undo_each(prob, history):
        np.maximum(best, prob_k, out=best)
    streamed = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < (12 + 3) * one and streamed < (1 + 4) * one


def test_thick_slices_are_interpolated_in_their_own_way():
    """In the plane a spline as SciPy's slice by slice; between slices of 8 mm linearly, or the nearest."""
    image = noise((5, 12, 14))
    sample = dict(image=image, spacing_mm=(8.0, 1.0, 1.0))
    planes = np.stack([ndimage.zoom(z, (9 / 12, 28 / 14), order=3, mode='nearest', grid_mode=True) for z in image[0]])
    linear = ndimage.zoom(planes, (2, 1, 1), order=1, mode='nearest', grid_mode=True)
    out = t.resample(sample, spacing_mm=(4.0, 12 / 9, 0.5))
    assert out['image'].shape == (1, 10, 9, 28) and np.allclose(out['image'][0], linear, atol=1e-4)
    nearest = t.resample(sample, spacing_mm=(4.0, 12 / 9, 0.5), thick_order=0)['image'][0]
    assert np.allclose(nearest, np.repeat(planes, 2, 0), atol=1e-4)
    whole = t.resample(sample, spacing_mm=(4.0, 12 / 9, 0.5), anisotropy=9.0)['image'][0]
    assert np.allclose(whole, ndimage.zoom(image[0], (2, 9 / 12, 2), order=3, mode='nearest', grid_mode=True), atol=1e-4)


def test_blurring_before_shrinking_removes_what_coarse_voxels_cannot_show():
    """A checkerboard is grey from afar; taken at every third voxel it is still black and white."""
    board = (np.indices((36, 36)).sum(0) % 2).astype(np.float32)[None]
    plain, blurred = (t.resize(dict(image=board), size=(12, 12), antialias=a)['image'] for a in (False, True))
    assert plain.std() > 0.4 and blurred.std() < 0.1


def test_a_thin_scribble_stays_in_one_piece_on_a_coarser_grid():
    """A line of one voxel's width at a third of the size, where the nearest voxels alone would keep a third of it."""
    label = np.full((60, 60), N, np.uint8)
    y = np.arange(4, 55)
    label[y, (30 + 12 * np.sin(y / 9)).astype(int)] = 1
    plain = label[np.ix_(nearest_index(60, 20), nearest_index(60, 20))]
    out = t.resize(dict(image=noise((60, 60)), label=label), size=(20, 20))['label']
    assert ndimage.label(out == 1, np.ones((3, 3)))[1] == 1 and ndimage.label(plain == 1, np.ones((3, 3)))[1] > 1
    covered = (label.reshape(20, 3, 20, 3) == 1).any((1, 3))
    assert np.array_equal(out == 1, covered), 'annotated are the voxels that cover annotation, and no other'


def test_where_a_voxel_covers_two_scribbles_the_one_nearer_to_its_centre_wins():
    """3×3 voxels become one: the 2 beside the middle against the 1 in the corner; implied background is no annotation."""
    label = np.array([[1, N, IMPLIED], [N, N, 2], [N, N, N]], np.uint8)
    assert resize_label(label, (1, 1)).tolist() == [[2]]
    label[1, 1] = 3
    assert resize_label(label, (1, 1)).tolist() == [[3]]
    label[:] = [[1, N, N], [N, IMPLIED, N], [N, N, N]]
    assert resize_label(label, (1, 1)).tolist() == [[1]]
    assert resize_label(np.full((3, 3), IMPLIED, np.uint8), (1, 1)).tolist() == [[IMPLIED]]


def test_scribbles_against_a_literal_loop():
    """Coarser along one axis, finer along the other, of a volume."""
    rng = np.random.default_rng(3)
    label = np.where(rng.random((7, 9, 5)) < 0.15, rng.integers(0, 4, (7, 9, 5)), N).astype(np.uint8)
    out = resize_label(label, (3, 4, 8))
    for o in np.ndindex(3, 4, 8):
        centre = [(i + 0.5) * n / s for i, n, s in zip(o, label.shape, out.shape)]
        nearest = label[tuple(int(c) for c in centre)]
        half = [n / s / 2 for n, s in zip(label.shape, out.shape)]
        if nearest != N:
            assert out[o] == nearest
            continue
        offsets = [[(v + 0.5 - c) / (2 * h) for v, c, h in zip(voxel[:2], centre, half)] if voxel[2] == int(centre[2]) else [9]
                   for voxel in np.argwhere(label != N)]
        inside = [(sum(d ** 2 for d in offset), label[tuple(voxel)]) for offset, voxel in zip(offsets, np.argwhere(label != N))
                  if all(-0.5 <= d < 0.5 for d in offset)]
        least = min((d for d, _ in inside), default=None)
        assert out[o] in ({c for d, c in inside if abs(d - least) < 1e-9} if inside else {N})


@pytest.mark.parametrize('size, start', [((4, 6), [3, 4]), ((None, 5), [0, 5]), ((20, 6), [0, 4])])
def test_the_centre_crop_is_in_the_middle(size, start):
    image = noise((10, 15))
    out = t.centre_crop(dict(image=image, label=smooth_label((10, 15))), size=size)
    expected = tuple(s or n for s, n in zip(size, (10, 15)))
    assert out['image'].shape[1:] == out['label'].shape == expected
    assert np.array_equal(t.undo(out['image'], out['history'])[:, 4, 7], image[:, 4, 7])
    if expected[0] <= 10:
        assert np.array_equal(out['image'], image[:, start[0]:start[0] + expected[0], start[1]:start[1] + expected[1]])


def test_a_resized_crop_shows_a_box_of_the_share_asked_for():
    sample = dict(image=noise((60, 80)), label=smooth_label((60, 80)))
    shares, starts = [], []
    for k in range(100):
        out = t.random_resized_crop(sample, np.random.default_rng(k), size=(32, 32), share=(0.2, 0.5))
        assert out['image'].shape == (1, 32, 32)
        box = dict(out['history'])['crop']
        shares.append(np.prod(box['size']) / 4800)
        starts.append(box['start'])
    assert 0.1 < min(shares) < 0.25 and 0.45 < max(shares) < 0.95 and np.ptp(starts, axis=0).min() > 20
    out = t.random_resized_crop(sample, np.random.default_rng(0), size=(32, 32), share=(0.25, 0.25), stretch=1)
    assert dict(out['history'])['crop']['size'] == (30, 40)


def body():
    """A bright ellipse on dark noise, with a bright speck in a corner."""
    y, x = np.mgrid[:40, :50]
    image = np.random.default_rng(0).normal(10, 2, (40, 50))
    image[((y - 20) / 12) ** 2 + ((x - 22) / 15) ** 2 <= 1] += 100
    image[1, 48] = 150
    return image.astype(np.float32)[None]


def test_the_foreground_is_the_bright_region_without_specks():
    """The ellipse spans rows 8 to 32 and columns 7 to 37."""
    out = t.crop_foreground(dict(image=body()))
    assert dict(out['history'])['crop'] == dict(start=(8, 7), size=(25, 31), shape=(40, 50))
    wider = t.crop_foreground(dict(image=body()), margin=(2, 10))
    assert dict(wider['history'])['crop'] == dict(start=(6, 0), size=(29, 48), shape=(40, 50))
    above = t.crop_foreground(dict(image=body()), threshold=50)
    assert dict(above['history'])['crop'] == dict(start=(1, 7), size=(32, 42), shape=(40, 50)), 'a threshold counts the speck'
    assert t.crop_foreground(above, threshold=1e9) is above
    assert foreground_mask(body()).sum() == (body()[0] > 60).sum() - 1


@pytest.mark.parametrize('heart', [0, 105, 255])
def test_dim_tissue_is_of_the_body_beside_a_bright_organ(heart):
    """Tissue of 45 spans rows 5 to 34 and columns 6 to 43, and an arm of 45 columns 46 to 48; the brightest region is not all."""
    image = np.random.default_rng(0).normal(5, 1, (1, 40, 50)).astype(np.float32)
    image[0, 5:35, 6:44] += 40
    image[0, 10:30, 46:49] += 40
    image[0, 8:20, 8:20] += heart
    assert dict(t.crop_foreground(dict(image=image))['history'])['crop'] == dict(start=(5, 6), size=(30, 43), shape=(40, 50))
    assert heart < 200 or otsu_threshold(image[0]) > 46, 'the intensities themselves would leave the heart alone'
    shifted = t.crop_foreground(dict(image=0.01 * image - 7))
    assert dict(shifted['history'])['crop']['start'] == (5, 6), 'the unit of the intensities does not matter'


def test_without_anything_bright_the_image_stays():
    sample = dict(image=np.full((1, 4, 4), 3, np.float32))
    assert t.crop_foreground(sample) is sample


def test_otsus_threshold_has_the_largest_variance_between_the_classes():
    """By a literal loop over the same 256 bins."""
    channel = np.random.default_rng(0).choice([3.0, 9.0], 2000) + np.random.default_rng(1).normal(0, 1, 2000)
    edges = np.histogram_bin_edges(channel, 256)
    middles = (edges[1:] + edges[:-1]) / 2
    binned = middles[np.clip(np.digitize(channel, edges) - 1, 0, 255)]

    def variance(edge):
        low, high = binned[binned < edge], binned[binned > edge]
        return len(low) * len(high) * (low.mean() - high.mean()) ** 2 if len(low) and len(high) else 0
    assert otsu_threshold(channel) == pytest.approx(max(edges[1:-1], key=variance)) and 4 < otsu_threshold(channel) < 8
    assert otsu_threshold(np.full(5, 3.0)) == 3


def located(label, flat):
    return {int(c): np.flatnonzero(label == c) if flat else np.argwhere(label == c) for c in np.unique(label)}


@pytest.mark.parametrize('balanced', [False, True])
@pytest.mark.parametrize('flat', [False, True])
@pytest.mark.parametrize('space', [(11, 12), (4, 7, 9)])
def test_an_index_of_class_locations_draws_what_scanning_the_label_does(space, flat, balanced):
    label = np.random.default_rng(0).choice([0, 1, 1, 1, 2, 5, IMPLIED, N], space).astype(np.uint8)
    sample = dict(image=noise(space), label=label)
    indexed = dict(image=sample['image'], class_locations=located(label, flat))
    for k in range(40):
        one = draw_focus(np.random.default_rng(k), sample, 0.8, balanced=balanced)
        two = draw_focus(np.random.default_rng(k), indexed, 0.8, balanced=balanced)
        assert (one is None) == (two is None) and (one is None or (tuple(one) == tuple(two) and label[one] in (1, 2, 5)))
    crops = [t.random_crop(s, np.random.default_rng(9), size=[2] * len(space), foreground=1.0, balanced=balanced)['image']
             for s in (sample, indexed)]
    assert np.array_equal(*crops)


def test_balanced_crops_see_small_structures_as_often_as_large_ones():
    label = np.zeros((40, 40), np.uint8)
    label[:30], label[35, 35] = 1, 2
    sample = dict(image=noise((40, 40)), label=label)
    for balanced, expected in ((True, 0.5), (False, 1 / 1201)):
        seen = [2 in t.random_crop(sample, np.random.default_rng(k), size=(4, 4), foreground=1.0, balanced=balanced)['label']
                for k in range(200)]
        assert abs(np.mean(seen) - expected) < 0.12
        view = [2 in t.random_affine(sample, np.random.default_rng(k), size=(5, 5), rotate_deg=0, scale=(1, 1), foreground=1.0,
                                     balanced=balanced)['label'] for k in range(200)]
        assert abs(np.mean(view) - expected) < 0.12


def test_a_crop_larger_than_the_image_still_holds_its_focus():
    label = np.zeros((5, 30), np.uint8)
    label[4, 29] = 3
    for k in range(10):
        out = t.random_crop(dict(image=noise((5, 30)), label=label), np.random.default_rng(k), size=(11, 6), foreground=1.0)
        assert 3 in out['label'] and out['label'].shape == (11, 6)


def test_an_index_of_another_grid_is_noticed():
    sample = dict(image=noise((5, 6)), class_locations={1: np.array([3, 30])})
    with pytest.raises(UserError, match='class_locations of class 1.*on this very grid'):
        t.random_crop(sample, np.random.default_rng(0), size=(2, 2), foreground=1.0)
    sample['class_locations'] = {2: np.array([[1, 2, 3]])}
    with pytest.raises(UserError, match='class_locations of class 2'):
        t.random_crop(sample, np.random.default_rng(0), size=(2, 2), foreground=1.0)


def test_an_index_without_foreground_places_nothing():
    sample = dict(image=noise((5, 6)), class_locations={0: np.arange(30), 1: np.zeros((0, 2), int), N: np.arange(3)})
    assert draw_focus(np.random.default_rng(0), sample, 1.0) is None


def test_arrays_are_float32_and_contiguous_after_resizing():
    out = resize_array(noise((9, 11))[0], (5, 30), (3, 1))
    assert out.dtype == np.float32 and out.flags.c_contiguous

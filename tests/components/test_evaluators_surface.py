import numpy as np
import pytest
from scipy import ndimage

from scarceseg.components.evaluators import surface
from scarceseg.components.evaluators.surface import assd, hausdorff, surface_distances
from scarceseg.registry.errors import UserError

# name: (shape, spacing in mm); 'flat' has slices so far apart that the nearest voxels are all within one
GRIDS = {'2d': ((40, 50), (1.0, 1.0)), '2d anisotropic': ((40, 50), (0.7, 2.0)), '3d': ((14, 30, 26), (1.0, 1.0, 1.0)),
         '3d anisotropic': ((10, 36, 32), (10.0, 1.5625, 1.5625)), 'flat': ((6, 30, 30), (100.0, 1.0, 1.0))}


def blob(shape, seed, *, share=0.2):
    """A smooth random mask that touches the border here and there."""
    field = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), [min(3, n / 8) for n in shape])
    return field > np.quantile(field, 1 - share)


def pairs(shape):
    """Masks as they are met: alike, shifted, unlike, speckled, far apart, single voxels, everything."""
    a = blob(shape, 0)
    yield 'alike', a, ndimage.binary_dilation(a)
    yield 'shifted', a, np.roll(a, 2, -1)
    yield 'unlike', a, blob(shape, 1, share=0.4)
    yield 'speckled', a, a ^ (np.random.default_rng(2).random(shape) < 0.02)
    corners = np.zeros((2, *shape), bool)
    corners[0].flat[0] = corners[1].flat[-1] = True
    yield 'far apart', *corners
    yield 'point in blob', a, corners[0]
    yield 'everything', np.ones(shape, bool), a


def by_hand(a, b, spacing):
    """Both directed distances by SciPy's erosion and full distance fields, on the whole image."""
    edges = [m & ~ndimage.binary_erosion(m) for m in (a, b)]
    return [ndimage.distance_transform_edt(~edges[1 - i], sampling=spacing)[edges[i]] for i in (0, 1)]


@pytest.mark.parametrize('grid', GRIDS)
def test_distances_are_those_of_full_distance_fields(grid):
    shape, spacing = GRIDS[grid]
    for name, a, b in pairs(shape):
        for ours, expected in zip(surface_distances(a, b, spacing), by_hand(a, b, spacing)):
            np.testing.assert_allclose(np.sort(ours), np.sort(expected), atol=1e-9, err_msg=name)


@pytest.mark.parametrize('cost', [0, 1e9], ids=['distance field', 'tree'])
@pytest.mark.parametrize('grid', GRIDS)
def test_both_ways_to_search_far_away_are_exact(grid, cost, monkeypatch):
    monkeypatch.setattr(surface, 'FIELD_VOXEL', cost)
    shape, spacing = GRIDS[grid]
    a, b = blob(shape, 3), np.zeros(shape, bool)
    b.flat[:3] = True
    for ours, expected in zip(surface_distances(a, b, spacing), by_hand(a, b, spacing)):
        np.testing.assert_allclose(np.sort(ours), np.sort(expected), atol=1e-9)


@pytest.mark.parametrize('grid', GRIDS)
def test_hd95_and_assd_equal_monai(grid):
    torch, metrics = pytest.importorskip('torch'), pytest.importorskip('monai.metrics')
    shape, spacing = GRIDS[grid]
    for name, a, b in pairs(shape):
        one_hot = [torch.from_numpy(m[None, None]) for m in (b, a)]
        settings = dict(include_background=True, spacing=spacing)
        distances = surface_distances(a, b, spacing)
        expected = metrics.compute_hausdorff_distance(*one_hot, percentile=95, **settings).item()
        assert hausdorff(distances) == pytest.approx(expected, rel=1e-6), name
        expected = metrics.compute_average_surface_distance(*one_hot, symmetric=True, **settings).item()
        assert assd(distances) == pytest.approx(expected, rel=1e-6), name


@pytest.mark.parametrize('grid', GRIDS)
def test_assd_and_hausdorff_equal_medpy(grid):
    medpy = pytest.importorskip('medpy.metric.binary')
    shape, spacing = GRIDS[grid]
    for name, a, b in pairs(shape):
        distances = surface_distances(a, b, spacing)
        assert hausdorff(distances, percentile=100) == pytest.approx(medpy.hd(b, a, spacing), abs=1e-6), name
        directed = [medpy.asd(a, b, spacing), medpy.asd(b, a, spacing)]
        np.testing.assert_allclose([d.mean() for d in distances], directed, atol=1e-6, err_msg=name)
        assert assd(distances) == pytest.approx(medpy.assd(b, a, spacing), abs=1e-6), name


def test_a_drawn_example_has_the_distances_measured_by_hand():
    # . . . . .     . . . . .     the label's surface is its eight outer voxels (the centre is inside), the prediction's
    # . # # # .     . . . . .     one voxel is that centre; spacing 2 mm down and 3 mm across: four voxels at 2, 2, 3, 3
    # . # # # .     . . # . .     and four at sqrt(4 + 9)
    # . # # # .     . . . . .
    label = np.zeros((5, 5), bool)
    label[1:4, 1:4] = True
    prediction = np.zeros((5, 5), bool)
    prediction[2, 2] = True
    there, back = surface_distances(label, prediction, (2, 3))
    np.testing.assert_allclose(np.sort(there), [2, 2, 3, 3, *[13 ** 0.5] * 4])
    np.testing.assert_allclose(back, [2])
    assert hausdorff((there, back), percentile=100) == pytest.approx(13 ** 0.5)
    assert assd((there, back)) == pytest.approx((2 + 2 + 3 + 3 + 4 * 13 ** 0.5 + 2) / 9)


def test_hd95_is_the_larger_directed_percentile_and_not_that_of_both_together():
    # 20 voxels at 0 one way, one voxel at 10 the other way: together the 95th percentile would be 0
    assert hausdorff((np.zeros(20), np.array([10.0]))) == 10
    assert hausdorff((np.arange(101.0), np.zeros(3))) == 95


def test_the_border_of_the_image_is_outside_the_mask():
    full, inner = np.ones((5, 5), bool), np.zeros((5, 5), bool)
    inner[1:4, 1:4] = True
    there, back = surface_distances(full, inner)
    assert there.size == 16 and back.size == 8 and back.max() == 1


@pytest.mark.parametrize('grid', GRIDS)
def test_the_order_of_the_masks_makes_no_difference(grid):
    shape, spacing = GRIDS[grid]
    a, b = blob(shape, 4), blob(shape, 5)
    one, other = surface_distances(a, b, spacing), surface_distances(b, a, spacing)
    assert hausdorff(one) == hausdorff(other) and assd(one) == pytest.approx(assd(other), rel=1e-12)


@pytest.mark.parametrize('grid', GRIDS)
def test_padding_and_transposing_and_flipping_make_no_difference(grid):
    shape, spacing = GRIDS[grid]
    a, b = (np.pad(blob(shape, seed), 1) for seed in (6, 7))
    expected = [np.sort(d) for d in surface_distances(a, b, spacing)]
    views = ((lambda m: np.pad(m, 5), spacing), (lambda m: m.T, spacing[::-1]), (lambda m: m[::-1], spacing),
             (lambda m: np.asfortranarray(m), spacing))
    for view, view_spacing in views:
        for ours, want in zip(surface_distances(view(a), view(b), view_spacing), expected):
            np.testing.assert_allclose(np.sort(ours), want, atol=1e-9)


def test_scaling_the_spacing_scales_the_distances():
    a, b = blob((8, 20, 20), 8), blob((8, 20, 20), 9)
    one, tenfold = surface_distances(a, b, (2.0, 1.0, 1.0)), surface_distances(a, b, (20.0, 10.0, 10.0))
    assert hausdorff(tenfold) == pytest.approx(10 * hausdorff(one)) and assd(tenfold) == pytest.approx(10 * assd(one))


def test_without_spacing_distances_are_in_voxels():
    a, b = blob((20, 20), 10), blob((20, 20), 11)
    for ours, expected in zip(surface_distances(a, b), surface_distances(a, b, (1, 1))):
        np.testing.assert_array_equal(ours, expected)


def test_equal_masks_have_no_distance():
    a = blob((9, 20, 20), 12)
    distances = surface_distances(a, a, (3, 1, 1))
    assert hausdorff(distances, percentile=100) == 0 and assd(distances) == 0 and distances[0].size > 0


@pytest.mark.parametrize('shape', [(4, 4), (4, 4, 4)])
def test_an_empty_mask_has_no_surface_and_no_metric(shape):
    empty, some = np.zeros(shape, bool), np.ones(shape, bool)
    for a, b in ((empty, some), (some, empty), (empty, empty)):
        distances = surface_distances(a, b)
        assert [d.size > 0 for d in distances] == [a.any(), b.any()] and all(np.isinf(d).all() for d in distances)
        assert np.isnan(hausdorff(distances)) and np.isnan(assd(distances))


@pytest.mark.parametrize('spacing', [(1.0, 1.0), (1.0, 1.0, 0.0), (1.0, 1.0, float('nan'))])
def test_a_spacing_that_does_not_fit_is_refused(spacing):
    with pytest.raises(UserError, match=r'spacing \(1.0, 1.0.*does not fit a mask of shape \(4, 4, 4\)'):
        surface_distances(np.ones((4, 4, 4), bool), np.ones((4, 4, 4), bool), spacing)


def test_masks_of_different_shapes_are_refused():
    with pytest.raises(UserError, match=r'\(4, 4\).*\(4, 5\)'):
        surface_distances(np.ones((4, 4), bool), np.ones((4, 5), bool))

import math

import numpy as np
import pytest
import torch
from scipy import ndimage

from scarceseg.components.inferers import flip_average, padded, rescaled, sliding_window
from scarceseg.components.inferers.sliding_window import window_starts
from scarceseg.components.postprocess import largest_component
from scarceseg.registry import UserError


def voxelwise(view):
    """A network that looks at each voxel alone: two probabilities."""
    p = torch.sigmoid(view[:, :1])
    return torch.cat([p, 1 - p], 1)


@pytest.mark.parametrize('space, window', [
    ((20, 17), (8, 8)), ((20, 17), (20, 17)), ((5, 6), (8, 8)), ((20, 17), (None, 8)), ((6, 20, 17), (4, 8, 8)),
    ((6, 20, 17), (1, None, None)), ((6, 20, 17), (1, 8, 8)), ((1, 20, 17), (1, 16, 16)), ((6, 5, 5), (1, 8, 8))])
@pytest.mark.parametrize('overlap', [0, 0.5, 0.8])
@pytest.mark.parametrize('sigma', [None, 0.125])
def test_windows_of_a_voxelwise_network_give_the_direct_result(space, window, overlap, sigma):
    image = torch.randn(1, 1, *space)
    result = sliding_window(voxelwise, image, window=window, overlap=overlap, sigma=sigma, batch_size=3)
    assert torch.allclose(result, voxelwise(image), atol=1e-5)


@pytest.mark.parametrize('space, divisor', [((20, 17), 8), ((16, 32), 16), ((5, 6, 7), (1, 4, 8)), ((1, 1), 32)])
def test_a_padded_image_has_sizes_that_divide_and_its_result_is_cut_back(space, divisor):
    shapes, image = [], torch.randn(2, 1, *space)

    def look(view):
        shapes.append(view.shape[2:])
        return voxelwise(view)
    assert torch.allclose(padded(look, image, divisor=divisor), voxelwise(image))
    divisors = (divisor,) * len(space) if isinstance(divisor, int) else divisor
    assert all(n <= s < n + d and s % d == 0 for s, n, d in zip(shapes[0], space, divisors))


@pytest.mark.parametrize('divisor', [(8,), (8, 8, 8), 0])
def test_a_divisor_that_does_not_fit_is_named(divisor):
    with pytest.raises(UserError, match=r'divisor=.*2 axes of \(20, 17\)'):
        padded(voxelwise, torch.zeros(1, 1, 20, 17), divisor=divisor)


def test_an_axis_of_window_one_is_left_out_for_the_network():
    shapes = []

    def look(view):
        shapes.append(tuple(view.shape))
        return voxelwise(view)
    sliding_window(look, torch.randn(1, 1, 5, 16, 12), window=(1, None, None), batch_size=2)
    assert shapes == [(2, 1, 16, 12), (2, 1, 16, 12), (1, 1, 16, 12)]


@pytest.mark.parametrize('length', [1, 7, 8, 9, 15, 16, 17, 100])
@pytest.mark.parametrize('window', [1, 4, 8])
@pytest.mark.parametrize('overlap', [0, 0.25, 0.5, 0.75])
def test_the_grid_covers_all_with_the_fewest_windows_that_overlap_enough(length, window, overlap):
    starts = window_starts(length, window, overlap)
    covered = {i for s in starts for i in range(s, min(s + window, length))}
    assert covered == set(range(length)) and len(set(starts)) == len(starts)
    if length > window:
        assert starts[0] == 0 and starts[-1] == length - window
        stride = window if window == 1 else max(int(window * (1 - overlap)), 1)
        assert len(starts) == math.ceil((length - window) / stride) + 1
        assert max(b - a for a, b in zip(starts, starts[1:])) <= stride + 1


def test_results_equal_monais_where_grids_agree():
    inferers = pytest.importorskip('monai.inferers')
    torch.manual_seed(0)
    network = torch.nn.Conv3d(1, 2, 3, padding=1)
    image = torch.randn(1, 1, 16, 24, 16)
    with torch.no_grad():
        ours = sliding_window(network, image, window=(8, 8, 8), overlap=0.5, sigma=0.125)
        theirs = inferers.SlidingWindowInferer((8, 8, 8), overlap=0.5, mode='gaussian', sigma_scale=0.125)(image, network)
    assert torch.allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize('change, part', [(dict(window=(8, 8)), 'has 2 axes'),
                                          (dict(window=(4, 4, 4), overlap=1.0), 'overlap=1.0')])
def test_a_window_that_does_not_fit_is_named(change, part):
    with pytest.raises(UserError, match=part):
        sliding_window(voxelwise, torch.zeros(1, 1, 8, 8, 8), **change)


@pytest.mark.parametrize('axes', [(-1,), (-2, -1), (-3, -2, -1)])
def test_flips_of_a_flip_equivariant_network_are_the_network(axes):
    image = torch.randn(1, 1, 4, 6, 5)
    assert torch.allclose(flip_average(voxelwise, image, axes=axes), voxelwise(image), atol=1e-6)


def test_the_flip_average_is_the_mean_over_all_flips_brought_back():
    torch.manual_seed(0)
    network = torch.nn.Conv2d(1, 2, 3, padding=1)
    image = torch.randn(1, 1, 6, 5)
    expected = sum(network(image.flip(f)).flip(f) for f in [(), (2,), (3,), (2, 3)]) / 4
    assert torch.allclose(flip_average(network, image), expected, atol=1e-6)


def test_the_larger_of_two_parts_is_kept():
    label = np.array([[1, 1, 0, 0, 2], [1, 2, 0, 0, 0], [0, 0, 0, 3, 3]], np.uint8)
    assert largest_component(label).tolist() == [[1, 1, 0, 0, 0], [1, 2, 0, 0, 0], [0, 0, 0, 0, 0]]
    per_class = [[1, 1, 0, 0, 2], [1, 0, 0, 0, 0], [0, 0, 0, 3, 3]]
    assert largest_component(label, per_class=True).tolist() == per_class


def test_of_two_equal_parts_the_first_is_kept_and_nothing_stays_nothing():
    label = np.array([[1, 0, 2]], np.uint8)
    assert largest_component(label).tolist() == [[1, 0, 0]]
    assert not largest_component(np.zeros((2, 2), np.uint8)).any()


def test_the_result_is_one_connected_part_of_the_input(rng):
    label = rng.integers(0, 3, (5, 12, 12)).astype(np.uint8)
    out = largest_component(label)
    assert ndimage.label(out)[1] == 1 and out.dtype == np.uint8
    assert np.array_equal(out[out > 0], label[out > 0])


def test_a_rescaled_prediction_is_made_at_the_size_asked_for_and_comes_back():
    shapes = []

    def look(view):
        shapes.append(tuple(view.shape))
        return voxelwise(view)
    y, x = torch.meshgrid(torch.linspace(-2, 2, 40), torch.linspace(-2, 2, 60), indexing='ij')
    image = (y + x)[None, None, None].expand(1, 1, 3, 40, 60)
    result = rescaled(look, image, longest=30)
    assert shapes == [(1, 1, 3, 20, 30)]
    assert torch.allclose(result, voxelwise(image), atol=0.03)
    assert torch.allclose(result.sum(1), torch.ones(1, 3, 40, 60), atol=1e-5)
    assert torch.equal(rescaled(voxelwise, image, longest=60), voxelwise(image))
    both = (rescaled(voxelwise, image, longest=30) + rescaled(voxelwise, image, longest=90)) / 2
    assert torch.allclose(rescaled(voxelwise, image, longest=(30, 90)), both)

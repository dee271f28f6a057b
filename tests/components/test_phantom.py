import numpy as np
import pytest
from scipy import ndimage

from scarceseg.components.datasets.phantoms.phantom import phantom_case
from scarceseg.components.datasets.phantoms.shapes import FAR_MM, blob, coverage, paint, plane_mm, smooth_field
from scarceseg.registry import UserError

RIGHT, MUSCLE, LEFT = 1, 2, 3


@pytest.fixture(scope='module')
def cases():
    return [phantom_case(i) for i in range(30)]


def test_a_case_is_a_pure_function_of_seed_and_index(cases):
    np.random.seed(3)
    state = np.random.get_state()[1].copy()
    again = phantom_case(7)
    assert np.array_equal(again['image'], cases[7]['image']) and np.array_equal(again['label'], cases[7]['label'])
    assert np.array_equal(np.random.get_state()[1], state), 'the global generator was used'
    for other in (cases[8], phantom_case(7, seed=1)):
        assert not np.array_equal(again['label'], other['label'])


def test_the_population_does_not_drift():
    """Numbers published with the phantom depend on it; the tolerance is that of floating point on other machines."""
    case = phantom_case(0)
    assert np.bincount(case['label'].ravel()) == pytest.approx([86251, 4549, 3117, 6435], rel=2e-3)
    assert case['image'].mean() == pytest.approx(234.58, rel=2e-3)


def test_shapes_dtypes_and_units(cases):
    for case in cases:
        assert case['image'].shape == (1, 8, 112, 112) and case['image'].dtype == np.float32
        assert case['label'].shape == (8, 112, 112) and case['label'].dtype == np.uint8
        assert case['spacing_mm'] == (10.0, 1.5, 1.5)
        assert np.isfinite(case['image']).all() and case['image'].min() >= 0
        assert case['image'].flags.c_contiguous
    blood = [np.median(c['image'][0][c['label'] == LEFT]) for c in cases]
    assert max(blood) > 2 * min(blood), 'the scale differs between cases'


@pytest.mark.parametrize('shape, spacing_mm', [((8, 112, 112), (10, 1.5, 1.5)), ((1, 96, 96), (10, 1.5, 1.5)),
                                               ((2, 64, 120), (8, 2, 1)), ((3, 24, 24), (10, 1.5, 1.5)),
                                               ((12, 48, 56), (5, 3, 3))])
def test_every_volume_has_every_class(shape, spacing_mm):
    for index in range(20):
        case = phantom_case(index, shape=shape, spacing_mm=spacing_mm)
        assert case['image'].shape == (1, *shape) and case['label'].shape == shape
        counts = np.bincount(case['label'].ravel())
        assert counts.size == 4 and counts.min() >= 10, (index, counts)


def test_middle_slices_show_all_and_end_slices_sometimes_lack_a_structure(cases):
    has = np.array([[[(plane == k).any() for k in (RIGHT, MUSCLE, LEFT)] for plane in c['label']] for c in cases])
    assert has[:, 2:5].all()
    for end in (has[:, 0], has[:, -1]):
        lacking = (~end).any(0)
        assert lacking.all() and (~end).mean() < 0.6
    assert np.array_equal(has[..., 1], has[..., 2]), 'no cavity without its wall'


def test_the_cavity_touches_nothing_but_its_wall(cases):
    for case in cases:
        around = ndimage.binary_dilation(case['label'] == LEFT, np.ones((1, 3, 3)))
        assert set(np.unique(case['label'][around])) == {MUSCLE, LEFT}


def test_the_right_ventricle_lies_beside_the_wall(cases):
    for case in cases:
        for plane in case['label'][2:5]:
            assert (ndimage.binary_dilation(plane == RIGHT) & (plane == MUSCLE)).sum() > 10


def test_labels_are_smooth_and_in_one_piece(cases):
    for case in cases:
        for plane in case['label']:
            for k in (MUSCLE, LEFT):
                mask = np.pad(plane == k, 1)
                assert ndimage.label(mask)[1] <= 1
                assert (mask & ~ndimage.binary_opening(mask)).sum() <= 0.1 * mask.sum()


def test_tissues_look_as_in_cine_mr_and_blood_is_seen_outside_the_heart_too(cases):
    for case in cases:
        image, label = case['image'][0], case['label']
        right, muscle, left = (np.median(image[label == k]) for k in (RIGHT, MUSCLE, LEFT))
        assert left > 1.4 * muscle and right > 1.15 * muscle
        assert (image[label == 0] > 0.85 * left).mean() > 0.01


def test_an_undistorted_circle_has_the_distance_of_a_circle():
    y, x = plane_mm((2, 21, 31), (9.0, 1.0, 2.0))
    distance = blob(y, x, (np.array([0.0, 3.0]), -4.0), (7.0, 7.0), angle=0.7)
    for z, cy in enumerate((0.0, 3.0)):
        expected = np.hypot(np.arange(21)[:, None] - 10 - cy, 2.0 * (np.arange(31) - 15) + 4) - 7
        assert np.allclose(distance[z], expected, atol=1e-4)


def test_an_ellipse_is_long_in_its_direction_and_waves_move_its_outline():
    y, x = plane_mm((1, 61, 61), (1.0, 1.0, 1.0))
    tall = blob(y, x, (0, 0), (10, 20), angle=np.pi / 2)[0] <= 1e-3
    assert tall[:, 30].sum() == 41 and tall[30].sum() == 21
    bumpy = blob(y, x, (0, 0), (20, 20), waves=[(3, 0.2, 0.0)])[0] <= 1e-3
    assert bumpy[30, 31:].sum() == 24 and bumpy[30, :30].sum() == 16


def test_a_shape_without_size_is_nowhere():
    y, x = plane_mm((2, 5, 5), (1.0, 1.0, 1.0))
    distance = blob(y, x, (0, 0), (np.array([0.0, 2.0]), np.array([0.0, 2.0])))
    assert distance[0].min() > 0.99 * FAR_MM and distance[1].min() < 0


def test_a_voxel_cut_in_half_is_half_covered():
    assert np.allclose(coverage(np.array([-9.0, -0.5, 0.0, 0.25, 0.5, 9.0]), 1.0), [1, 1, 0.5, 0.25, 0, 0])
    image = np.full((1, 1, 3), 2.0, np.float32)
    paint(image, np.array([[[-1.0, 0.0, 1.0]]]), 6.0, 1.0)
    assert image.ravel().tolist() == [6, 4, 2]


def test_a_smooth_field_has_mean_zero_variance_one_and_no_jumps(rng):
    y, x = plane_mm((6, 150, 150), (10.0, 1.5, 1.5))
    fields = np.stack([smooth_field(rng, y, x, 6, wavelength_mm=(12, 30)) for _ in range(8)])
    assert abs(fields.mean()) < 0.05 and fields.var() == pytest.approx(1, abs=0.2)
    steepest = 2 * np.pi / 12 * 1.5  # radians from voxel to voxel
    assert np.abs(np.diff(fields, axis=-1)).std() < steepest


@pytest.mark.parametrize('settings', [dict(index=-1), dict(index=0, seed=-1), dict(index=0, shape=(112, 112)),
                                      dict(index=0, shape=(8, 16, 112)), dict(index=0, shape=(0, 64, 64)),
                                      dict(index=0, spacing_mm=(10.0, 1.5, 0.0))])
def test_a_heart_that_cannot_be_made_is_refused_in_one_sentence(settings):
    with pytest.raises(UserError, match=r'phantom|heart'):
        phantom_case(**settings)

"""Turning, scaling, bending: against SciPy and NumPy, and by what must hold."""
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest
from nibabel.orientations import aff2axcodes
from scipy import ndimage

from scarceseg.components import transforms as t
from scarceseg.components.labels import IGNORE
from scarceseg.components.transforms.deformation import input_places, nearest_of_plane
from scarceseg.components.transforms.grids import bspline_basis, smooth_field
from scarceseg.components.transforms.random_affine import draw_rotation
from scarceseg.registry import UserError

STILL = dict(rotate_deg=0, scale=(1, 1), flip_axes=())


def make_sample(space=(15, 19), seed=0):
    rng = np.random.default_rng(seed)
    return dict(image=rng.normal(0, 1, (2, *space)).astype(np.float32), label=rng.integers(0, 4, space).astype(np.uint8),
                spacing_mm=(2.0, 1.0, 1.5)[-len(space):])


def blob(space, centre, width):
    """A Gaussian, smooth enough to be interpolated."""
    offsets = np.meshgrid(*(np.arange(n) - c for n, c in zip(space, centre)), indexing='ij')
    return np.exp(-sum(o ** 2 for o in offsets) / (2 * width ** 2)).astype(np.float32)


@pytest.mark.parametrize('axes', [(-2, -1), (-1, -2), (-3, -1)])
@pytest.mark.parametrize('turns', [0, 1, 2, 3, 5])
def test_quarter_turns_are_numpys(turns, axes):
    sample = make_sample((4, 5, 6))
    out = t.rot90(sample, turns=turns, axes=axes)
    assert np.array_equal(out['image'], np.rot90(sample['image'], turns, axes))
    assert np.array_equal(out['label'], np.rot90(sample['label'], turns, axes))
    assert np.array_equal(t.undo(out['image'], out.get('history')), sample['image'])


def test_a_quarter_turn_takes_the_spacing_along():
    assert t.rot90(make_sample(), turns=1)['spacing_mm'] == (1.5, 1.0)
    assert t.rot90(make_sample(), turns=2)['spacing_mm'] == (1.0, 1.5)
    assert t.rot90(dict(make_sample(), spacing_mm=None), turns=1)['spacing_mm'] is None


def test_random_quarter_turns_are_all_four():
    sample = make_sample((7, 7))
    seen = {next(k for k in range(4) if np.array_equal(np.rot90(sample['label'], k), t.random_rot90(
        sample, np.random.default_rng(seed))['label'])) for seed in range(30)}
    assert seen == {0, 1, 2, 3}


def test_transposing_permutes_axes_and_spacing():
    sample = make_sample((4, 5, 6))
    out = t.transpose(sample, axes=(2, 0, 1))
    assert np.array_equal(out['image'], np.transpose(sample['image'], (0, 3, 1, 2)))
    assert out['spacing_mm'] == (1.5, 2.0, 1.0)
    assert np.array_equal(t.undo(out['image'], out['history']), sample['image'])
    assert np.array_equal(t.undo(out['label'], out['history']), sample['label'])


def test_a_random_transposition_swaps_the_plane_in_half_of_all_cases():
    shapes = [t.random_transpose(make_sample((4, 5, 6)), np.random.default_rng(k))['label'].shape for k in range(40)]
    assert set(shapes) == {(4, 5, 6), (4, 6, 5)} and 10 < shapes.count((4, 5, 6)) < 30


@pytest.mark.parametrize('angle', [90, 180, -90, 270])
def test_a_right_angle_is_a_quarter_turn_and_loses_nothing(angle):
    sample = dict(make_sample((15, 15)), spacing_mm=None)
    out = t.rotate(sample, angle_deg=angle)
    turned = t.rot90(sample, turns=angle // 90)
    assert np.array_equal(out['label'], turned['label']) and np.allclose(out['image'], turned['image'], atol=1e-6)
    assert np.array_equal(t.undo(out['label'], out['history'], fill=IGNORE), sample['label'])


@pytest.mark.parametrize('axes', [(-2, -1), (-3, -2)])
def test_rotation_is_scipys(axes):
    """SciPy turns the other way round by the same name."""
    sample = dict(make_sample((13, 15, 17)), spacing_mm=None)
    out = t.rotate(sample, angle_deg=33, axes=axes)
    ours = out['image'][0]
    ref = ndimage.rotate(sample['image'][0], 33, axes=axes[::-1], reshape=False, order=1, cval=sample['image'][0].min())
    ref_label = ndimage.rotate(sample['label'], 33, axes=axes[::-1], reshape=False, order=0, cval=IGNORE)
    assert np.abs(ours - ref).max() < 1e-4 and np.mean(out['label'] != ref_label) < 0.01


def test_rotation_keeps_shapes_in_millimetres():
    """A disc of 12 mm stays one with voxels of 1 × 3 mm."""
    y, x = np.mgrid[:61, :21]
    disc = ((y - 30) ** 2 + (3 * (x - 10)) ** 2 <= 12 ** 2).astype(np.uint8)
    out = t.rotate(dict(image=disc[None].astype(np.float32), label=disc, spacing_mm=(1.0, 3.0)), angle_deg=50)
    assert np.mean((out['label'] == 1) != (disc == 1)) < 0.02


def test_magnifying_moves_a_point_away_from_the_middle():
    """(3, 12) lies 4 above and 3 right of the middle (7, 9); at half the size it is at (5, 10.5)."""
    sample = dict(image=np.stack([blob((15, 19), (3, 12), 1.5)]))
    out = t.scale(sample, factor=0.5, order=3)['image'][0]
    assert np.allclose(np.average(np.indices(out.shape), axis=(1, 2), weights=out ** 2), (5, 10.5), atol=0.05)
    rows = t.scale(sample, factor=(0.5, 1))['image'][0, 4:11]  # row o shows row 7 + 2 (o - 7)
    assert np.allclose(rows, sample['image'][0, 1:14:2], atol=1e-6)


@pytest.mark.parametrize('spacing, share', [(None, 0.5), ((2.0, 1.0), 1.0)])
def test_shearing_moves_rows_by_their_distance_from_the_middle(spacing, share):
    """Column 3 to the right of the middle moves down by 0.5 · 3 = 1.5 rows; so does it by a share of 1, with rows twice as long."""
    sample = dict(image=np.stack([blob((15, 19), (7, 12), 1.5)]), spacing_mm=spacing)
    out = t.shear(sample, share=share, order=3)['image'][0]
    assert np.allclose(np.average(np.indices(out.shape), axis=(1, 2), weights=out), (8.5, 12), atol=0.05)


def test_a_plane_takes_its_nearest_voxels_as_scipy_does():
    rng = np.random.default_rng(0)
    for _ in range(50):
        label = rng.integers(0, 9, rng.integers(1, 30, 2)).astype(np.uint8)
        matrix, offset = np.eye(2) + rng.normal(0, 0.4, (2, 2)), rng.uniform(-5, 15, 2)
        out = np.empty(rng.integers(1, 30, 2), np.uint8)
        nearest_of_plane(label, out, matrix=matrix, offset=offset, outside=IGNORE)
        assert np.array_equal(out, ndimage.affine_transform(label, matrix, offset, output_shape=out.shape, order=0, cval=IGNORE))


def test_rotations_about_each_axis_stay_in_their_plane():
    """About z: what is on the z axis stays; and the three together are a rotation, R Rᵀ = 1."""
    space = (9, 9, 9)
    for axis in range(3):
        angles = [0, 0, 0]
        angles[axis] = 40
        matrix = draw_rotation(np.random.default_rng(axis), angles, space)
        assert np.allclose(matrix[axis], np.eye(3)[axis]) and not np.allclose(matrix, np.eye(3), atol=0.05)
    both = draw_rotation(np.random.default_rng(0), (30, 20, 10), space)
    assert np.allclose(both @ both.T, np.eye(3)) and np.linalg.det(both) == pytest.approx(1)


def test_a_single_slice_is_not_tilted_out_of_its_plane():
    sample = make_sample((1, 15, 19))
    for k in range(5):
        out = t.random_affine(sample, np.random.default_rng(k), size=(1, 15, 19), **{**STILL, 'rotate_deg': (10, 40, 40)})
        assert (out['label'] != IGNORE).mean() > 0.7


def test_a_volumes_rotation_about_all_axes_turns_a_blob_about_the_middle():
    """The distance from the middle stays, whatever the angles; voxels are cubes."""
    sample = dict(image=np.stack([blob((31, 31, 31), (15, 20, 19), 2.5)]))
    for k in range(3):
        out = t.random_affine(sample, np.random.default_rng(k), size=(31, 31, 31), **{**STILL, 'rotate_deg': (60, 60, 60)})
        place = np.average(np.indices((31, 31, 31)), axis=(1, 2, 3), weights=out['image'][0] ** 2)
        assert np.linalg.norm(place - 15) == pytest.approx(np.hypot(5, 4), abs=0.1)
        assert np.linalg.norm(place - (15, 20, 19)) > 0.5


def test_shear_is_drawn_within_its_limits_and_not_at_all_by_default():
    sample = dict(make_sample(), spacing_mm=None)
    plain = [t.random_affine(sample, np.random.default_rng(k), size=(15, 19)) for k in range(3)]
    zero = [t.random_affine(sample, np.random.default_rng(k), size=(15, 19), shear=0.0, displacement_mm=0.0) for k in range(3)]
    assert all(np.array_equal(a['image'], b['image']) for a, b in zip(plain, zero))
    drawn = [t.random_affine(sample, np.random.default_rng(k), size=(15, 19), shear=0.2, **STILL)['history'][0][1]['matrix']
             for k in range(50)]
    offsets = np.array([[m[0, 1], m[1, 0]] for m in drawn])
    assert np.abs(offsets).max() <= 0.2 and (np.abs(offsets).max(0) > 0.15).all()


def test_cubic_splines_between_control_points_are_scipys():
    """Control points 4.5 and 3 voxels apart, the first of them one distance before voxel 0."""
    rng = np.random.default_rng(0)
    size, distances = (20, 13), (4.5, 3.0)
    control = rng.normal(0, 1, (2, *(int((n - 1) / d) + 4 for n, d in zip(size, distances)))).astype(np.float32)
    knots = np.stack(np.meshgrid(*(np.arange(n) / d + 1 for n, d in zip(size, distances)), indexing='ij'))
    ref = np.stack([ndimage.map_coordinates(c, knots, order=3, prefilter=False) for c in control])
    assert np.allclose(smooth_field(control, size, distances), ref, atol=1e-5)
    basis = bspline_basis(20, 4.5)
    assert np.allclose(basis.sum(1), 1) and basis.min() >= 0


def test_no_voxel_moves_further_than_it_may_and_the_image_never_folds():
    """Places in order along every axis: the Jacobian's determinant stays above 0, at the largest displacement there may be."""
    for seed, space in enumerate([(40, 40), (24, 24, 24), (4, 30, 30)]):
        sample = dict(image=np.zeros((1, *space), np.float32), spacing_mm=(4.0, 1.0, 1.0)[-len(space):])
        out = t.random_elastic(sample, np.random.default_rng(seed), displacement_mm=4.0, control_mm=10.0, probability=1)
        params = {k: v for k, v in out['history'][0][1].items() if k != 'shape'}
        moved = input_places(**params) - np.indices(space)
        spacing = np.array(sample['spacing_mm']).reshape(-1, *[1] * len(space))
        assert 1 < np.abs(moved * spacing).max() <= 4.0 + 1e-4
        gradients = np.stack([np.stack(np.gradient(m)) for m in input_places(**params)])
        assert np.linalg.det(np.moveaxis(gradients, (0, 1), (-2, -1))).min() > 0


def test_bending_and_turning_together_interpolate_once():
    """Bent by a still field, a turned view is the turned view; and the places are those of the two maps one after the other."""
    sample = make_sample((33, 35))
    matrix, centre = np.array([[0.813, 0.297], [-0.311, 0.917]]), (16.03, 17.01)
    still = dict(control=np.zeros((2, 7, 8), np.float32), distances=(8.0, 7.0))
    one = t.affine(sample, matrix=matrix, centre=centre, size=(30, 31))
    two = t.affine(sample, matrix=matrix, centre=centre, size=(30, 31), **still)
    assert np.allclose(one['image'], two['image'], atol=1e-4) and np.mean(one['label'] != two['label']) < 0.01
    control = np.random.default_rng(0).uniform(-3, 3, (2, 7, 7)).astype(np.float32)
    places = input_places(matrix=matrix, centre=centre, size=(30, 31), control=control, distances=(8.0, 8.0))
    bent = np.indices((30, 31)) + smooth_field(control, (30, 31), (8.0, 8.0)) - np.array([14.5, 15]).reshape(2, 1, 1)
    assert np.allclose(places, np.tensordot(matrix, bent, 1) + np.array(centre).reshape(2, 1, 1), atol=1e-4)


def test_a_bent_view_is_bent_back():
    """A blob in the middle returns to its place and shape, though it was interpolated twice."""
    sample = dict(image=np.stack([blob((48, 48), (22, 27), 5)]))
    for k in range(4):
        out = t.random_affine(sample, np.random.default_rng(k), size=(64, 64), rotate_deg=40, displacement_mm=4, control_mm=12)
        assert np.abs(out['image'][0, 8:56, 8:56] - sample['image'][0]).max() > 0.1
        back = t.undo(out['image'], out['history'])
        assert np.abs(back - sample['image']).max() < 0.05


def test_displacements_of_each_axis_have_their_own_limit():
    sample = dict(image=np.zeros((1, 8, 20, 20), np.float32))
    out = t.random_elastic(sample, np.random.default_rng(0), displacement_mm=(0, 3, 1), control_mm=10, probability=1)
    reach = np.abs(out['history'][0][1]['control']).max((1, 2, 3))
    assert reach[0] == 0 and 2 < reach[1] <= 3 and 0.5 < reach[2] <= 1


def test_control_points_must_be_those_of_the_view():
    with pytest.raises(UserError, match=r'control of shape \(2, 4, 4\).*\(2, 5, 6\)'):
        t.affine(make_sample(), matrix=np.eye(2), centre=(7, 9), size=(15, 19), control=np.zeros((2, 4, 4)), distances=(8, 8))


def test_a_displacement_that_could_fold_the_image_is_refused():
    with pytest.raises(UserError, match='could fold.*0.4 times'):
        t.random_elastic(make_sample(), np.random.default_rng(0), displacement_mm=5, control_mm=12, probability=1)


def file_of(codes, space=(5, 6, 7)):
    """A volume as read from a file whose x, y, z axes point to ``codes``, with the world position of each voxel as channels."""
    ornt = nib.orientations.axcodes2ornt(codes)
    affine = np.eye(4)
    affine[:3, :3] = 0
    for axis, (world, sign) in enumerate(ornt):
        affine[int(world), axis] = sign * (1.5, 2.0, 3.0)[axis]
    affine[:3, 3] = (-7, 4, 11)
    zyx = np.indices(space)
    world = np.tensordot(affine[:3, :3], zyx[::-1], 1) + affine[:3, 3].reshape(3, 1, 1, 1)
    spacing = (3.0, 2.0, 1.5)
    return dict(image=world.astype(np.float32), label=zyx[2].astype(np.uint8), spacing_mm=spacing,
                geometry=SimpleNamespace(affine=affine))


@pytest.mark.parametrize('codes', ['RAS', 'LPS', 'SAR', 'PIR', 'ASL', 'LIP', 'AIL'])
@pytest.mark.parametrize('wanted', ['RAS', 'LPI', 'PSR'])
def test_reoriented_axes_point_as_asked_and_come_back(codes, wanted):
    """The channels hold world positions: along the last axis, x, that of ``wanted``'s first direction must grow, and so on."""
    sample = file_of(codes)
    assert ''.join(aff2axcodes(sample['geometry'].affine)) == codes
    out = t.reorient(sample, axcodes=wanted)
    for axis, code in zip((-1, -2, -3), wanted):
        world = 'RLAPSI'.index(code) // 2
        step = np.diff(out['image'][world], axis=axis) * (1 if code in 'RAS' else -1)
        assert (step > 0).all() and np.allclose(step, out['spacing_mm'][axis])
        assert all(not np.diff(out['image'][other], axis=axis).any() for other in range(3) if other != world)
    assert np.array_equal(t.undo(out['image'], out.get('history')), sample['image'])
    assert np.array_equal(t.undo(out['label'], out.get('history')), sample['label'])


def test_reorienting_is_nibabels_closest_canonical(tmp_path):
    """An oblique file."""
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.normal(0, 0.2, (3, 3)) + [[0, 1, 0], [0, 0, -1], [-1, 0, 0]])[0]
    image = nib.Nifti1Image(rng.normal(0, 1, (5, 6, 7)).astype(np.float32), nib.affines.from_matvec(turn * 1.3, (1, 2, 3)))
    ours = t.reorient(dict(image=image.get_fdata(dtype=np.float32).T[None], geometry=SimpleNamespace(affine=image.affine)))
    assert np.array_equal(ours['image'][0], nib.as_closest_canonical(image).get_fdata(dtype=np.float32).T)


def test_what_has_no_orientation_stays():
    picture = make_sample((5, 6))
    assert t.reorient(picture) is picture
    volume = make_sample((4, 5, 6))
    assert t.reorient(dict(volume, geometry=SimpleNamespace(affine=None)))['image'] is volume['image']


def test_reorienting_comes_before_what_turns_the_axes():
    sample = file_of('LPS')
    t.reorient(t.pad(sample, size=(9, 9, 9)))
    with pytest.raises(UserError, match='rot90 has turned them; put it first'):
        t.reorient(t.rot90(sample, turns=1))

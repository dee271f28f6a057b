"""Axes are exchanged and flipped to one orientation and back; every voxel keeps its value and its place."""
import json
from itertools import permutations, product

import nibabel as nib
import numpy as np
import pytest

from scarceseg.components.datasets.formats.geometry import Geometry
from scarceseg.components.datasets.formats.images import load_image, save_image
from scarceseg.components.datasets.formats.orientation import from_canonical, reorient, to_canonical, way_back
from scarceseg.registry import UserError

CODES = [''.join(pair[flip] for pair, flip in zip(axes, flips))
         for axes in permutations(('LR', 'PA', 'IS')) for flips in product((0, 1), repeat=3)]
TILT = np.linalg.qr(np.eye(3) + 0.2 * np.random.default_rng(0).normal(size=(3, 3)))[0]


def oriented(codes, *, tilt=False, shape=(4, 5, 6)):
    """A geometry whose x, y and z point to ``codes``."""
    affine = np.eye(4)
    for axis, code in enumerate(codes):
        world = next(i for i, pair in enumerate(('LR', 'PA', 'IS')) if code in pair)
        affine[:3, axis] = np.eye(3)[world] * (1 if code in 'RAS' else -1)
    affine[:3, :3] = (TILT * np.sign(np.diag(TILT)) if tilt else np.eye(3)) @ affine[:3, :3] * (0.5, 1.5, 4)
    affine[:3, 3] = -20.25, 3, 7.5
    affine = affine.astype(np.float32).astype(float)
    return Geometry((4.0, 1.5, 0.5)[3 - len(shape):], affine, None, shape)


def test_there_are_48_orientations():
    assert len(set(CODES)) == 48


@pytest.mark.parametrize('tilt', [False, True])
@pytest.mark.parametrize('codes', CODES)
def test_every_orientation_becomes_nibabels_canonical_one_and_comes_back(rng, codes, tilt):
    geometry = oriented(codes, tilt=tilt)
    assert geometry.orientation == codes
    label = rng.integers(0, 99, (6, 5, 4)).astype(np.uint8)
    turned, found, way = to_canonical(label, geometry)
    reference = nib.as_closest_canonical(nib.Nifti1Image(label.T, geometry.affine))
    assert np.array_equal(turned, np.asarray(reference.dataobj).T) and turned.flags.c_contiguous
    assert np.allclose(found.affine, reference.affine) and found.orientation == 'RAS' and found.space == turned.shape[::-1]
    assert np.allclose(found.spacing_mm, np.linalg.norm(found.affine[:3, :3], axis=0)[::-1], rtol=1e-5)
    back, before = from_canonical(turned, found, way)
    assert np.array_equal(back, label) and before.spacing_mm == geometry.spacing_mm and before.shape == geometry.shape
    assert np.array_equal(before.affine, geometry.affine)


@pytest.mark.parametrize('target', ['RAS', 'LPS', 'SAR', 'pir'])
def test_any_orientation_can_be_the_one_and_images_go_with_their_labels(rng, target):
    image = rng.normal(size=(2, 6, 5, 4)).astype(np.float32)
    for codes in CODES[::7]:
        turned, geometry, way = to_canonical(image, oriented(codes), axcodes=target)
        label, same, _ = to_canonical(image[0], oriented(codes), axcodes=target)
        assert geometry.orientation == target.upper() and np.array_equal(turned[0], label)
        assert np.array_equal(geometry.affine, same.affine)
        assert np.array_equal(from_canonical(turned, geometry, way)[0], image)


def test_a_voxel_keeps_its_place_in_the_world(rng):
    for codes in CODES:
        geometry = oriented(codes, tilt=True)
        image = np.zeros((1, 6, 5, 4))
        voxel = tuple(rng.integers(0, geometry.shape))
        image[(0, *voxel[::-1])] = 1
        turned, found, _ = to_canonical(image, geometry)
        now = np.argwhere(turned[0])[0][::-1]
        assert np.allclose(found.affine @ [*now, 1], geometry.affine @ [*voxel, 1], atol=1e-5)


def test_what_is_canonical_already_is_not_copied(rng):
    image = rng.normal(size=(1, 6, 5, 4))
    turned, _, way = to_canonical(image, oriented('RAS'))
    assert np.shares_memory(turned, image) and way == dict(order=(0, 1, 2), flips=(False, False, False))


def test_the_way_is_plain_values_and_inverts_itself(rng):
    image = rng.normal(size=(2, 3, 4, 5))
    for order in permutations(range(3)):
        for flips in product((False, True), repeat=3):
            way = json.loads(json.dumps(dict(order=order, flips=flips)))
            way = {k: tuple(v) for k, v in way.items()}
            assert np.array_equal(reorient(reorient(image, **way), **way_back(**way)), image)
            assert way_back(**way_back(**way)) == way


def test_a_slice_keeps_its_plane_and_turns_within_it(rng):
    for codes, expected in (('LPS', 'RA'), ('PLS', 'RA'), ('SAL', 'AS'), ('IRA', 'RS')):
        geometry = oriented(codes, shape=(4, 5))
        label = rng.integers(0, 9, (5, 4))
        turned, found, way = to_canonical(label, geometry)
        assert geometry.orientation == codes[:2] and found.orientation == expected and found.space == turned.shape[::-1]
        back, before = from_canonical(turned, found, way)
        assert np.array_equal(back, label) and np.array_equal(before.affine, geometry.affine)


@pytest.mark.parametrize('end', ['.nii.gz', '.mha', '.h5'])
def test_a_turned_volume_can_be_saved_and_turned_back(tmp_path, rng, end):
    label = rng.integers(0, 9, (6, 5, 4)).astype(np.uint8)
    save_image(tmp_path / f'a{end}', label, oriented('PIL', tilt=True))
    first, geometry = load_image(tmp_path / f'a{end}', label=True)
    turned, found, way = to_canonical(first, geometry)
    save_image(tmp_path / f'b{end}', turned, found)
    second, stored = load_image(tmp_path / f'b{end}', label=True)
    assert np.array_equal(second, turned) and stored.orientation == 'RAS'
    assert stored.spacing_mm == pytest.approx(found.spacing_mm, rel=1e-5)
    back, before = from_canonical(second, stored, way)
    assert np.array_equal(back, label) and np.allclose(before.affine, geometry.affine, atol=1e-5)


@pytest.mark.parametrize('axcodes', ['RA', 'RAX', 'RLS', '', 'RASR', None])
def test_what_is_no_orientation_is_refused(axcodes):
    with pytest.raises(UserError, match='is no orientation; expected three letters'):
        to_canonical(np.zeros((6, 5, 4)), oriented('RAS'), axcodes=axcodes)


def test_what_lies_nowhere_cannot_be_turned():
    with pytest.raises(UserError, match='no affine.*leave the reorientation out'):
        to_canonical(np.zeros((5, 4)), Geometry(None, None, None, (4, 5)))

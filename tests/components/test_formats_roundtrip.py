"""What is saved is loaded again, and is what independent readers find in the file."""
from concurrent.futures import ThreadPoolExecutor

import h5py
import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from scarceseg.components.datasets.formats.geometry import Geometry
from scarceseg.components.datasets.formats.hdf5 import write_hdf5
from scarceseg.components.datasets.formats.images import load_image, save_image
from scarceseg.registry import UserError

VOLUMES = ('.nii', '.nii.gz', '.mha', '.nrrd', '.h5', '.hdf5', '.npz')
ENDINGS = (*VOLUMES, '.npy')
TURN = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]


def placed(directions, spacing=(0.75, 1.5, 8.0), origin=(-20.25, 5.5, 9.125), shape=(5, 4, 3)):
    """A geometry with x, y, z along the columns of ``directions``; everything x first."""
    affine = np.eye(4)
    affine[:3, :3] = np.asarray(directions, float) * spacing
    affine[:3, 3] = origin
    return Geometry(tuple(spacing[::-1]), affine, None, shape)


GEOMETRIES = {'plain': placed(np.eye(3)), 'flipped': placed(np.diag([-1, -1, 1])), 'permuted': placed(np.eye(3)[[2, 0, 1]]),
              'oblique': placed(TURN), 'slice': placed(np.diag([-1, 1, 1]), shape=(5, 4, 1))}


@pytest.fixture
def read_sitk():
    return pytest.importorskip('SimpleITK').ReadImage


@pytest.mark.parametrize('geometry', GEOMETRIES.values(), ids=GEOMETRIES)
@pytest.mark.parametrize('end', ENDINGS)
def test_a_label_comes_back_with_values_dtype_and_place(tmp_path, rng, end, geometry):
    for dtype in ('uint8', 'int8', 'int16', 'uint16', 'int32', 'int64'):
        label = rng.integers(0, 100, geometry.shape[::-1]).astype(dtype)
        save_image(tmp_path / f'a{end}', label, geometry)
        back, found = load_image(tmp_path / f'a{end}', label=True)
        assert back.dtype == label.dtype and np.array_equal(back, label) and back.flags.c_contiguous and back.flags.writeable
    assert found.space == geometry.space
    if end != '.npy':
        assert np.allclose(found.spacing_mm, geometry.spacing_mm, rtol=1e-6)
        assert np.allclose(found.affine, geometry.affine, rtol=0, atol=1e-5 if '.nii' in end else 1e-12)


@pytest.mark.parametrize('channels', [1, 3])
@pytest.mark.parametrize('end', ENDINGS)
def test_an_image_comes_back_with_channels_and_place(tmp_path, rng, end, channels):
    image, geometry = rng.normal(size=(channels, 3, 4, 5)).astype(np.float32), GEOMETRIES['oblique']
    save_image(tmp_path / f'a{end}', image, geometry)
    back, found = load_image(tmp_path / f'a{end}')
    assert back.dtype == np.float32 and np.array_equal(back, image) and back.flags.c_contiguous and back.flags.writeable
    assert end == '.npy' or np.allclose(found.affine, geometry.affine, atol=1e-5)
    assert [p.name for p in tmp_path.iterdir()] == [f'a{end}']


@pytest.mark.parametrize('end', ENDINGS)
def test_saving_what_was_loaded_from_any_format_changes_nothing(tmp_path, rng, end):
    label = rng.integers(0, 4, (3, 4, 5)).astype(np.uint8)
    save_image(tmp_path / f'a{end}', label, GEOMETRIES['oblique'])
    _, geometry = load_image(tmp_path / f'a{end}', label=True)
    save_image(tmp_path / f'b{end}', label, geometry)
    back, found = load_image(tmp_path / f'b{end}', label=True)
    assert np.array_equal(back, label)
    limit = 1e-14 if end == '.nrrd' else 0  # which stores products of directions and spacing
    if end != '.npy':
        assert np.allclose(found.spacing_mm, geometry.spacing_mm, rtol=limit, atol=0)
        assert np.allclose(found.affine, geometry.affine, rtol=limit, atol=limit)


@pytest.mark.parametrize('name', GEOMETRIES)
@pytest.mark.parametrize('end', ['.mha', '.nrrd', '.nii.gz'])
def test_itk_finds_every_voxel_where_we_do(tmp_path, rng, read_sitk, end, name):
    geometry = GEOMETRIES[name]
    save_image(tmp_path / f'a{end}', rng.integers(0, 9, geometry.shape[::-1]).astype(np.int16), geometry)
    image, (array, found) = read_sitk(str(tmp_path / f'a{end}')), load_image(tmp_path / f'a{end}')
    for voxel in ((0, 0, 0), (4, 3, geometry.shape[2] - 1), (1, 2, 0)):
        left, back, up = image.TransformIndexToPhysicalPoint(voxel)
        assert np.allclose((found.affine @ [*voxel, 1])[:3], (-left, -back, up), atol=1e-4)
        assert image.GetPixel(voxel) == array[(0, *voxel[::-1])]


def test_nibabel_finds_every_voxel_where_we_do(tmp_path):
    for name, geometry in GEOMETRIES.items():
        save_image(tmp_path / 'a.nii', np.zeros(geometry.shape[::-1], np.uint8), geometry)
        image = nib.load(tmp_path / 'a.nii')
        assert np.allclose(image.affine, geometry.affine, atol=1e-5), name
        assert np.allclose(image.header.get_qform(), image.affine, atol=1e-4) and image.header.get_xyzt_units()[0] == 'mm'
        assert nib.aff2axcodes(image.affine) == tuple(load_image(tmp_path / 'a.nii')[1].orientation)


def test_axes_that_are_not_at_right_angles_are_kept_in_the_one_form_that_holds_them(tmp_path):
    sheared = placed(np.eye(3) + np.array([[0, 0.2, 0], [0, 0, 0], [0, 0, 0]]))
    sheared = Geometry(tuple(np.linalg.norm(sheared.affine[:3, :3], axis=0)[::-1]), sheared.affine, None, (5, 4, 3))
    for end in VOLUMES:
        save_image(tmp_path / f'a{end}', np.zeros((3, 4, 5), np.uint8), sheared)
        assert np.allclose(load_image(tmp_path / f'a{end}', label=True)[1].affine, sheared.affine, atol=1e-6), end
    header = nib.load(tmp_path / 'a.nii').header
    assert header['qform_code'] == 0 and header['sform_code'] == 1


def test_files_of_other_programs_are_read_by_itks_rules(tmp_path, rng, read_sitk):
    import SimpleITK as sitk
    array = rng.integers(-5, 5, (2, 3, 4, 2)).astype(np.int16)
    image = sitk.GetImageFromArray(array, isVector=True)
    image.SetSpacing((1, 2, 3))
    for name in ('a.mha', 'a.mhd', 'a.nrrd', 'a.nhdr'):
        sitk.WriteImage(image, str(tmp_path / name))
        back, geometry = load_image(tmp_path / name)
        assert np.array_equal(back, np.moveaxis(array, -1, 0))
        assert geometry.spacing_mm == (3, 2, 1) and geometry.orientation == 'LPS'
    picture = sitk.GetImageFromArray(array[0, :, :, 0])
    picture.SetOrigin((5, 7))
    sitk.WriteImage(picture, str(tmp_path / 'b.mha'))
    back, geometry = load_image(tmp_path / 'b.mha', label=True)
    assert np.array_equal(back, array[0, :, :, 0]) and (geometry.affine @ [0, 0, 0, 1])[:2].tolist() == [-5, -7]
    save_image(tmp_path / 'c.mha', back, geometry)
    assert sitk.ReadImage(str(tmp_path / 'c.mha')).GetOrigin() == (5, 7)
    frames = sitk.JoinSeries([sitk.GetImageFromArray(array[..., k]) for k in range(2)])
    sitk.WriteImage(frames, str(tmp_path / 'd.nrrd'))
    assert np.array_equal(load_image(tmp_path / 'd.nrrd')[0], np.moveaxis(array, -1, 0))


def test_hdf5_of_image_and_label_is_one_file_for_both(tmp_path, rng):
    image, label = rng.random((3, 4, 5)), rng.integers(0, 4, (3, 4, 5)).astype(np.uint8)
    with h5py.File(tmp_path / 'a.h5', 'w') as file:
        file.create_dataset('image', data=image, compression='gzip')
        file.create_dataset('label', data=label, compression='gzip')
    back, geometry = load_image(tmp_path / 'a.h5')
    assert np.array_equal(back, image[None].astype(np.float32)) and geometry.spacing_mm is None and geometry.space == (5, 4, 3)
    assert np.array_equal(load_image(tmp_path / 'a.h5', label=True)[0], label)
    write_hdf5(tmp_path / 'b.h5', np.stack([image, -image]), GEOMETRIES['oblique'], label=label)
    with h5py.File(tmp_path / 'b.h5') as file:
        assert file['image'].dtype == np.float32 and np.array_equal(file['image'], np.stack([image, -image]).astype(np.float32))
        assert np.array_equal(file['label'], label) and file['label'].dtype == np.uint8
        assert np.array_equal(file['image'].attrs['spacing_mm'], (8, 1.5, 0.75))
    for wanted in (False, True):
        assert np.array_equal(load_image(tmp_path / 'b.h5', label=wanted)[1].affine, GEOMETRIES['oblique'].affine)


def test_threads_write_hdf5_at_once(tmp_path, rng):
    images = rng.random((8, 1, 20, 64, 64)).astype(np.float32)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda k: save_image(tmp_path / f'{k}.h5', images[k], None), range(8)))
    assert all(np.array_equal(load_image(tmp_path / f'{k}.h5')[0], images[k]) for k in range(8))


@pytest.mark.parametrize('end', ['.h5', '.npz'])
def test_slices_with_channels_are_known_by_the_label_beside_them_or_by_name(tmp_path, rng, end):
    image, label = rng.random((3, 4, 5)).astype(np.float32), np.ones((4, 5), np.uint8)

    def store(**arrays):
        if end == '.npz':
            np.savez(tmp_path / 'a.npz', **arrays)
            return
        with h5py.File(tmp_path / 'a.h5', 'w') as file:
            for key, value in arrays.items():
                (file.attrs if key in ('axes', 'spacing', 'spacing_mm') else file)[key] = value
    for arrays in (dict(label=label), dict(axes='cyx'), dict(label=label, spacing=(2.0, 3.0))):
        store(image=image, **arrays)
        back, geometry = load_image(tmp_path / f'a{end}')
        assert back.shape == (3, 4, 5) and geometry.space == (5, 4)
    assert geometry.spacing_mm == (2, 3)
    store(volume=image, spacing_mm=np.float32([4, 2, 3]))
    back, geometry = load_image(tmp_path / f'a{end}')
    assert back.shape == (1, 3, 4, 5) and geometry.spacing_mm == (4, 2, 3)
    save_image(tmp_path / f'a{end}', image, Geometry(None, None, None, (5, 4)))
    assert np.array_equal(load_image(tmp_path / f'a{end}')[0], image)


def test_numpy_files_are_what_numpy_writes(tmp_path, rng):
    array = np.asfortranarray(rng.integers(0, 5, (3, 4, 5)).astype('>i4'))
    np.save(tmp_path / 'a.npy', array)
    label, _ = load_image(tmp_path / 'a.npy', label=True)
    assert np.array_equal(label, array) and label.dtype == np.int32 and label.flags.c_contiguous
    np.save(tmp_path / 'b.npy', array == 0)
    assert load_image(tmp_path / 'b.npy', label=True)[0].dtype == np.uint8
    np.savez_compressed(tmp_path / 'c.npz', image=array[0], label=array[1], spacing=(2.0, 1.0))
    image, geometry = load_image(tmp_path / 'c.npz')
    assert np.array_equal(image, array[:1]) and geometry.spacing_mm == (2, 1)
    assert np.array_equal(load_image(tmp_path / 'c.npz', label=True)[0], array[1])
    save_image(tmp_path / 'd.npz', array[0], geometry)
    with np.load(tmp_path / 'd.npz', allow_pickle=False) as found:
        assert np.array_equal(found['label'], array[0]) and found['spacing_mm'].tolist() == [2, 1]


def test_a_geometry_goes_from_any_format_to_any(tmp_path):
    label = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
    save_image(tmp_path / 'start.nii.gz', label, GEOMETRIES['oblique'])
    last, affine = tmp_path / 'start.nii.gz', GEOMETRIES['oblique'].affine
    for step, end in enumerate(('.mha', '.h5', '.nii', '.nrrd', '.npz', '.nii.gz')):
        _, geometry = load_image(last, label=True)
        last = tmp_path / f'step{step}{end}'
        save_image(last, label, geometry)
    back, geometry = load_image(last, label=True)
    assert np.array_equal(back, label) and np.allclose(geometry.affine, affine, atol=1e-5)


def test_names_may_have_spaces_and_letters_of_any_alphabet(tmp_path, rng):
    label = rng.integers(0, 4, (4, 5)).astype(np.uint8)
    for end in (*ENDINGS, '.png', '.tif'):
        path = tmp_path / 'größe 1 画像' / f'case ü 1{end}'
        save_image(path, label, Geometry(None, None, None, (5, 4)))
        assert np.array_equal(load_image(path, label=True)[0], label)
    assert np.array_equal(np.asarray(Image.open(tmp_path / 'größe 1 画像' / 'case ü 1.png')), label)


@pytest.mark.parametrize('name, array, geometry, sentence', [
    ('a.mhd', np.zeros((3, 4, 5), np.uint8), GEOMETRIES['plain'], 'two files.*write .mha'),
    ('a.npy', np.zeros((3, 4, 5)), Geometry(None, None, None, (5, 4)), '3 channels of a picture.*write .npz'),
    ('a.h5', np.zeros((3, 4, 6)), GEOMETRIES['plain'], r'array of shape \(3, 4, 6\), but its space is \(3, 4, 5\)'),
    ('a.mha', np.zeros((4, 5)), placed(np.eye(3)[[0, 2, 1]], shape=(5, 4, 1)), 'its space is'),
    ('a.mha', np.zeros((4, 5)), Geometry((1, 1), np.eye(4)[[0, 2, 1, 3]], None, (5, 4)), 'slice that lies in space.*write .nii.gz'),
    ('a.nii', np.zeros((3, 4, 5), complex), GEOMETRIES['plain'], 'complex numbers'),
    ('a.npz', np.zeros((3, 4, 5), object), GEOMETRIES['plain'], 'Python objects')])
def test_what_a_format_has_no_place_for_is_refused_and_nothing_is_left(tmp_path, name, array, geometry, sentence):
    with pytest.raises(UserError, match=sentence) as caught:
        save_image(tmp_path / name, array, geometry)
    assert not list(tmp_path.iterdir()) and '\n' not in str(caught.value)

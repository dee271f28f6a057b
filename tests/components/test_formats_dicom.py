"""Series of DICOM slices, in files of which the tests know every byte."""
import numpy as np
import pytest

from scarceseg.components.datasets.formats.images import case_name, ending, label_ending, load_image, open_volume, save_image
from scarceseg.registry import UserError

from .dicom_writer import dicom_bytes, write_series

sitk = pytest.importorskip('SimpleITK')
TURN = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
TURN[:, 2] = np.cross(TURN[:, 0], TURN[:, 1])


@pytest.fixture
def volume(rng):
    return rng.integers(0, 4000, (5, 4, 6))


@pytest.mark.parametrize('turn', [np.eye(3), TURN, np.eye(3)[[2, 0, 1]]], ids=['axial', 'oblique', 'sagittal'])
def test_a_series_lies_where_itk_says_in_our_world(tmp_path, volume, turn):
    names = ['b.dcm', 'z', 'a.dcm', 'IM3', 'c.DCM']  # neither in order nor all with an ending
    write_series(tmp_path / 'case 1', volume, step=2.5 * turn[:, 2], origin=(-10, 5.5, 7), rows=turn[:, 0], columns=turn[:, 1],
                 spacing=(0.5, 0.75), names=names, slope=2, intercept=-1024)
    (tmp_path / 'case 1' / 'notes.txt').write_text('of the scanner')
    image, geometry = load_image(tmp_path / 'case 1')
    assert np.array_equal(image[0], 2 * volume - 1024) and image.dtype == np.float32
    assert geometry.spacing_mm == pytest.approx((2.5, 0.5, 0.75)) and geometry.space == (6, 4, 5)
    reference = sitk.ReadImage([str(tmp_path / 'case 1' / name) for name in names])
    for voxel in ((0, 0, 0), (5, 3, 4), (1, 2, 3)):
        left, back, up = reference.TransformIndexToPhysicalPoint(voxel)
        assert np.allclose((geometry.affine @ [*voxel, 1])[:3], (-left, -back, up), atol=1e-4)
        assert reference.GetPixel(voxel) == image[(0, *voxel[::-1])]
    assert geometry.orientation == 'LPS' or turn is not np.eye(3)


def test_slices_are_ordered_by_their_place_in_both_directions(tmp_path, volume):
    for step in (3, -3):
        write_series(tmp_path / f'a{step}', volume, step=(0, 0, step))
        image, geometry = load_image(tmp_path / f'a{step}')
        assert np.array_equal(image[0], volume[::np.sign(step)]) and geometry.affine[2, 2] == 3


def test_a_tilted_gantry_is_in_the_affine(tmp_path, volume):
    write_series(tmp_path / 'a', volume, step=(0, 1, 3))
    _, geometry = load_image(tmp_path / 'a')
    assert geometry.affine[:3, 2].tolist() == [0, -1, 3] and geometry.spacing_mm[0] == pytest.approx(10 ** 0.5)


def test_every_slice_has_its_own_slope(tmp_path, volume):
    for k, pixels in enumerate(volume):
        (tmp_path / f'{k}.dcm').write_bytes(dicom_bytes(pixels, position=(0, 0, k), slope=0.5 + k / 4, intercept=k))
    image, _ = load_image(tmp_path)
    assert np.array_equal(image[0], volume * (0.5 + np.arange(5) / 4)[:, None, None] + np.arange(5)[:, None, None])


def test_rounded_positions_are_accepted_and_a_label_is_whole_numbers(tmp_path, volume):
    write_series(tmp_path / 'a', volume % 4, positions=[(0, 0, round(0.625 * k, 2)) for k in range(5)])
    label, geometry = load_image(tmp_path / 'a', label=True)
    assert label.dtype == np.int32 and np.array_equal(label, volume % 4) and geometry.spacing_mm[0] == 0.625
    assert np.array_equal(open_volume(tmp_path / 'a', label=True)[1:3, :, :2], volume[1:3, :, :2] % 4)
    write_series(tmp_path / 'b', volume, slope=0.5)
    with pytest.raises(UserError, match='not whole numbers'):
        load_image(tmp_path / 'b', label=True)


def test_a_single_file_is_a_picture_with_the_millimetres_that_it_knows(tmp_path, volume):
    path = tmp_path / 'chest.dcm'
    path.write_bytes(dicom_bytes(volume[0], spacing=(0.2, 0.3), position=(1, 2, 3)))
    image, geometry = load_image(path)
    assert np.array_equal(image, volume[:1]) and geometry.spacing_mm == (0.2, 0.3)
    assert np.allclose(geometry.affine @ [0, 0, 0, 1], (-1, -2, 3, 1)) and geometry.orientation == 'LP'
    path.write_bytes(dicom_bytes(volume[0], spacing=(0.2, 0.3), modality='DX', leave_out=(0x00200032, 0x00200037)))
    assert load_image(path)[1].spacing_mm == (0.2, 0.3) and load_image(path)[1].affine is None
    path.write_bytes(dicom_bytes(volume[0], modality='DX', leave_out=(0x00200032, 0x00200037, 0x00280030)))
    assert load_image(path)[1].spacing_mm is None


def test_larger_is_brighter(tmp_path, volume):
    (tmp_path / 'a.dcm').write_bytes(dicom_bytes(volume[0], photometric='MONOCHROME1'))
    assert np.array_equal(load_image(tmp_path / 'a.dcm')[0][0], 65535 - volume[0])


def test_the_label_of_a_series_goes_into_its_grid_as_nifti(tmp_path, volume):
    write_series(tmp_path / 'case1', volume, step=4 * TURN[:, 2], rows=TURN[:, 0], columns=TURN[:, 1])
    _, geometry = load_image(tmp_path / 'case1')
    assert (case_name(tmp_path / 'case1'), ending(tmp_path / 'case1'), label_ending(tmp_path / 'case1')) == ('case1', '', '.nii.gz')
    save_image(tmp_path / 'case1.nii.gz', (volume > 2000).astype(np.uint8), geometry)
    label, found = load_image(tmp_path / 'case1.nii.gz', label=True)
    assert np.array_equal(label, volume > 2000) and np.allclose(found.affine, geometry.affine, atol=1e-5)


def test_without_the_package_one_sentence_says_how_to_get_it(tmp_path, volume, monkeypatch):
    write_series(tmp_path / 'a', volume)
    save_image(tmp_path / 'a.mha', volume.astype(np.int16), None)
    monkeypatch.setitem(__import__('sys').modules, 'SimpleITK', None)
    for path in (tmp_path / 'a', tmp_path / 'a.mha'):
        with pytest.raises(UserError, match=r'is read by SimpleITK.*pip install "scarceseg\[itk\]"'):
            load_image(path)


def series(tmp_path, volume, **tags):
    write_series(tmp_path, volume, **tags)


def missing(tmp_path, volume):
    write_series(tmp_path, volume)
    (tmp_path / '002.dcm').unlink()


def two_series(tmp_path, volume):
    write_series(tmp_path, volume[:2])
    write_series(tmp_path, volume[2:], names=['x.dcm', 'y.dcm', 'z.dcm'], series='1.2.3.2', origin=(0, 0, 6))


def localiser(tmp_path, volume, **tags):
    write_series(tmp_path, volume)
    (tmp_path / 'scout.dcm').write_bytes(dicom_bytes(**{'pixels': volume[0], 'position': (0, 0, 15), **tags}))


@pytest.mark.parametrize('make, sentence', [
    (missing, r'lacks slices: 001.dcm and 003.dcm are 6 mm apart, but others 3 mm'),
    (two_series, r'holds 2 DICOM series, such as those of 001.dcm, z.dcm; expected one'),
    (lambda p, v: series(p, v, positions=[(0, 0, z) for z in (0, 3, 6.8, 9, 12)]), r'slices 2.2 to 3.8 mm apart.*resample'),
    (lambda p, v: series(p, v, positions=[(0, 0, z) for z in (0, 3, 3, 6, 9)]), r'two slices at one place, 001.dcm and 002.dcm'),
    (lambda p, v: series(p, v, positions=[(x, 0, 3 * k) for k, x in enumerate((0, 0, 5, 0, 0))]), 'not behind each other'),
    (lambda p, v: localiser(p, v, rows=(0, 1, 0), columns=(0, 0, 1)), r'scout.dcm has directions .*localisers'),
    (lambda p, v: localiser(p, v, pixels=v[0, :3]), r'scout.dcm has columns and rows \[6, 3\], 000.dcm \[6, 4\]'),
    (lambda p, v: localiser(p, v, spacing=(1, 2)), r'scout.dcm has a pixel spacing of \[1.0, 2.0\], 000.dcm \[1.0, 1.0\]'),
    (lambda p, v: localiser(p, v, leave_out=(0x00200032,)), r'scout.dcm says position None.*needs 3 numbers'),
    (lambda p, v: localiser(p, v, t00280030=('DS', 'a\\b')), r'scout.dcm'),
    (lambda p, v: localiser(p, v, modality='SEG'), 'scout.dcm is a DICOM segmentation.*segimage2itkimage'),
    (lambda p, v: localiser(p, v, t00280010=('US', 50000)), 'scout.dcm'),
    (lambda p, v: series(p, v, spacing=(0, 0)), 'spacing'),
])
def test_what_is_no_volume_is_refused_in_one_sentence(tmp_path, volume, make, sentence):
    make(tmp_path / 'case', volume)
    with pytest.raises(UserError, match=sentence) as caught:
        load_image(tmp_path / 'case')
    assert 'case' in str(caught.value) and '\n' not in str(caught.value)


def test_damaged_slices_are_named(tmp_path, volume):
    files = write_series(tmp_path / 'case', volume)
    whole = files[2].read_bytes()
    for content in (whole[:len(whole) // 2], whole[:-7], whole[:140], b'', b'this is no slice' * 20):
        files[2].write_bytes(content)
        with pytest.raises(UserError, match='002.dcm'):
            load_image(tmp_path / 'case')


def test_a_folder_without_slices_is_no_image(tmp_path):
    with pytest.raises(UserError, match='is a folder without DICOM files; expected an image file, or the folder of a DICOM series'):
        load_image(tmp_path)
    assert ending(tmp_path) is None and case_name(tmp_path) is None

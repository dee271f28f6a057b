import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from scarceseg.components.datasets import check_same_grid, read_nifti, write_nifti
from scarceseg.registry import UserError

OBLIQUE = np.array([[0.9, -0.3, 0.1, -20], [0.3, 1.1, -0.2, 5], [0.0, 0.2, 4.0, 9], [0, 0, 0, 1]])


@pytest.mark.parametrize('shape', [(7, 6, 5), (7, 6), (7, 6, 1), (7, 6, 5, 1)])
@pytest.mark.parametrize('suffix', ['.nii', '.nii.gz'])
def test_a_label_goes_out_as_it_came_in(make_case, tmp_path, rng, shape, suffix):
    label = rng.integers(0, 4, shape).astype(np.uint8)
    path = make_case(f'a{suffix}', label, affine=OBLIQUE)
    array, geometry = read_nifti(path, label=True)
    write_nifti(tmp_path / f'b{suffix}', array, geometry)
    source, copy = nib.load(path), nib.load(tmp_path / f'b{suffix}')
    assert copy.shape == source.shape and copy.get_data_dtype() == np.uint8
    assert np.array_equal(np.asarray(copy.dataobj), label)
    assert np.array_equal(copy.affine, source.affine)
    assert copy.header.get_zooms() == source.header.get_zooms()
    for field in ('qform_code', 'sform_code', 'xyzt_units'):
        assert copy.header[field] == source.header[field]


def test_axes_are_the_files_reversed_and_spacing_goes_with_them(make_case, rng):
    stored = rng.integers(0, 100, (7, 6, 5)).astype(np.int16)
    image, geometry = read_nifti(make_case('a.nii.gz', stored))
    assert image.shape == (1, 5, 6, 7) and image.dtype == np.float32 and image.flags.c_contiguous
    assert np.array_equal(image[0], stored.T)
    assert geometry.spacing_mm == (8.0, 1.5, 1.5)


def test_slope_and_intercept_are_applied_and_can_be_stored_again(make_case, tmp_path):
    raw = np.arange(24, dtype=np.int16).reshape(4, 3, 2)
    real = (raw * 0.005 - 1).astype(np.float32)
    path = make_case('a.nii.gz', raw, slope_inter=(0.005, -1.0))
    image, geometry = read_nifti(path)
    assert np.allclose(image[0], real.T, atol=1e-6)
    write_nifti(tmp_path / 'b.nii.gz', image[0], geometry, source_dtype=True)
    copy = nib.load(tmp_path / 'b.nii.gz')
    assert copy.get_data_dtype() == np.int16
    assert np.allclose([copy.dataobj.slope, copy.dataobj.inter], [0.005, -1.0])
    assert np.array_equal(copy.dataobj.get_unscaled(), raw)
    write_nifti(tmp_path / 'c.nii.gz', image[0], geometry)
    plain = nib.load(tmp_path / 'c.nii.gz')
    assert plain.get_data_dtype() == np.float32 and np.allclose(plain.get_fdata(), real, atol=1e-6)


def test_channels_are_the_fourth_axis_of_the_file(make_case, tmp_path, rng):
    stored = rng.normal(0, 1, (4, 3, 2, 5)).astype(np.float32)
    image, geometry = read_nifti(make_case('a.nii.gz', stored))
    assert image.shape == (5, 2, 3, 4)
    write_nifti(tmp_path / 'b.nii.gz', image, geometry)
    assert np.array_equal(nib.load(tmp_path / 'b.nii.gz').get_fdata(dtype=np.float32), stored)
    write_nifti(tmp_path / 'c.nii.gz', np.zeros((2, 3, 4), np.uint8), geometry)
    assert nib.load(tmp_path / 'c.nii.gz').shape == (4, 3, 2)


def test_whole_numbers_stored_as_floats_are_labels(make_case):
    label, _ = read_nifti(make_case('a.nii.gz', np.full((2, 2, 2), 3.0, np.float32)), label=True)
    assert label.dtype.kind == 'i' and (label == 3).all()


def test_a_label_that_was_stored_with_a_slope_is_rounded_and_a_scaled_probability_is_not(make_case, tmp_path):
    label = np.arange(24, dtype=np.float64).reshape(4, 3, 2) % 4
    for array in (label, label / 4):
        image = nib.Nifti1Image(array, np.eye(4))
        image.header.set_data_dtype(np.int16)  # nibabel then chooses a slope that uses all of the 16 bits
        nib.save(image, tmp_path / 'a.nii.gz')
        assert nib.load(tmp_path / 'a.nii.gz').dataobj.slope < 1e-3
        if array is label:
            assert np.any(nib.load(tmp_path / 'a.nii.gz').get_fdata() != label)
            assert np.array_equal(read_nifti(tmp_path / 'a.nii.gz', label=True)[0], label.T)
    with pytest.raises(UserError, match=r'not whole numbers, such as 0\.5'):
        read_nifti(tmp_path / 'a.nii.gz', label=True)


def test_probabilities_are_no_labels(make_case):
    with pytest.raises(UserError, match='not whole numbers, such as 0.25'):
        read_nifti(make_case('a.nii.gz', np.full((2, 2, 2), 0.25, np.float32)), label=True)


def test_damaged_files_are_named(tmp_path, make_case, rng):
    whole = make_case('a.nii.gz', rng.integers(0, 999, (30, 30, 30)).astype(np.int16)).read_bytes()
    cases = {'text.nii.gz': b'this is no image', 'cut.nii.gz': whole[:len(whole) // 2], 'empty.nii': b'',
             'other.nii.gz': gzip.compress(b'x' * 1000)}
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=f'{name} cannot be read'):
            read_nifti(tmp_path / name)
    with pytest.raises(UserError, match='there is no file'):
        read_nifti(tmp_path / 'nowhere.nii')


def test_a_failed_writing_leaves_the_old_file_and_no_draft(tmp_path, make_case):
    path = make_case('a.nii.gz', np.ones((2, 2, 2), np.uint8))
    before, (_, geometry) = path.read_bytes(), read_nifti(path)
    with pytest.raises(Exception, match='.'):
        write_nifti(path, np.array([['a']], dtype=object), geometry)
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ['a.nii.gz']


@pytest.mark.parametrize('kind', [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize('dtype', ['<i2', '>i2', '>f4', 'u1', '<f8', '>u4'])
def test_both_versions_and_both_byte_orders_are_read_as_nibabel_reads_them(tmp_path, rng, kind, dtype):
    stored = rng.integers(0, 120, (6, 5, 4)).astype(dtype)
    header = kind.header_class(endianness=dtype[0].replace('u', '<'))
    header.set_data_dtype(dtype)
    for name in ('a.nii', 'b.nii.gz'):
        nib.save(kind(stored, OBLIQUE, header), tmp_path / name)
        image, geometry = read_nifti(tmp_path / name)
        other = nib.load(tmp_path / name)
        assert np.array_equal(image[0], other.get_fdata(dtype=np.float32).T) and np.array_equal(geometry.affine, other.affine)
        assert image.dtype.isnative and image.flags.writeable
        label, _ = read_nifti(tmp_path / name, label=True)
        assert np.array_equal(label, stored.T) and label.dtype.isnative
        write_nifti(tmp_path / f'copy_{name}', label, geometry)
        assert type(nib.load(tmp_path / f'copy_{name}')) is kind


@pytest.mark.parametrize('slope_inter', [(0.005, -1.0), (3, 0), (1, 7)])
@pytest.mark.parametrize('dtype', ['u1', 'i2', 'i4', 'f4'])
def test_scaling_gives_the_same_bits_as_nibabel(make_case, rng, dtype, slope_inter):
    path = make_case('a.nii.gz', rng.integers(0, 120, (6, 5, 4)).astype(dtype), slope_inter=slope_inter)
    assert np.array_equal(read_nifti(path)[0][0], nib.load(path).get_fdata(dtype=np.float32).T)


def test_units_of_the_header_become_millimetres_and_are_written_again(make_case, tmp_path):
    path = make_case('a.nii', np.zeros((4, 3, 2), np.uint8), affine=np.diag([500, 500, 2000, 1]))
    image = nib.load(path)
    image.header.set_xyzt_units('micron')
    nib.save(image, tmp_path / 'b.nii')
    label, geometry = read_nifti(tmp_path / 'b.nii', label=True)
    assert np.allclose(geometry.spacing_mm, (2, 0.5, 0.5)) and np.allclose(np.diag(geometry.affine), (0.5, 0.5, 2, 1))
    write_nifti(tmp_path / 'c.nii', label, geometry)
    copy = nib.load(tmp_path / 'c.nii')
    assert np.array_equal(copy.affine, image.affine) and copy.header.get_xyzt_units()[0] == 'micron'


def test_where_voxel_sizes_and_affine_disagree_the_affine_is_right(make_case, tmp_path):
    image = nib.load(make_case('a.nii', np.zeros((4, 3, 2), np.uint8), affine=np.diag([2, 2, 5, 1])))
    for zooms in ([1, 1, 1], [0, 0, 0]):
        image.header['pixdim'][1:4] = zooms
        image.header['qform_code'] = 0
        (tmp_path / 'b.nii').write_bytes(image.header.binaryblock + bytes(4) + bytes(24))
        assert read_nifti(tmp_path / 'b.nii')[1].spacing_mm == (5, 2, 2)


def test_the_vectors_of_itk_are_channels(tmp_path, rng):
    sitk = pytest.importorskip('SimpleITK')
    array = rng.normal(size=(2, 3, 4, 5)).astype(np.float32)
    sitk.WriteImage(sitk.GetImageFromArray(array, isVector=True), str(tmp_path / 'a.nii.gz'))
    assert nib.load(tmp_path / 'a.nii.gz').shape == (4, 3, 2, 1, 5)
    image, geometry = read_nifti(tmp_path / 'a.nii.gz')
    assert np.array_equal(image, np.moveaxis(array, -1, 0))
    write_nifti(tmp_path / 'b.nii.gz', image, geometry)
    assert np.array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / 'b.nii.gz'))), array)


def test_several_members_of_gzip_and_notes_behind_the_header_are_read(make_case, tmp_path, rng):
    image = nib.load(make_case('a.nii', rng.integers(0, 9, (40, 30, 20)).astype(np.int16)))
    image.header.extensions.append(nib.nifti1.Nifti1Extension('comment', b'drawn twice'))
    nib.save(image, tmp_path / 'b.nii')
    whole = (tmp_path / 'b.nii').read_bytes()
    parts = [gzip.compress(whole[i:i + 5000]) for i in range(0, len(whole), 5000)]
    (tmp_path / 'c.nii.gz').write_bytes(b''.join(parts) + bytes(100))
    label, geometry = read_nifti(tmp_path / 'c.nii.gz', label=True)
    assert np.array_equal(label, np.asarray(image.dataobj).T)
    write_nifti(tmp_path / 'd.nii', label, geometry)
    assert nib.load(tmp_path / 'd.nii').header.extensions[0].get_content() == b'drawn twice'


def test_real_volumes_are_read_as_nibabel_reads_them():
    folder = Path(__file__).parents[3] / 'shared' / 'data'
    files = [next(iter(sorted((folder / name / 'images').glob('*'))), None) for name in ('ACDC', 'LA') if (folder / name).is_dir()]
    if not files:
        pytest.skip('there is no ../shared/data')
    for file in files:
        assert np.array_equal(read_nifti(file)[0][0], nib.load(file).get_fdata(dtype=np.float32).T)


def test_a_grid_with_exchanged_axes_is_another_grid_though_two_corners_agree(make_case):
    geometries = [read_nifti(make_case(f'{name}.nii', np.zeros((4, 4, 4), np.uint8), affine=affine))[1]
                  for name, affine in (('a', np.eye(4)), ('b', np.eye(4)[[1, 0, 2, 3]]))]
    check_same_grid(geometries[0], geometries[0], 'a and a')
    with pytest.raises(UserError, match='a and b lie differently in space'):
        check_same_grid(*geometries, 'a and b')

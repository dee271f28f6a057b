import gzip

import nibabel as nib
import numpy as np
import pytest

from scarceseg.components.datasets import read_nifti, write_nifti
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

"""Boxes are read without the volume around them."""
import pickle
import tracemalloc
from multiprocessing import get_context

import h5py
import nibabel as nib
import numpy as np
import pytest

from scarceseg.components.datasets.formats.geometry import Geometry
from scarceseg.components.datasets.formats.hdf5 import write_hdf5
from scarceseg.components.datasets.formats.images import load_image, open_volume, save_image
from scarceseg.registry import UserError

GEOMETRY = Geometry((3.0, 1.0, 0.5), np.diag([0.5, 1, 3, 1]), None, (7, 6, 5))
BOX = (slice(1, 3), slice(2, 6), slice(0, 4))


def traced(call):
    """What ``call`` gives, and the bytes that were taken meanwhile."""
    tracemalloc.start()
    try:
        return call(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize('end', ['.nii', '.h5', '.npy', '.nii.gz', '.npz', '.mha'])
def test_a_box_is_that_of_the_whole(tmp_path, rng, end):
    lazy = end in ('.nii', '.h5', '.npy')
    image, label = rng.normal(size=(2, 5, 6, 7)).astype(np.float32), rng.integers(0, 9, (5, 6, 7)).astype(np.uint16)
    for array, is_label in ((image, False), (image[:1], False), (label, True)):
        save_image(tmp_path / f'a{end}', array, GEOMETRY)
        volume = pickle.loads(pickle.dumps(open_volume(tmp_path / f'a{end}', label=is_label)))
        assert volume.shape == array.shape and volume.space == (5, 6, 7) and volume.lazy == lazy
        box = volume[BOX]
        assert np.array_equal(box, array[(..., *BOX)]) and box.dtype == array.dtype
        assert not lazy or box.flags.c_contiguous and box.flags.writeable
        assert np.array_equal(volume[...], load_image(tmp_path / f'a{end}', label=is_label)[0])
        assert np.array_equal(volume[-2:, :3, :], array[..., -2:, :3, :])
        assert volume.spacing_mm == (None if end == '.npy' else (3, 1, 0.5))


def test_a_scaled_volume_is_scaled_in_every_box(make_case, rng):
    stored = rng.integers(0, 100, (7, 6, 5)).astype(np.int16)
    path = make_case('a.nii', stored, slope_inter=(0.5, -3))
    assert np.array_equal(open_volume(path)[BOX], load_image(path)[0][(..., *BOX)])
    assert open_volume(path, label=False)[BOX].dtype == np.float32


def test_a_slice_of_two_axes_has_boxes_too(tmp_path, rng):
    picture = rng.normal(size=(1, 6, 7)).astype(np.float32)
    for end in ('.nii', '.h5', '.npy'):
        save_image(tmp_path / f'a{end}', picture, Geometry(None, None, None, (7, 6)))
        assert np.array_equal(open_volume(tmp_path / f'a{end}')[1:3, 2:5], picture[:, 1:3, 2:5])


@pytest.mark.parametrize('end', ['.nii', '.npy', '.h5'])
def test_a_box_of_a_gigabyte_takes_the_memory_of_the_box(tmp_path, end):
    path, shape = tmp_path / f'a{end}', (1000, 800, 700)
    if end == '.h5':
        with h5py.File(path, 'w') as file:
            file.create_dataset('image', shape, np.int16, chunks=(32, 32, 32), compression='gzip')
    elif end == '.npy':
        np.lib.format.open_memmap(path, 'w+', np.int16, shape)
    else:
        header = nib.Nifti1Header()
        header.set_data_shape(shape[::-1])
        header.set_data_dtype(np.int16)
        header['magic'], header['vox_offset'] = header.single_magic, 352
        path.write_bytes(header.binaryblock + bytes(4))
        with path.open('r+b') as file:
            file.truncate(352 + 2 * int(np.prod(shape)))
    box, taken = traced(lambda: open_volume(path)[500:532, 400:432, 300:332])
    assert box.shape == (1, 32, 32, 32) and not box.any() and taken < 4 * box.nbytes


@pytest.mark.parametrize('end', ['.nii', '.npy', '.h5'])
def test_the_limit_of_memory_is_one_of_boxes_and_not_of_files(tmp_path, rng, monkeypatch, end):
    image = rng.normal(size=(1, 64, 64, 64)).astype(np.float32)
    save_image(tmp_path / f'a{end}', image, None)
    monkeypatch.setenv('SCARCESEG_MAX_GIB', '0.0005')
    volume = open_volume(tmp_path / f'a{end}')
    assert np.array_equal(volume[:20, :20, :20], image[:, :20, :20, :20]) and volume[5:3, :, :].shape == (1, 0, 64, 64)
    for read in (lambda: volume[...], lambda: load_image(tmp_path / f'a{end}')):
        with pytest.raises(UserError, match=f'a{end}: an array of shape .* takes 0.000977 GiB of memory'):
            read()


def test_only_the_chunks_that_a_box_touches_are_read(tmp_path, rng):
    image, path = rng.normal(size=(1, 64, 64, 64)).astype(np.float32), tmp_path / 'a.h5'
    write_hdf5(path, image, None)
    with h5py.File(path) as file:
        assert file['image'].chunks == (32, 32, 32)
        last = next(c for c in (file['image'].id.get_chunk_info(k) for k in range(8)) if c.chunk_offset == (32, 32, 32))
    damaged = bytearray(path.read_bytes())
    damaged[last.byte_offset:last.byte_offset + last.size] = b'x' * last.size
    path.write_bytes(damaged)
    volume = open_volume(path)
    assert np.array_equal(volume[:40, :32, :], image[:, :40, :32])
    with pytest.raises(UserError, match='a.h5 cannot be read as HDF5'):
        volume[30:40, 30:40, 30:40]


@pytest.mark.parametrize('method', ['fork', 'spawn'])
def test_workers_read_boxes_of_one_volume(tmp_path, rng, method):
    image = rng.normal(size=(1, 8, 8, 8)).astype(np.float32)
    write_hdf5(tmp_path / 'a.h5', image, None)
    volume = open_volume(tmp_path / 'a.h5')
    boxes = [(slice(k, k + 4),) * 3 for k in range(4)]
    with get_context(method).Pool(2) as pool:
        found = pool.map(volume.__getitem__, boxes)
    assert all(np.array_equal(one, image[(..., *box)]) for one, box in zip(found, boxes))


@pytest.mark.parametrize('box', [(slice(1, 3),), (1, slice(2), slice(2)), (slice(0, 4, 2), slice(2), slice(2)), slice(3)])
def test_what_is_no_box_is_refused(tmp_path, box):
    save_image(tmp_path / 'a.npy', np.zeros((5, 6, 7), np.uint8), None)
    with pytest.raises(UserError, match='needs as many slices of step 1'):
        open_volume(tmp_path / 'a.npy')[box]


def test_a_lazy_label_is_checked_where_it_is_read(tmp_path):
    label = np.zeros((5, 6, 7), np.float32)
    label[4, 5, 6] = 0.5
    np.save(tmp_path / 'a.npy', label)
    volume = open_volume(tmp_path / 'a.npy', label=True)
    assert volume[:2, :, :].dtype == np.int32
    with pytest.raises(UserError, match='not whole numbers, such as 0.5'):
        volume[...]

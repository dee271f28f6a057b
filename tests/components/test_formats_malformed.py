"""Files that lie, are cut, or are something else: each ends in one sentence, before memory is taken for what they claim."""
import gzip
import struct
import tracemalloc
import zipfile
import zlib

import h5py
import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from scarceseg.components.datasets.formats.geometry import Geometry
from scarceseg.components.datasets.formats.images import load_image, open_volume, save_image
from scarceseg.registry import UserError

from .dicom_writer import dicom_bytes

VOXELS = np.random.default_rng(0).integers(0, 4, (5, 6, 7)).astype(np.int16)
PLACED = Geometry((3.0, 1.0, 0.5), np.diag([0.5, 1, 3, 1]), None, (7, 6, 5))
MEMORY = 2**22  # bytes; Pillow's own modules are among them


def saved(path, array=VOXELS):
    """The bytes of a good file of this name."""
    save_image(path, array, PLACED)
    return path.read_bytes()


def nifti(path, edit=None, *, voxels=None, **fields):
    """A .nii or .nii.gz of ``VOXELS`` with other values in the header's fields."""
    voxels = VOXELS if voxels is None else voxels
    header = nib.Nifti1Header()
    header.set_data_shape(voxels.shape[::-1])
    header.set_data_dtype(voxels.dtype)
    header['magic'], header['vox_offset'], header['pixdim'][1:4] = header.single_magic, 352, (0.5, 1, 3)
    for name, value in fields.items():
        header[name] = value
    if edit is not None:
        edit(header)
    content = header.binaryblock + bytes(4) + voxels.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == '.gz' else content)


def dims(*shape):
    return [len(shape), *shape, *(1,) * (7 - len(shape))]


def sform(header, row, column, value):
    header['sform_code'] = 1
    for k, name in enumerate(('srow_x', 'srow_y', 'srow_z')):
        header[name] = np.diag([0.5, 1, 3])[k].tolist() + [0]
        if k == row:
            header[name][column] = value


def cut(path, share=0.5):
    content = saved(path)
    path.write_bytes(content[:int(len(content) * share)])


def bad_checksum(path):
    content = bytearray(saved(path))
    content[-8] ^= 1
    path.write_bytes(content)


def hdf5(path, attributes=(), **sets):
    with h5py.File(path, 'w') as file:
        for name, value in sets.items():
            file.create_dataset(name, **value) if isinstance(value, dict) else file.create_dataset(name, data=value)
        file.attrs.update(attributes)


def hdf5_of_records(path):
    hdf5(path, image=np.zeros((3, 4), np.dtype([('r', 'u1'), ('g', 'u1')])))


def hdf5_group(path):
    with h5py.File(path, 'w') as file:
        file.create_group('image')['data'] = VOXELS
        file['mask'] = VOXELS


def npy_header(shape, dtype='<i2'):
    text = str(dict(descr=dtype, fortran_order=False, shape=shape)).encode()
    text += b' ' * (-(len(text) + 11) % 64) + b'\n'
    return b'\x93NUMPY\1\0' + struct.pack('<H', len(text)) + text


def npz(path, **members):
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f'{name}.npy', content)


def objects(path):
    array = np.empty((3, 4), object)
    np.savez(path, image=array) if path.suffix == '.npz' else np.save(path, array, allow_pickle=True)


def mha(path, **fields):
    """An uncompressed .mha of ``VOXELS`` with other values in the header's fields."""
    header = dict(ObjectType='Image', NDims=3, BinaryData=True, BinaryDataByteOrderMSB=False, CompressedData=False, Offset='0 0 0',
                  TransformMatrix='1 0 0 0 1 0 0 0 1', ElementSpacing='0.5 1 3', DimSize='7 6 5', ElementType='MET_SHORT')
    lines = ''.join(f'{k} = {v}\n' for k, v in {**header, **fields}.items())
    path.write_bytes(f'{lines}ElementDataFile = LOCAL\n'.encode() + VOXELS.tobytes())


def nrrd(path, content=None, **fields):
    header = {'type': 'short', 'dimension': 3, 'sizes': '7 6 5', 'endian': 'little', 'encoding': 'raw', **fields}
    lines = ''.join(f'{k}: {v}\n' for k, v in header.items())
    path.write_bytes(f'NRRD0004\n{lines}\n'.encode() + (VOXELS.tobytes() if content is None else content))


def png(path, width, height):
    def chunk(kind, content):
        return struct.pack('>I', len(content)) + kind + content + struct.pack('>I', zlib.crc32(kind + content))
    path.write_bytes(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 0, 0, 0, 0))
                     + chunk(b'IDAT', zlib.compress(bytes(1000))) + chunk(b'IEND', b''))


def text(path):
    path.write_text('the images lie on the other disk\n')


def good(name):
    """A good file of another kind under this name."""
    return lambda path: path.write_bytes(saved(path.with_name(f'other{name}')))


SIZES = '1000000 1000 1000'
TABLE = [
    # what claims 10^12 voxels
    ('a.nii.gz', lambda p: nifti(p, dim=dims(10000, 10000, 10000)),
     r'its header says shape \(10000, 10000, 10000\) of int16, which is'),
    ('a.nii', lambda p: nifti(p, dim=dims(10000, 10000, 10000)), r'420 bytes of voxels, but .* incomplete or its header is wrong'),
    ('a.h5', lambda p: hdf5(p, image=dict(shape=(10000,) * 3, dtype='i2', chunks=(32,) * 3)),
     r'3.73e\+03 GiB.*SCARCESEG_MAX_GIB to'),
    ('a.h5', lambda p: hdf5(p, image=dict(shape=(10000,) * 3, dtype='i2')), 'has 0 bytes at most, but'),
    ('a.npy', lambda p: p.write_bytes(npy_header((10000,) * 3) + VOXELS.tobytes()), 'has 420 bytes of voxels, but its header says'),
    ('a.npz', lambda p: npz(p, image=npy_header((10000,) * 3) + VOXELS.tobytes()), 'has 420 bytes of voxels, but its header says'),
    ('a.mha', lambda p: mha(p, DimSize=SIZES), r'its header says shape \(1000000, 1000, 1000\) of int16'),
    ('a.mha', lambda p: mha(p, DimSize=SIZES, CompressedData=True), r'bytes at most, but its header says shape'),
    ('a.nrrd', lambda p: nrrd(p, sizes=SIZES), r'its header says shape \(1000000, 1000, 1000\) of int16'),
    ('a.nrrd', lambda p: nrrd(p, sizes=SIZES, encoding='gzip'), r'bytes at most, but its header says shape'),
    ('a.png', lambda p: png(p, 1000000, 1000000), 'a.png cannot be read as a picture'),
    ('a.dcm', lambda p: p.write_bytes(dicom_bytes(VOXELS[0], t00280010=('US', 65535), t00280011=('US', 65535))),
     'bytes at most, but'),
    # headers that lie by less
    ('a.nii', lambda p: nifti(p, dim=dims(7, 6, 4)), r'has 420 bytes of voxels, but its header says shape \(7, 6, 4\)'),
    ('a.nii.gz', lambda p: nifti(p, dim=dims(7, 6, 6)), r'fewer voxels than its header says, \(7, 6, 6\)'),
    ('a.nii.gz', lambda p: nifti(p, dim=dims(7, 6, 4)), r'more voxels than its header says, \(7, 6, 4\)'),
    ('a.nii.gz', lambda p: nifti(p, dim=dims(7, 0, 5)), r'has shape \(7, 0, 5\), so it holds no voxels'),
    ('a.nii', lambda p: nifti(p, dim=dims(7, -6, 5)), r'has shape \(7, -6, 5\), so it holds no voxels'),
    ('a.nii', lambda p: nifti(p, dim=[0] * 8), 'says that it has 0 axes; expected 2 to 4'),
    ('a.nii', lambda p: nifti(p, vox_offset=3e9), 'voxels start at byte 3e.09; expected 352'),
    ('a.nii', lambda p: nifti(p, vox_offset=np.nan), 'voxels start at byte nan'),
    ('a.mha', lambda p: mha(p, DimSize='7 6 4'), r'has 420 bytes of voxels, but its header says shape \(7, 6, 4\)'),
    ('a.nrrd', lambda p: nrrd(p, content=VOXELS.tobytes()[:-2]), 'has 418 bytes of voxels'),
    ('a.npy', lambda p: p.write_bytes(npy_header((5, 6, 8)) + VOXELS.tobytes()), r'its header says shape \(5, 6, 8\)'),
    ('a.npz', lambda p: npz(p, image=npy_header((5, 6, 6)) + VOXELS.tobytes()), r'its header says shape \(5, 6, 6\)'),
    # cut and damaged
    *((f'a{end}', cut, f'a{end} cannot be read as') for end in ('.nii.gz', '.h5', '.npz')),
    ('a.nii', cut, 'has 34 bytes of voxels'), ('a.npy', cut, 'bytes of voxels, but its header says'),
    ('a.mha', cut, 'a.mha'), ('a.nrrd', cut, 'a.nrrd'),
    ('a.nii.gz', lambda p: cut(p, 0.99), r'a.nii.gz cannot be read as NIfTI \(EOFError: the compressed data ends before'),
    ('a.nii.gz', bad_checksum, 'incorrect data check'),
    *((f'a{end}', lambda p: p.write_bytes(b''), f'a{end} cannot be read as')
      for end in ('.nii', '.nii.gz', '.h5', '.npy', '.npz', '.mha', '.nrrd', '.dcm')),
    # something else under this name
    ('a.nii.gz', text, 'its name ends with .gz, but it is not compressed; call it .nii if it is NIfTI'),
    ('a.nii.gz', good('.nii'), 'its name ends with .gz, but it is not compressed; call it .nii if it is NIfTI'),
    ('a.nii', good('.nii.gz'), 'call it .nii.gz'),
    ('a.nii', good('.mha'), "it starts with b'Obje', but a NIfTI file starts with the number 348 or 540"),
    ('a.nii', lambda p: nifti(p, magic=b'ni1'), "is marked b'ni1', but .* convert it to one .nii file"),
    *((f'a{end}', text, f'a{end} cannot be read as')
      for end in ('.nii', '.h5', '.npy', '.npz', '.mha', '.nrrd', '.dcm', '.png', '.tif')),
    # places that are none
    ('a.nii', lambda p: nifti(p, pixdim=[1, 0, 1, 3, 1, 1, 1, 1]), r'has spacing \(3.0, 1.0, 0.0\), but every voxel size must be'),
    ('a.nii', lambda p: nifti(p, pixdim=[1, 1, np.nan, 3, 1, 1, 1, 1]), 'affine with NaN or Inf'),
    ('a.nii', lambda p: nifti(p, lambda h: sform(h, 1, 3, np.nan)), 'has an affine with NaN or Inf.*mend its header'),
    ('a.nii', lambda p: nifti(p, lambda h: sform(h, 1, 1, 0)), r'has spacing \(3.0, 0.0, 0.5\)'),
    ('a.nii', lambda p: nifti(p, lambda h: sform(h, 0, 1, 1e9)), 'affine that puts different voxels at the same point'),
    ('a.nii', lambda p: nifti(p, qform_code=1, quatern_b=3), 'a.nii cannot be read as NIfTI .*copy it again'),
    ('a.mha', lambda p: mha(p, ElementSpacing='0.5 0 3'), r'has spacing \(3.0, 0.0, 0.5\)'),
    ('a.mha', lambda p: mha(p, TransformMatrix='1 0 0 1 0 0 0 0 1'), 'puts different voxels at the same point'),
    ('a.h5', lambda p: hdf5(p, {'spacing': (1, 0, 1)}, image=VOXELS), r'has spacing \(1.0, 0.0, 1.0\)'),
    ('a.h5', lambda p: hdf5(p, {'spacing_mm': (1, 2)}, image=VOXELS),
     r'spacing_mm of shape \(2,\).*expected numbers of shape \(3,\)'),
    ('a.h5', lambda p: hdf5(p, {'spacing': 'fine'}, image=VOXELS), 'has spacing of shape .*expected numbers'),
    ('a.h5', lambda p: hdf5(p, {'affine': np.full((4, 4), np.nan)}, image=VOXELS), 'affine with NaN or Inf'),
    ('a.h5', lambda p: hdf5(p, {'affine': np.eye(4), 'spacing': (1, 1, 2)}, image=VOXELS), 'remove the one that is wrong'),
    ('a.h5', lambda p: hdf5(p, {'axes': 'zyxt'}, image=VOXELS), "says axes='zyxt'.*expected one of yx, zyx"),
    # what is no image
    ('a.nii', lambda p: nifti(p, voxels=VOXELS.astype(np.complex64)), 'holds complex numbers; expected integers or floats'),
    ('a.nii', lambda p: nifti(p, voxels=np.zeros((5, 6, 7), [('R', 'u1'), ('G', 'u1'), ('B', 'u1')])), 'records such as RGB'),
    ('a.nii', lambda p: nifti(p, datatype=77), 'a.nii cannot be read as NIfTI'),
    ('a.nii', lambda p: nifti(p, voxels=np.zeros((2, 3, 4, 5, 6), 'u1')),
     r'has shape \(6, 5, 4, 3, 2\); expected 2 or 3 space axes'),
    ('a.nii', lambda p: nifti(p, voxels=np.zeros(6, 'u1')), 'has one axis'),
    ('a.npy', objects, 'Python objects, which may run code'), ('a.npz', objects, 'Python objects, which may run code'),
    ('a.npy', lambda p: np.save(p, np.array(['a', 'b'])), 'expected integers or floats'),
    ('a.npy', lambda p: np.save(p, np.zeros((2, 2, 2, 2, 2))), r'holds an image of shape \(2, 2, 2, 2, 2\); expected'),
    ('a.npz', lambda p: np.savez(p, x=VOXELS, y=VOXELS), "has no array 'image'.*its arrays: x, y"),
    ('a.npz', lambda p: np.savez(p, label=VOXELS), "has no array 'image'"),
    ('a.h5', lambda p: hdf5(p), "has no array 'image'; its arrays: none"),
    ('a.h5', hdf5_group, "has no array 'image'.*its arrays: image/data, mask"),
    ('a.h5', hdf5_of_records, 'records such as RGB'),
    ('a.h5', lambda p: hdf5(p, image=VOXELS, label=VOXELS[:, :, :6]),
     r'image of shape \(5, 6, 7\) and a label of shape \(5, 6, 6\)'),
    ('a.h5', lambda p: hdf5(p, image=np.zeros((6, 7, 3)), label=VOXELS[0]),
     'with channels, if there are several, as the first axis'),
    ('a.nrrd', lambda p: nrrd(p, type='block', **{'block size': 2}), 'a.nrrd'),
]
LABELS = [
    ('a.nii', lambda p: nifti(p, voxels=np.zeros((2, 5, 6, 7), np.int16)), r'shape \(7, 6, 5, 2\).*a label has one number a voxel'),
    *((f'a{end}', lambda p: saved(p, VOXELS[None] / np.float32(8)), 'is a label, but holds values that are not whole numbers')
      for end in ('.nii', '.nii.gz', '.mha', '.nrrd', '.npy')),
    ('a.nii', lambda p: nifti(p, scl_slope=0.5), 'not whole numbers, such as'),
    ('a.npy', lambda p: np.save(p, np.array([[1, np.nan]])), 'not whole numbers, such as nan'),
    ('a.npy', lambda p: np.save(p, np.array([[1, np.inf]])), 'not whole numbers, such as inf'),
    ('a.npy', lambda p: np.save(p, np.array([[1, 1e12]])), r'such as 1e\+12'),
    ('a.npy', lambda p: np.save(p, np.zeros((2, 2, 2, 2))), r'holds a label of shape \(2, 2, 2, 2\); expected'),
    ('a.npz', lambda p: np.savez(p, image=VOXELS), "has no array 'label'"),
    ('a.h5', lambda p: hdf5(p, image=VOXELS), "has no array 'label'; its arrays: image"),
    ('a.mha', lambda p: saved(p, np.stack([VOXELS] * 3)), 'is a label with 3 numbers a voxel'),
    ('a.tif', lambda p: Image.fromarray(VOXELS[0]).save(p, save_all=True, append_images=[Image.fromarray(VOXELS[1])]),
     'holds 2 pictures'),
]
ROWS = [(*row, False) for row in TABLE] + [(*row, True) for row in LABELS]


def test_there_are_rows_enough():
    assert len(ROWS) > 80


@pytest.mark.parametrize('name, make, sentence, label', ROWS, ids=[f'{i}-{row[0]}' for i, row in enumerate(ROWS)])
def test_what_is_wrong_is_said_in_one_sentence_and_no_memory_is_taken(tmp_path, name, make, sentence, label):
    path = tmp_path / 'größe 1' / name
    path.parent.mkdir()
    make(path)
    if path.suffix in ('.mha', '.nrrd', '.dcm'):
        pytest.importorskip('SimpleITK')
    tracemalloc.start()
    try:
        for read in (load_image, lambda p, label: open_volume(p, label=label)[...]):
            with pytest.raises(UserError, match=sentence) as caught:
                read(path, label=label)
            assert str(path) in str(caught.value) and '\n' not in str(caught.value)
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()


def test_the_limit_is_the_users(tmp_path, monkeypatch):
    np.save(tmp_path / 'a.npy', np.zeros((64, 64, 64), np.uint8))
    monkeypatch.setenv('SCARCESEG_MAX_GIB', '0.0005')
    with pytest.raises(UserError, match=r'takes 0.000977 GiB of memory, and at most 0.0005 are read.*SCARCESEG_MAX_GIB to 1'):
        load_image(tmp_path / 'a.npy')
    monkeypatch.setenv('SCARCESEG_MAX_GIB', '1')
    assert load_image(tmp_path / 'a.npy')[0].shape == (1, 64, 64, 64)
    for entry in ('much', '0', '-1', 'nan'):
        monkeypatch.setenv('SCARCESEG_MAX_GIB', entry)
        with pytest.raises(UserError, match='SCARCESEG_MAX_GIB is .*expected a number of GiB above 0'):
            load_image(tmp_path / 'a.npy')


@pytest.mark.parametrize('end', ['.nii', '.nii.gz', '.h5', '.npy', '.npz', '.mha', '.nrrd'])
def test_random_damage_never_ends_in_anything_but_a_sentence(tmp_path, rng, end):
    path = tmp_path / f'a{end}'
    whole = np.frombuffer(saved(path), np.uint8)
    for _ in range(60):
        content = whole.copy()
        content[rng.integers(0, min(len(content), 600), 4)] = rng.integers(0, 256, 4)
        path.write_bytes(content.tobytes())
        try:
            load_image(path, label=True)
        except UserError as error:
            assert '\n' not in str(error)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    for end in ('.nii', '.nii.gz', '.h5', '.npy', '.npz', '.mha', '.dcm', '.png'):
        with pytest.raises(UserError, match='there is no file .*nowhere'):
            load_image(tmp_path / f'nowhere{end}')
    (tmp_path / 'folder.nii.gz').mkdir()
    with pytest.raises(UserError, match='is a folder, but expected was a file'):
        load_image(tmp_path / 'folder.nii.gz')

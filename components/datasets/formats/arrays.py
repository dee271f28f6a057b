"""NumPy files: .npy, one array, and .npz, several by name; nothing in them is ever run."""
from __future__ import annotations

import zipfile
from functools import partial
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from scarceseg.registry import UserError

from .containers import SETTINGS, StoredArray, checked, contents_of
from .reading import DEFLATE, check_memory, existing_file, named_damage, own, whole_numbers
from .volumes import Volume
from .writing import named_draft

ENDINGS = {'.npy': '.npy', '.npz': '.npz'}


def read_numpy(path, *, label=False):
    """Read an image as (C, *space) float32, or a label as (*space) in its integer dtype, and its ``Geometry``.

    A .npz has the arrays ``image`` and ``label``, and ``spacing_mm`` (or ``spacing``), ``affine`` and ``axes`` as a HDF5 file has
    them as attributes; a .npy has one array and no geometry. Axes are (y, x), (z, y, x) or (C, z, y, x).

    Args:
        path: a .npy or .npz file.
        label: read class indices.

    Raises:
        UserError: the file is missing, no such file, truncated, claims more voxels than it has, holds Python objects, or what is
            no image or no label.
    """
    path = existing_file(path)
    if path.suffix.lower() == '.npy':
        volume = open_numpy(path, label=label)
        return volume[...], volume.geometry
    with named_damage(path, 'NPZ'), zipfile.ZipFile(path) as archive:
        arrays, stored = _listing(path, archive)
        values = {name: _member(archive, name) for name in SETTINGS if name in arrays and _is_small(arrays[name])}
        key, channels, geometry = checked(path, arrays, values, label=label, stored=stored, exact=True)
        raw = _member(archive, key)
    if label:
        return own(whole_numbers(raw, path)), geometry
    return own(raw if channels else raw[None], np.float32), geometry


def open_numpy(path, *, label=False):
    """A ``Volume`` of a .npy file, read by memory map; None for a .npz, which can be read as a whole only."""
    path = existing_file(path)
    if path.suffix.lower() == '.npz':
        return None
    with named_damage(path, 'NPY'), path.open('rb') as file:
        array, name = _header(file), 'label' if label else 'image'
        stored = {name: path.stat().st_size - file.tell()}
        _, channels, geometry = checked(path, {name: array}, {}, label=label, stored=stored, exact=True, whole=False)
    shape = array.shape if channels or label else (1, *array.shape)
    return Volume(shape, geometry, label, partial(_read_box, path, channels, label))


def _read_box(path, channels, label, box):
    with named_damage(path, 'NPY'):
        raw = npy.open_memmap(path, mode='r')[(slice(None),) * channels + box]
    check_memory(path, raw.shape, raw.dtype)
    if label:
        return own(whole_numbers(raw, path))
    return own(raw if channels else raw[None], np.float32)


def _header(file):
    """Shape and dtype of the array that starts here."""
    version = npy.read_magic(file)
    shape, _, dtype = (npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0)(file)
    return StoredArray(shape, dtype)


def _listing(path, archive):
    """``{name: StoredArray}`` of an archive, and for each the bytes that its voxels have."""
    arrays, stored = {}, {}
    for info in archive.infolist():
        if info.filename.endswith('.npy'):
            with archive.open(info) as file:
                name = info.filename[:-4]
                arrays[name] = _header(file)
                stored[name] = min(info.file_size, info.compress_size * DEFLATE) - file.tell()
    return arrays, stored


def _is_small(array):
    return array.dtype.kind in 'iufSU' and int(np.prod(array.shape)) * array.dtype.itemsize <= 1024


def _member(archive, name):
    with archive.open(f'{name}.npy') as file:
        return npy.read_array(file, allow_pickle=False)


def write_numpy(path, array, geometry):
    """Write (C, *space) or (*space); the file appears whole or not at all.

    Args:
        path: a .npz file, which gets geometry and axes too, or a .npy, which does not; its folder is made.
        array: integers keep their dtype, floats become float32. In a .npz whole numbers (*space) are ``label``, all else ``image``.
        geometry: of the array, or None.

    Raises:
        UserError: the array belongs to another geometry, or a .npy would be read as another array: several channels of a picture.
    """
    path = Path(path)
    key, array, settings = contents_of(path, array, geometry)
    if path.suffix.lower() == '.npz':
        with named_draft(path, 'NPZ') as draft:
            np.savez_compressed(draft, **{key: array, **settings})
        return
    if settings['axes'] == 'cyx':
        raise UserError(f'{path} was to hold {len(array)} channels of a picture, but three axes of a .npy are a volume; write .npz')
    with named_draft(path, 'NPY') as draft:
        np.save(draft, array, allow_pickle=False)

"""HDF5 files: image and label of a case as data sets of one file, or each in its own, of which a box is read at a time."""
from __future__ import annotations

from functools import partial

import h5py
import numpy as np

from scarceseg.registry import UserError

from .containers import SETTINGS, StoredArray, checked, contents_of
from .reading import check_memory, existing_file, named_damage, own, whole_numbers
from .volumes import Volume
from .writing import named_draft

ENDINGS = {'.h5': '.h5', '.hdf5': '.hdf5'}
CHUNKS = {2: 128, 3: 32}  # voxels along each axis of space, by the number of these


def read_hdf5(path, *, label=False):
    """Read data set ``image`` as (C, *space) float32, or ``label`` as (*space) in its integer dtype, and its ``Geometry``.

    Axes are taken as they are stored: (y, x), (z, y, x) or (C, z, y, x); an image (C, y, x) is known by the label (y, x) beside it
    or by the attribute ``axes='cyx'``. ``spacing_mm`` (or ``spacing``), in the order of the axes of space, and ``affine``, a (4, 4)
    from voxel (x, y, z) to world millimetres, are attributes of the data set or of the file. A file's only data set may have
    any name.

    Args:
        path: a .h5 or .hdf5 file.
        label: read class indices.

    Raises:
        UserError: the file is missing, is not HDF5, is truncated, has no such data set, claims more voxels than it has, or holds
            what is no image or no label.
    """
    volume = open_hdf5(path, label=label)
    return volume[...], volume.geometry


def open_hdf5(path, *, label=False):
    """A ``Volume`` that reads the chunks which its boxes touch."""
    path = existing_file(path)
    with named_damage(path, 'HDF5'), h5py.File(path, 'r') as file:
        sets = {}
        file.visititems(lambda name, item: sets.update({name: item}) if isinstance(item, h5py.Dataset) else None)
        arrays = {name: StoredArray(item.shape or (), item.dtype) for name, item in sets.items()}
        values = {n: source.attrs[n] for source in (file, sets.get('label' if label else 'image', file)) for n in SETTINGS
                  if n in source.attrs}
        stored = {name: item.id.get_storage_size() for name, item in sets.items() if _is_plain(item)}
        key, channels, geometry = checked(path, arrays, values, label=label, stored=stored, whole=False)
    shape = arrays[key].shape
    return Volume(shape if channels or label else (1, *shape), geometry, label, partial(_read_box, path, key, channels, label))


def _is_plain(item):
    """Whether a data set's voxels lie in this file as they are."""
    return item.chunks is None and item.external is None and not item.is_virtual


def _read_box(path, key, channels, label, box):
    with named_damage(path, 'HDF5'), h5py.File(path, 'r') as file:
        item = file[key]
        check_memory(path, (*item.shape[:channels], *(s.stop - s.start for s in box)), item.dtype)
        raw = item[(slice(None),) * channels + box]
    if label:
        return own(whole_numbers(raw, path))
    return own(raw if channels else raw[None], np.float32)


def write_hdf5(path, array, geometry, *, label=None):
    """Write (C, *space) as data set ``image``, or whole numbers (*space) as ``label``; the file appears whole or not at all.

    Args:
        path: a .h5 or .hdf5 file; its folder is made.
        array: integers keep their dtype, floats become float32; floats (*space) are an image.
        geometry: of both, or None.
        label: (*space) whole numbers that go into the same file.

    Raises:
        UserError: what was to be written is no image or no label, or belongs to another geometry.
    """
    key, array, settings = contents_of(path, array, geometry)
    sets = {key: array}
    if label is not None:
        second, label, _ = contents_of(path, label, geometry)
        sets[second] = label
        if set(sets) != {'image', 'label'}:
            raise UserError(f'{path} was to hold an image and a label, but got arrays of {array.dtype} {array.shape} and '
                            f'{label.dtype} {label.shape}; expected (C, *space) and whole numbers (*space)')
    with named_draft(path, 'HDF5') as draft:
        draft.write_bytes(_content(draft.name, sets, settings, len(settings['axes'].lstrip('c'))))


def _content(file_name, sets, settings, axes):
    """The bytes of a HDF5 file; made in memory, where each needs a name, since on a full disk the library ends the process."""
    with h5py.File(file_name, 'w', driver='core', backing_store=False) as file:
        for name, stored in sets.items():
            lead = stored.ndim - axes
            chunks = (1,) * lead + tuple(min(CHUNKS[axes], n) for n in stored.shape[lead:])
            item = file.create_dataset(name, data=stored, chunks=chunks, compression='gzip', compression_opts=1, shuffle=True)
            item.attrs.update(settings, axes=('c' if lead else '') + 'zyx'[3 - axes:])
        file.flush()
        return file.id.get_file_image()

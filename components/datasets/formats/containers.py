"""What HDF5 and NumPy files have in common: arrays under names, with axes as they are stored.

The image is called ``image`` and the label ``label``; beside them may be ``spacing_mm`` (or ``spacing``), voxel sizes in the order
of the axes of space, ``affine`` (4, 4) from voxel (x, y, z) to world millimetres, and ``axes``, 'zyx', 'yx', 'czyx' or 'cyx'.
"""
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scarceseg.registry import UserError
from scarceseg.registry.binding import nearest

from .geometry import Geometry, affine_spacing, check_geometry
from .reading import check_claim, check_real
from .writing import has_channels, storable

SETTINGS = ('spacing_mm', 'spacing', 'affine', 'axes')
AXES = {'yx': 2, 'zyx': 3, 'cyx': 2, 'czyx': 3}  # how many of them are space


class StoredArray(NamedTuple):
    """What a file of arrays says of one of them, before its numbers are read."""

    shape: tuple
    dtype: np.dtype


def choose_key(path, arrays, label):
    """The name of the image or the label among ``{name: StoredArray}``; a file's only array may have any name."""
    wanted, other = ('label', 'image') if label else ('image', 'label')
    names = [n for n in arrays if n not in SETTINGS]
    if wanted in names:
        return wanted
    if len(names) == 1 and names[0] != other:
        return names[0]
    raise UserError(f'{path} has no array {wanted!r}{nearest(wanted, names)}; its arrays: {", ".join(names[:8]) or "none"}; '
                    f'call the one that is meant {wanted!r}')


def checked(path, arrays, values, *, label, stored=None, exact=False, whole=True):
    """Look at everything but the numbers: gives (key, channels first, ``Geometry``).

    Args:
        path: the file, for sentences.
        arrays: ``{name: StoredArray}`` of the whole file.
        values: ``{name: array}`` of those ``SETTINGS`` that the file has.
        label: choose the label instead of the image.
        stored, exact: ``{name: bytes}`` and whether they are known exactly, see ``check_claim``.
        whole: the array will be read as a whole.
    """
    key = choose_key(path, arrays, label)
    shape, dtype = arrays[key]
    check_real(path, dtype)
    check_claim(path, shape, dtype, stored=(stored or {}).get(key), exact=exact, whole=whole)
    beside = arrays['label'].shape if not label and key == 'image' and 'label' in arrays else None
    axes = _space_axes(path, shape, label, beside, None if label else _text(values.get('axes')))
    if beside is not None and shape[-axes:] != beside:
        raise UserError(f'{path} holds an image of shape {shape} and a label of shape {beside}; expected one grid, with '
                        'channels, if there are several, as the first axis of the image')
    return key, len(shape) > axes, _geometry(path, shape[-axes:], values)


def _space_axes(path, shape, label, beside, axes):
    """How many of an array's axes are space: the last two or three."""
    if label:
        if len(shape) not in (2, 3):
            raise UserError(f'{path} holds a label of shape {shape}; expected (y, x) or (z, y, x) with a class number a voxel')
        return len(shape)
    if axes is not None:
        if AXES.get(axes) is None or len(axes) != len(shape):
            raise UserError(f'{path} says axes={axes!r} of an image of shape {shape}; expected one of {", ".join(AXES)}, a letter '
                            'for each axis')
        return AXES[axes]
    if len(shape) not in (2, 3, 4):
        raise UserError(f'{path} holds an image of shape {shape}; expected (y, x), (z, y, x) or (C, z, y, x), or (C, y, x) beside '
                        "a label (y, x) or with axes='cyx'")
    return 2 if len(shape) == 2 or (len(shape) == 3 and beside is not None and len(beside) == 2) else 3


def _geometry(path, space, values):
    numbers = {}
    for name, shape in (('spacing_mm', (len(space),)), ('spacing', (len(space),)), ('affine', (4, 4))):
        if name in values:
            value = np.asarray(values[name])
            if value.dtype.kind not in 'iuf' or value.shape != shape:
                raise UserError(f'{path} has {name} of shape {value.shape} and type {value.dtype}; expected numbers of shape '
                                f'{shape}, in the order of the axes: write it so')
            numbers[name] = value.astype(np.float64)
    affine = numbers.get('affine')
    spacing = numbers.get('spacing_mm', numbers.get('spacing'))
    if spacing is not None or affine is not None:
        spacing = affine_spacing(affine, len(space)) if spacing is None else tuple(spacing.tolist())
    check_geometry(path, spacing, affine)
    if affine is not None and not np.allclose(spacing, affine_spacing(affine, len(space)), rtol=1e-2):
        raise UserError(f'{path} has spacing {spacing} mm, but an affine with voxels of {affine_spacing(affine, len(space))} mm; '
                        'expected one size, spacing in the order of the axes: remove the one that is wrong')
    return Geometry(spacing, affine, None, tuple(space)[::-1])


def _text(value):
    """A string of a file as str, however it was stored."""
    if value is None:
        return None
    value = np.asarray(value).reshape(-1)[:1].tolist()
    text = value[0] if value else ''
    return (text.decode(errors='replace') if isinstance(text, bytes) else str(text)).lower()


def contents_of(path, array, geometry):
    """``(key, array as stored, {setting: value})`` with which (*space) or (C, *space) is written.

    Whole numbers without channels are a label, all else is an image; one channel is stored without its axis.
    """
    array = storable(path, array)
    channels = has_channels(path, array, geometry)
    axes = array.ndim - channels
    key = 'label' if not channels and array.dtype.kind in 'iu' else 'image'
    array = array[0] if channels and len(array) == 1 else array
    settings = dict(axes='czyx'[4 - array.ndim:] if array.ndim == axes else 'c' + 'zyx'[3 - axes:])
    if geometry is not None and geometry.spacing_mm is not None:
        settings['spacing_mm'] = np.asarray(geometry.spacing_mm, np.float64)
    if geometry is not None and geometry.affine is not None:
        settings['affine'] = np.asarray(geometry.affine, np.float64)
    return key, array, settings

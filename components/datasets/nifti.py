"""NIfTI files, read and written without losing anything: affine, shape, axis order, intensity scaling, dtype."""
from __future__ import annotations

import zlib
from pathlib import Path

import nibabel as nib
import numpy as np

from scarceseg.components.drafts import draft_of
from scarceseg.registry import UserError

from .geometry import Geometry

ENDINGS = {'.nii.gz': '.nii.gz', '.nii': '.nii'}


def read_nifti(path, *, label=False):
    """Read an image as (1, *space) float32, or a label as (*space) in its integer dtype, and its ``Geometry``.

    ``space`` is the file's axes reversed, (z, y, x), which is how the file lies in memory, so that nothing is moved and a
    slice is contiguous. ``scl_slope`` and ``scl_inter`` are applied. A fourth axis is channels: (C, z, y, x).

    Args:
        path: a .nii or .nii.gz file.
        label: read class indices; a float file is accepted where every value is whole.

    Raises:
        UserError: the file is missing, is not NIfTI, is truncated, or holds labels that are not whole numbers.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f'there is no file {path}')
    try:
        image = nib.load(path)
        array = np.asanyarray(image.dataobj) if label else image.get_fdata(dtype=np.float32, caching='unchanged')
    except (nib.filebasedimages.ImageFileError, nib.spatialimages.HeaderDataError, EOFError, OSError, zlib.error, TypeError,
            ValueError) as error:
        raise UserError(f'{path} cannot be read as NIfTI ({type(error).__name__}: {error}); is it complete?') from error
    array = _drop_trailing(array).T
    if label:
        array = whole_numbers(array, path)
    elif array.ndim < 4:
        array = array[None]
    if array.ndim not in ((2, 3) if label else (3, 4)):
        raise UserError(f'{path} has shape {image.shape}; expected 2 or 3 space axes'
                        f'{"" if label else ", and at most one axis of channels"}')
    ndim = array.ndim - (not label)
    spacing = tuple(float(s) for s in image.header.get_zooms()[:ndim][::-1])
    scaling = (float(image.dataobj.slope), float(image.dataobj.inter))
    return np.ascontiguousarray(array), Geometry(spacing, image.affine, image.header.copy(), tuple(image.shape), scaling)


def write_nifti(path, array, geometry, *, source_dtype=False):
    """Write (*space) or (C, *space) in the geometry of the image it belongs to; the file appears whole or not at all.

    Args:
        path: a .nii or .nii.gz file; its folder is made.
        array: real values. Integers keep their dtype and floats become float32, without intensity scaling.
        geometry: from ``read_nifti``; the file gets its affine, spacing, axis order and shape again. That of a file without
            millimetres gives voxels of size one in no unit.
        source_dtype: store the values as the source file did, in its dtype with its slope and intercept.
    """
    array = np.asarray(array)
    array = array.astype(np.float32, copy=False) if array.dtype.kind == 'f' else array
    stored = (_unscaled(array, geometry) if source_dtype else array).T
    if stored.size == np.prod(geometry.shape):
        stored = stored.reshape(geometry.shape, order='F')  # trailing axes of size one come back
    header = nib.Nifti1Header() if geometry.header is None else geometry.header.copy()
    header.set_data_dtype(stored.dtype)
    header['cal_min'] = header['cal_max'] = 0
    image = nib.Nifti1Image(stored, np.eye(4) if geometry.affine is None else geometry.affine, header)
    image.header.set_slope_inter(*(geometry.scaling if source_dtype else (1, 0)))
    with draft_of(path) as draft:
        nib.save(image, draft)


def _unscaled(array, geometry):
    """Real values as the numbers that the source file would store for them."""
    (slope, intercept), dtype = geometry.scaling, geometry.header.get_data_dtype()
    array = (np.asarray(array, np.float64) - intercept) / slope
    if dtype.kind == 'f':
        return array.astype(dtype)
    limits = np.iinfo(dtype)
    return np.clip(np.rint(array), limits.min, limits.max).astype(dtype)


def _drop_trailing(array):
    """Remove axes of size one behind the third: (x, y, z, 1) is a volume."""
    while array.ndim > 3 and array.shape[-1] == 1:
        array = array[..., 0]
    return array


def whole_numbers(array, path):
    """The numbers of a label as integers, or a UserError where some are not whole."""
    if array.dtype.kind in 'iu':
        return array
    whole = np.rint(array)
    if not np.array_equal(whole, array):
        odd = array[whole != array].flat[0]
        raise UserError(f'{path} is a label, but holds values that are not whole numbers, such as {odd:g}; '
                        'is it an image or a probability map?')
    return whole.astype(np.int32)

"""NIfTI files, read and written without losing anything: affine, shape, axis order, intensity scaling, dtype."""
from __future__ import annotations

import os
import tempfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import nibabel as nib
import numpy as np

from scarceseg.registry import UserError

SUFFIXES = ('.nii.gz', '.nii')


@dataclass(frozen=True)
class Geometry:
    """Where an image's voxels are, as the file says it.

    Attributes:
        spacing_mm: voxel size in the order of the array's axes, (z, y, x) or (y, x).
        header: the NIfTI header (affine codes, units, description).
        affine: (4, 4) voxel (x, y, z) to world millimetres.
        shape: the shape stored in the file, trailing axes of size one included.
        scaling: (slope, intercept) between stored and real intensities.
    """

    spacing_mm: tuple
    affine: np.ndarray = field(repr=False)
    header: nib.Nifti1Header = field(repr=False)
    shape: tuple
    scaling: tuple = (1.0, 0.0)


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
        array = _whole_numbers(array, path)
    elif array.ndim < 4:
        array = array[None]
    if array.ndim not in ((2, 3) if label else (3, 4)):
        raise UserError(f'{path} has shape {image.shape}; expected 2 or 3 space axes'
                        f'{"" if label else ", and at most one axis of channels"}')
    ndim = array.ndim - (not label)
    spacing = tuple(float(s) for s in image.header.get_zooms()[:ndim][::-1])
    scaling = (float(image.dataobj.slope), float(image.dataobj.inter))
    return np.ascontiguousarray(array), Geometry(spacing, image.affine, image.header.copy(), tuple(image.shape), scaling)


def check_same_grid(first, second, what):
    """Raise UserError unless two ``Geometry`` have one shape and place every voxel at the same point, to half a voxel.

    Args:
        what: subject of the sentence, such as "the label a.nii.gz and its image b.nii.gz".
    """
    shapes = [g.shape[:len(g.spacing_mm)] for g in (first, second)]
    if shapes[0] != shapes[1]:
        raise UserError(f'{what} have shapes {shapes[0]} and {shapes[1]} (x, y, z); they must be drawn on the same grid')
    corner = np.append([n - 1 for n in shapes[0]] + [0] * (3 - len(shapes[0])), 1)
    for voxel in (np.array([0, 0, 0, 1]), corner):
        ends = [(g.affine @ voxel)[:3] for g in (first, second)]
        if np.abs(ends[0] - ends[1]).max() > 0.5 * min(first.spacing_mm):
            places = ' and '.join(str(np.round(end, 1).tolist()) for end in ends)
            raise UserError(f'{what} lie differently in space: voxel {voxel[:3].tolist()} is at {places} mm; '
                            'resample one onto the other, or mend the header that is wrong')


def write_nifti(path, array, geometry, *, source_dtype=False):
    """Write (*space) or (C, *space) in the geometry of the image it belongs to; the file appears whole or not at all.

    Args:
        path: a .nii or .nii.gz file; its folder is made.
        array: real values. Integers keep their dtype and floats become float32, without intensity scaling.
        geometry: from ``read_nifti``; the file gets its affine, spacing, axis order and shape again.
        source_dtype: store the values as the source file did, in its dtype with its slope and intercept.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.asarray(array)
    array = array.astype(np.float32, copy=False) if array.dtype.kind == 'f' else array
    stored = (_unscaled(array, geometry) if source_dtype else array).T
    if stored.size == np.prod(geometry.shape):
        stored = stored.reshape(geometry.shape, order='F')  # trailing axes of size one come back
    header = geometry.header.copy()
    header.set_data_dtype(stored.dtype)
    header['cal_min'] = header['cal_max'] = 0
    image = nib.Nifti1Image(stored, geometry.affine, header)
    image.header.set_slope_inter(*(geometry.scaling if source_dtype else (1, 0)))
    suffix = '.nii.gz' if path.name.endswith('.gz') else '.nii'
    handle, draft = tempfile.mkstemp(suffix=suffix, prefix='.writing_', dir=path.parent)
    os.close(handle)
    try:
        nib.save(image, draft)
        os.replace(draft, path)
    finally:
        Path(draft).unlink(missing_ok=True)


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


def _whole_numbers(array, path):
    if array.dtype.kind in 'iu':
        return array
    whole = np.rint(array)
    if not np.array_equal(whole, array):
        odd = array[whole != array].flat[0]
        raise UserError(f'{path} is a label, but holds values that are not whole numbers, such as {odd:g}; '
                        'is it an image or a probability map?')
    return whole.astype(np.int32)

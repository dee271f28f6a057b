"""The header of a NIfTI file, with nothing taken for granted."""
from __future__ import annotations

import logging
import math
import os
from io import BytesIO
from typing import NamedTuple

import nibabel as nib
import numpy as np

from scarceseg.registry import UserError

from .geometry import Geometry, affine_spacing, check_geometry
from .gunzip import MAGIC, Gunzip
from .reading import DEFLATE, check_claim, check_real

KINDS = {348: nib.Nifti1Header, 540: nib.Nifti2Header}  # by the length of the header, which its first number is
MILLIMETRES = {1: 1000.0, 3: 0.001}  # a metre, a micrometre; others are millimetres, or nobody knows
LARGEST_EXTENSION = 2**26
QUIET = logging.Logger('quiet', logging.CRITICAL + 1)  # nibabel mends harmless slips and would tell


class StoredNifti(NamedTuple):
    """How voxels lie in a NIfTI file.

    Attributes:
        shape: as the array of ``read_nifti`` is, (*space) or (C, *space), the first axis slowest.
        dtype: of the stored numbers.
        offset: bytes before the first voxel.
        scaling: (slope, intercept) that make real values of the stored numbers, or None where they are real values.
        geometry: of the file.
    """

    shape: tuple
    dtype: np.dtype
    offset: int
    scaling: tuple | None
    geometry: Geometry

    @property
    def nbytes(self):
        """Bytes of all voxels."""
        return math.prod(self.shape) * self.dtype.itemsize


def compressed(path):
    """Whether the file's name says that it is compressed."""
    return str(path).lower().endswith('.gz')


def open_file(path):
    """The file, decompressed as it is read."""
    return Gunzip(path) if compressed(path) else open(path, 'rb')


def read_header(path, handle, *, label, whole=True):
    """Read up to the first voxel and check all that the voxels depend on; gives a ``StoredNifti``.

    Raises:
        UserError: what is wrong with the header.
    """
    header = _header(path, handle)
    shape = tuple(int(n) for n in header.get_data_shape())
    dtype, offset = header.get_data_dtype(), int(header['vox_offset'])
    check_real(path, dtype)
    size = os.path.getsize(path)
    check_claim(path, shape, dtype, stored=(size * DEFLATE if compressed(path) else size) - offset, exact=not compressed(path),
                whole=whole)
    axes = _axes(path, shape, label)
    spacing, affine = _placement(header, axes)
    check_geometry(path, spacing, affine)
    slope, intercept = header.get_slope_inter()
    scaling = (1.0 if slope is None else slope, 0.0 if intercept is None else intercept)
    array_shape = tuple(n for i, n in enumerate(shape) if i < axes or n > 1)[::-1]
    return StoredNifti(array_shape, dtype, offset, None if scaling == (1, 0) else scaling,
                       Geometry(spacing, affine, header, shape, scaling))


def _header(path, handle):
    kind, length = _kind(path, handle)
    header = kind(length + handle.read(kind.template_dtype.itemsize - 4), check=False)
    if header['magic'].item() != header.single_magic:
        raise UserError(f'{path} cannot be read as NIfTI: it is marked {header["magic"].item()!r}, but a NIfTI file of header and '
                        f'voxels is marked {header.single_magic!r}; convert it to one .nii file')
    if not 1 <= header['dim'][0] <= 7:
        raise UserError(f'{path} says that it has {header["dim"][0]} axes; expected 2 to 4: write it again from the source')
    sizes = np.abs(header['pixdim'][1:4])
    header.check_fix(QUIET, error_level=40)
    header['pixdim'][1:4] = sizes  # zeros had become ones
    offset = float(header['vox_offset']) or header.single_vox_offset
    length = header.template_dtype.itemsize
    if not length <= offset <= LARGEST_EXTENSION:
        raise UserError(f'{path} says that its voxels start at byte {offset:g}; expected {header.single_vox_offset} or a little '
                        'more: write it again from the source')
    header['vox_offset'] = offset
    notes = handle.read(int(offset) - length)
    if notes[:1].strip(b'\x00'):
        swapped = header.endianness != nib.volumeutils.native_code
        header.extensions = header.exts_klass.from_fileobj(BytesIO(notes[4:]), len(notes) - 4, swapped)
    return header


def _kind(path, handle):
    """The class of header, told by the first four bytes, and these."""
    with path.open('rb') as file:
        is_gzip = file.read(2) == MAGIC
    if compressed(path) and not is_gzip:
        raise UserError(f'{path} cannot be read as NIfTI: its name ends with .gz, but it is not compressed; call it .nii if it is '
                        'NIfTI, and copy it again if not')
    length = handle.read(4)
    kind = KINDS.get(int.from_bytes(length, 'little')) or KINDS.get(int.from_bytes(length, 'big'))
    if kind is None:
        remedy = 'call it .nii.gz' if is_gzip and not compressed(path) else 'is it another kind of file under this name?'
        raise UserError(f'{path} cannot be read as NIfTI: it starts with {length!r}, but a NIfTI file starts with the number 348 '
                        f'or 540; {remedy}')
    return kind, length


def _axes(path, shape, label):
    """How many of a file's axes are space; a UserError where there are too many."""
    if len(shape) == 1:
        raise UserError(f'{path} has one axis, shape {shape}; expected 2 or 3 space axes')
    behind = [n for n in shape[3:] if n > 1]
    if len(behind) > (not label):
        raise UserError(f'{path} has shape {shape}; expected 2 or 3 space axes'
                        f'{": a label has one number a voxel" if label else ", and at most one axis of channels"}; '
                        'store what it holds in several files')
    return min(len(shape), 3)


def _placement(header, axes):
    """Spacing in the order of the array's axes and affine, both in millimetres; where they disagree the affine is right."""
    scale = MILLIMETRES.get(int(header['xyzt_units']) & 7, 1.0)
    affine = np.array(header.get_best_affine(), np.float64)
    affine[:3] *= scale
    stored = tuple(float(s) * scale for s in header['pixdim'][1:1 + axes][::-1])
    given = affine_spacing(affine, axes)
    placed = header['sform_code'] > 0 and np.isfinite(given).all() and not np.allclose(stored, given, rtol=1e-3, atol=0)
    return (given if placed else stored), affine

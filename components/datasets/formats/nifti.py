"""NIfTI files, read and written without losing anything: affine, shape, axis order, intensity scaling, dtype."""
from __future__ import annotations

from functools import partial

import nibabel as nib
import numpy as np

from .nifti_header import MILLIMETRES, compressed, open_file, read_header
from .reading import check_memory, existing_file, named_damage, own, whole_numbers
from .volumes import Volume
from .writing import has_channels, named_draft, storable

ENDINGS = {'.nii.gz': '.nii.gz', '.nii': '.nii'}
ROUNDED = 1e-3  # that a label may lie beside whole numbers where it was stored with a slope, as floats in an integer file are


def read_nifti(path, *, label=False):
    """Read an image as (C, *space) float32, or a label as (*space) in its integer dtype, and its ``Geometry``.

    ``space`` is the file's axes reversed, (z, y, x), which is how the file lies in memory, so that nothing is moved and a
    slice is contiguous. ``scl_slope`` and ``scl_inter`` are applied. A fourth axis is channels: (C, z, y, x).

    Args:
        path: a .nii or .nii.gz file.
        label: read class indices; a float file is accepted where every value is whole, and one with a slope to a thousandth.

    Raises:
        UserError: the file is missing, is not NIfTI, is truncated, claims other voxels than it has, holds no real numbers or
            too many axes, does not say where its voxels are, or holds labels that are not whole numbers.
    """
    volume = open_nifti(path, label=label)
    if volume is not None:
        return volume[...], volume.geometry
    path = existing_file(path)
    with named_damage(path, 'NIfTI'), open_file(path) as handle:
        stored = read_header(path, handle, label=label)
        raw = np.empty(stored.nbytes, np.uint8)
        if handle.readinto(raw) < len(raw):
            raise EOFError(f'it has fewer voxels than its header says, {stored.geometry.shape}')
        if handle.read(1):  # and at the end the checksum was compared
            raise EOFError(f'it has more voxels than its header says, {stored.geometry.shape}')
    return _values(raw.view(stored.dtype).reshape(stored.shape), stored, label, path), stored.geometry


def open_nifti(path, *, label=False):
    """A ``Volume`` of a .nii file, read by memory map; None for a .nii.gz, which can be read as a whole only."""
    path = existing_file(path)
    if compressed(path):
        return None
    with named_damage(path, 'NIfTI'), open_file(path) as handle:
        stored = read_header(path, handle, label=label, whole=False)
    axes = len(stored.geometry.spacing_mm)
    channels = () if label else stored.shape[:-axes] or (1,)
    return Volume((*channels, *stored.shape[-axes:]), stored.geometry, label, partial(_read_box, path, stored, label))


def _read_box(path, stored, label, box):
    with named_damage(path, 'NIfTI'):
        raw = np.memmap(path, stored.dtype, 'r', stored.offset, stored.shape)[(..., *box)]
    check_memory(path, raw.shape, raw.dtype)
    return _values(raw, stored, label, path)


def _values(raw, stored, label, path):
    """Stored numbers of a box or of all as real values (C, *space) float32, or as a label (*space)."""
    slope, intercept = stored.scaling or (1, 0)
    if label:
        scaled = stored.scaling is not None
        return own(whole_numbers(raw * slope + intercept if scaled else raw, path, rounded=ROUNDED * scaled))
    if stored.scaling is not None:
        one_rounding = intercept == 0 and np.float32(slope) == slope  # else twice the precision, as nibabel
        raw = raw * np.float32(slope) if one_rounding else raw * np.float64(slope) + intercept
    array = own(raw, np.float32)
    return array if array.ndim > len(stored.geometry.spacing_mm) else array[None]


def write_nifti(path, array, geometry, *, source_dtype=False):
    """Write (*space) or (C, *space) in the geometry of the image it belongs to; the file appears whole or not at all.

    Several channels of a picture come back as those of a volume of one slice: a third axis would be space.

    Args:
        path: a .nii or .nii.gz file; its folder is made.
        array: real values. Integers keep their dtype and floats become float32, without intensity scaling.
        geometry: of the image; the file gets its affine, spacing, axis order and shape again. That of a file without millimetres,
            and None, give voxels of size one in no unit.
        source_dtype: store the values as the source file did, in its dtype with its slope and intercept.

    Raises:
        UserError: values or axes that such a file cannot hold.
    """
    array = storable(path, array)
    scaled = source_dtype and geometry is not None and geometry.header is not None
    stored = (_unscaled(array, geometry) if scaled else array).T
    if geometry is not None and stored.size == np.prod(geometry.shape):
        stored = stored.reshape(geometry.shape, order='F')  # trailing axes of size one come back
    elif has_channels(path, array, geometry) and stored.ndim == 3:
        stored = stored[:, :, None]
    with named_draft(path, 'NIfTI') as draft:
        image = _placed(stored, geometry)
        image.header.set_slope_inter(*(geometry.scaling if scaled else (1, 0)))
        nib.save(image, draft)


def _placed(stored, geometry):
    """A nibabel image with the header of a geometry, whose affine it gets in its unit and with its codes."""
    known = geometry is not None and geometry.header is not None
    header = geometry.header.copy() if known else nib.Nifti1Header()
    header['cal_min'] = header['cal_max'] = 0
    header.set_data_dtype(stored.dtype)
    affine = np.eye(4) if geometry is None else geometry.grid_affine.copy()
    affine[:3] /= MILLIMETRES.get(int(header['xyzt_units']) & 7, 1.0)
    kind = nib.Nifti2Image if isinstance(header, nib.Nifti2Header) or max(stored.shape) > 32767 else nib.Nifti1Image
    unchanged = known and np.allclose(affine, header.get_best_affine())
    image = kind(stored, affine, header)
    if not unchanged:
        _place(image.header, affine, code=int(header['sform_code'] or header['qform_code'] or 1))
    if not known and geometry is not None and geometry.spacing_mm is not None:
        image.header.set_xyzt_units('mm')
    return image


def _place(header, affine, *, code):
    """Write an affine into a header: as rotation and as matrix, or as matrix alone where its axes are not at right angles."""
    header.set_qform(affine, code)
    header.set_sform(affine, code)
    if not np.allclose(header.get_qform(), affine, atol=1e-3 * np.abs(affine[:3, :3]).max()):
        header.set_qform(affine, 0)


def _unscaled(array, geometry):
    """Real values as the numbers that the source file would store for them."""
    (slope, intercept), dtype = geometry.scaling, geometry.header.get_data_dtype()
    array = (np.asarray(array, np.float64) - intercept) / slope
    if dtype.kind == 'f':
        return array.astype(dtype)
    limits = np.iinfo(dtype)
    return np.clip(np.rint(array), limits.min, limits.max).astype(dtype)

"""DICOM, read by SimpleITK: a folder that holds the slices of one series, or a single file."""
from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from scarceseg.registry import UserError

from .dicom_series import Slice, order_slices, series_affine
from .geometry import Geometry, affine_spacing, check_geometry
from .itk_files import TURN, channels_to_label, import_sitk, open_reader, pixel_type, placement
from .reading import DEFLATE, check_claim, existing_file, named_damage, own

ENDINGS = {'.dcm': '.nii.gz', '': '.nii.gz'}  # no ending: the folder of a series
TAGS = dict(modality='0008|0060', series='0020|000e', position='0020|0032', orientation='0020|0037', spacing='0028|0030',
            detector_spacing='0018|1164')
WITH_FRAMES_IN_SPACE = ('CT', 'MR', 'PT', 'NM', 'RTDOSE')  # of others several frames are a film


class Header(NamedTuple):
    """What is read of a file before its pixels: SimpleITK's reader, ``TAGS`` that are there, and what its pixels are."""

    reader: object
    tags: dict
    dtype: np.dtype
    channels: int
    shape: tuple  # columns, rows, frames


def is_series(path):
    """Whether ``path`` is a folder with DICOM files in it."""
    path = Path(path)
    return path.is_dir() and any(_is_dicom(file) for file in path.iterdir())


def read_dicom(path, *, label=False):
    """Read a series as (C, z, y, x) float32 or a single image as (C, y, x), and its ``Geometry``; a label without C.

    Rescale slope and intercept are applied slice by slice, and MONOCHROME1 is inverted, so that larger is brighter. Slices follow
    their normal, whatever the names of their files. A tilted gantry is in the affine.

    Args:
        path: a folder with the files of one series, or a .dcm file; several frames of CT or MR are slices.
        label: read class indices.

    Raises:
        UserError: SimpleITK is not installed; there is no DICOM image, or a damaged one; the folder holds several series, slices
            of different grids, twice the same place, or gaps.
    """
    path, sitk = Path(path), import_sitk(path)
    if not path.is_dir():
        return _read_single(existing_file(path), sitk, label)
    files = [file for file in sorted(path.iterdir()) if _is_dicom(file)]
    if not files:
        raise UserError(f'{path} is a folder without DICOM files; expected the slices of one series')
    slices = order_slices(path, [_slice_of(file, sitk) for file in files])
    first = slices[0]
    columns, rows = first.size
    channels = first.channels
    check_claim(path, (columns, rows, len(slices), channels), np.dtype(np.float32))
    array = np.empty((channels, len(slices), rows, columns), np.float32)
    for i, one in enumerate(slices):
        with named_damage(one.file, 'a DICOM image'):
            array[:, i] = _pixels(sitk, open_reader(sitk, one.file, 'GDCMImageIO'), channels)[:, 0]
    affine = TURN @ series_affine(slices) + 0.0
    geometry = Geometry(affine_spacing(affine, 3), affine, None, (columns, rows, len(slices)))
    check_geometry(path, geometry.spacing_mm, affine)
    return (channels_to_label(path, array) if label else array), geometry


def write_dicom(path, array, geometry):
    """No DICOM is written.

    Raises:
        UserError: always.
    """
    raise UserError(f'{path} cannot be written as DICOM, which would need a patient; write .nii.gz')


def _is_dicom(file):
    if file.name.startswith('.') or file.name.upper() == 'DICOMDIR' or not file.is_file():
        return False
    if file.suffix.lower() == '.dcm':
        return True
    with file.open('rb') as handle:
        return handle.read(132)[128:] == b'DICM'


def _header(file, sitk):
    with named_damage(file, 'a DICOM image'):
        reader = open_reader(sitk, file, 'GDCMImageIO')
        tags = {name: reader.GetMetaData(tag).strip() for name, tag in TAGS.items() if reader.HasMetaDataKey(tag)}
        if tags.get('modality') == 'SEG':
            raise UserError(f'{file} is a DICOM segmentation, which has a frame for each slice of each class; convert it to NIfTI, '
                            'for example with segimage2itkimage of dcmqi')
        dtype, channels = pixel_type(file, sitk, reader)
        shape = tuple(int(n) for n in reader.GetSize())
        check_claim(file, (*shape, channels), dtype, stored=file.stat().st_size * DEFLATE)
        return Header(reader, tags, dtype, channels, shape)


def _slice_of(file, sitk):
    """A file of a series as a ``Slice``."""
    header = _header(file, sitk)
    if header.shape[2:] not in ((), (1,)):
        raise UserError(f'{file} holds {header.shape[2]} frames, but a file of a series is one slice; give the file itself as the '
                        'image')
    placed = {}
    for name, count in (('position', 3), ('orientation', 6), ('spacing', 2)):
        try:
            placed[name] = np.array([float(v) for v in header.tags[name].split('\\')])
            known = placed[name].shape == (count,) and np.isfinite(placed[name]).all()
        except (KeyError, ValueError):
            known = False
        if not known:
            raise UserError(f'{file} says {name} {header.tags.get(name)!r}, but a slice of a series needs {count} numbers '
                            'there; give a single image as a file, or mend its header')
    thickness = float(header.reader.GetSpacing()[2])
    return Slice(file, header.tags.get('series', ''), header.shape[:2], header.channels, thickness, **placed)


def _read_single(file, sitk, label):
    """A picture (C, y, x), or the frames of one file as slices (C, z, y, x)."""
    header = _header(file, sitk)
    axes = 3 if len(header.shape) > 2 and header.shape[2] > 1 else 2
    with named_damage(file, 'a DICOM image'):
        array = _pixels(sitk, header.reader, header.channels)
    array = array if axes == 3 else array[:, 0]
    spacing, affine = placement(header.reader, axes=3)
    sized = 'spacing' in header.tags or 'detector_spacing' in header.tags
    placed = header.tags.get('modality') in WITH_FRAMES_IN_SPACE if axes == 3 else 'position' in header.tags
    spacing = spacing[-axes:] if (placed if axes == 3 else sized) else None
    geometry = Geometry(spacing, affine if placed and spacing is not None else None, None, header.shape[:axes])
    check_geometry(file, geometry.spacing_mm, geometry.affine)
    return (channels_to_label(file, array) if label else own(array, np.float32)), geometry


def _pixels(sitk, reader, channels):
    """(C, z, y, x) of a file."""
    array = sitk.GetArrayFromImage(reader.Execute())
    array = np.moveaxis(array, -1, 0) if channels > 1 else array[None]
    return array if array.ndim == 4 else array[:, None]

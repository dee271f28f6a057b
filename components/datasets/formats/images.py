"""Image files of every kind, told apart by their ending."""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from scarceseg.registry import UserError

from . import arrays, dicom, hdf5, itk_files, nifti, pictures
from .volumes import whole


class Format(NamedTuple):
    """One kind of file. Another kind is another row of ``FORMATS``.

    Attributes:
        name: what sentences call it.
        read: ``read(path, *, label=False) -> (array, Geometry)``: an image (C, *space) float32 or a label (*space) of integers.
        write: ``write(path, array, geometry)``, which gives a file as a whole or none.
        endings: of its files, in small letters, each with the ending of a label map that belongs to such an image.
        open: ``open(path, *, label=False) -> Volume``, or None where such a file can be read as a whole only.
    """

    name: str
    read: Callable
    write: Callable
    endings: dict
    open: Callable | None = None


FORMATS = (Format('NIfTI', nifti.read_nifti, nifti.write_nifti, nifti.ENDINGS, nifti.open_nifti),
           Format('MetaImage or NRRD', itk_files.read_itk, itk_files.write_itk, itk_files.ENDINGS),
           Format('DICOM', dicom.read_dicom, dicom.write_dicom, dicom.ENDINGS),
           Format('HDF5', hdf5.read_hdf5, hdf5.write_hdf5, hdf5.ENDINGS, hdf5.open_hdf5),
           Format('NumPy', arrays.read_numpy, arrays.write_numpy, arrays.ENDINGS, arrays.open_numpy),
           Format('picture', pictures.read_picture, pictures.write_picture, pictures.ENDINGS))
ENDINGS = tuple(sorted((e for form in FORMATS for e in form.endings if e), key=len, reverse=True))  # the longest first


def load_image(path, *, label=False):
    """Read an image as (C, *space) float32, or a label as (*space) in its integer dtype, and its ``Geometry``.

    Args:
        path: a file of any of ``FORMATS``, or the folder of a DICOM series. A .h5 or .npz may hold image and label.
        label: read class indices.

    Raises:
        UserError: an unknown ending, or what the format's reader says of the file.
    """
    return format_of(path).read(path, label=label)


def save_image(path, array, geometry):
    """Write (*space) or (C, *space) in the geometry of the image it belongs to; the file appears whole or not at all.

    ``load_image`` gives the same values, dtype of a label, spacing and affine again, in every format that has a place for them.

    Raises:
        UserError: an unknown ending, or values that such a file cannot hold.
    """
    format_of(path).write(path, array, geometry)


def open_volume(path, *, label=False):
    """A ``Volume`` whose boxes are read as they are asked for, from .nii, .h5 and .npy; other files are read whole, at once.

    Args:
        path, label: as ``load_image`` takes them.

    Raises:
        UserError: what ``load_image`` says of the header, and on reading a box, of its voxels.
    """
    form = format_of(path)
    volume = None if form.open is None else form.open(path, label=label)
    return whole(*form.read(path, label=label), label=label) if volume is None else volume


def format_of(path):
    """The ``Format`` of a file; a UserError where the ending is of none."""
    end = ending(path)
    if end is None:
        if Path(path).is_dir():
            raise UserError(f'{path} is a folder without DICOM files; expected an image file, or the folder of a DICOM series')
        raise UserError(f'{path} has no ending that tells what it is; known: {", ".join(ENDINGS)}')
    return next(form for form in FORMATS if end in form.endings)


def ending(path):
    """The known ending of a file's name, in small letters, or None; '' where ``path`` is the folder of a DICOM series."""
    name = Path(path).name.lower()
    return next((e for e in ENDINGS if name.endswith(e)), '' if dicom.is_series(path) else None)


def case_name(path):
    """File name without its known ending, or None where it has none."""
    end, name = ending(path), Path(path).name
    return None if end is None else name[:len(name) - len(end)]


def label_ending(path):
    """The ending of a label map that belongs to an image: that of the image, or one that keeps every value."""
    return format_of(path).endings[ending(path)]

"""Image files of every kind, told apart by their ending."""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from scarceseg.registry import UserError

from . import nifti, pictures


class Format(NamedTuple):
    """One kind of file. Another kind is another row of ``FORMATS``.

    Attributes:
        name: what sentences call it.
        read: ``read(path, *, label=False) -> (array, Geometry)``: an image (C, *space) float32 or a label (*space) of integers.
        write: ``write(path, array, geometry)``, which gives a file as a whole or none.
        endings: of its files, in small letters, each with the ending of a label map that belongs to such an image.
    """

    name: str
    read: Callable
    write: Callable
    endings: dict


FORMATS = (Format('NIfTI', nifti.read_nifti, nifti.write_nifti, nifti.ENDINGS),
           Format('picture', pictures.read_picture, pictures.write_picture, pictures.ENDINGS))
ENDINGS = tuple(sorted((e for form in FORMATS for e in form.endings), key=len, reverse=True))  # the longest first


def read_image(path, *, label=False):
    """Read an image as (C, *space) float32, or a label as (*space) in its integer dtype, and its ``Geometry``.

    Args:
        path: a file of any of ``FORMATS``.
        label: read class indices.

    Raises:
        UserError: an unknown ending, or what the format's reader says of the file.
    """
    return format_of(path).read(path, label=label)


def write_image(path, array, geometry):
    """Write (*space) or (C, *space) in the geometry of the image it belongs to; the file appears whole or not at all.

    Raises:
        UserError: an unknown ending, or values that such a file cannot hold.
    """
    format_of(path).write(path, array, geometry)


def format_of(path):
    """The ``Format`` of a file; a UserError where the ending is of none."""
    end = ending(path)
    if end is None:
        raise UserError(f'{path} has no ending that tells what it is; known: {", ".join(ENDINGS)}')
    return next(form for form in FORMATS if end in form.endings)


def ending(path):
    """The known ending of a file's name, in small letters, or None."""
    name = Path(path).name.lower()
    return next((e for e in ENDINGS if name.endswith(e)), None)


def case_name(path):
    """File name without its known ending, or None where it has none."""
    end, name = ending(path), Path(path).name
    return None if end is None else name[:-len(end)]


def label_ending(path):
    """The ending of a label map that belongs to an image: that of the image, or one that keeps every value."""
    return format_of(path).endings[ending(path)]

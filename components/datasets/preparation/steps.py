"""Single steps of preparations, each from files of a download to one file."""
from __future__ import annotations

import os
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np

from scarceseg.components.drafts import draft_of
from scarceseg.registry import UserError

from ..formats.geometry import Geometry
from ..formats.images import load_image
from ..formats.nifti import write_nifti

WHOLE = ('uint8', 'int16', 'uint16', 'int32')


def copy_file(target, *, source, link=False):
    """The file as it is: a copy, or a symbolic link to where it is."""
    with draft_of(target) as draft:
        if link:
            os.symlink(Path(source).resolve(), draft)
        else:
            shutil.copyfile(source, draft)


def convert_image(target, *, source, shrink=1, unset_mm=None):
    """An image of any format as NIfTI, in the smallest dtype that keeps its values.

    Args:
        shrink: see ``shrunk``.
        unset_mm: see ``with_size``.
    """
    array, geometry = load_image(source)
    geometry = shrunk_geometry(with_size(geometry, unset_mm), shrink)
    write_nifti(target, compact(shrunk(array, shrink)), in_millimetres(geometry))


def convert_label(target, *, source, values, shrink=1, unset_mm=None):
    """A label of any format as NIfTI of class indices.

    Args:
        values: the class index of each number of the file: {0: 0, 255: 1}.
        shrink, unset_mm: as in ``convert_image``.
    """
    array, geometry = load_image(source, label=True)
    geometry = shrunk_geometry(with_size(geometry, unset_mm), shrink)
    write_nifti(target, shrunk_label(renumbered(array, values, source), shrink), in_millimetres(geometry))


def renumbered(label, values, source):
    """Class indices (*space) uint8 of the numbers of a label; a UserError where it has others than ``values`` has keys."""
    numbers = np.unique(label).tolist()
    strange = [n for n in numbers if n not in values]
    if strange:
        raise UserError(f'{source} is a label with the values {strange[:8]}, but expected were {", ".join(map(str, values))}')
    out = np.zeros(label.shape, np.uint8)
    for number in numbers:
        out[label == number] = values[number]
    return out


def shrunk(array, factor):
    """Means (..., *space) of cubes of ``factor`` voxels along the last three axes; what is left at their ends is dropped."""
    if factor == 1:
        return array
    *lead, z, y, x = array.shape
    kept = [n // factor for n in (z, y, x)]
    array = array[..., :kept[0] * factor, :kept[1] * factor, :kept[2] * factor]
    return array.reshape(*lead, kept[0], factor, kept[1], factor, kept[2], factor).mean((-5, -3, -1), dtype=np.float32)


def shrunk_label(label, factor):
    """The most frequent class (z, y, x) of each such cube; of equally frequent ones the smallest."""
    if factor == 1:
        return label
    return np.stack([shrunk(label == k, factor) for k in range(int(label.max()) + 1)]).argmax(0).astype(np.uint8)


def shrunk_geometry(geometry, factor):
    """The ``Geometry`` of what ``shrunk`` gives: a voxel is where the middle of its cube was."""
    if factor == 1:
        return geometry
    change = np.diag([factor] * 3 + [1.0])
    change[:3, 3] = (factor - 1) / 2
    return Geometry(tuple(s * factor for s in geometry.spacing_mm), geometry.affine @ change, None,
                    tuple(n // factor for n in geometry.space))


def compact(array):
    """The array in the smallest integer dtype that holds it, where its values are whole; else as float32."""
    if array.dtype.kind == 'f' and not np.array_equal(array, np.rint(array)):
        return array.astype(np.float32)
    dtype = next((t for t in WHOLE if np.iinfo(t).min <= array.min() and array.max() <= np.iinfo(t).max), 'float32')
    return array.astype(dtype)


def with_size(geometry, unset_mm):
    """The ``Geometry`` with voxels of ``unset_mm`` (z, y, x) in the place of 1×1×1 mm, which headers say where nobody set it.

    Directions and the place of the first voxel stay as they are. None changes nothing.
    """
    if unset_mm is None or geometry.spacing_mm != (1.0, 1.0, 1.0):
        return geometry
    affine = geometry.affine * [*unset_mm[::-1], 1.0]
    return Geometry(tuple(unset_mm), affine, None, geometry.shape)


def in_millimetres(geometry):
    """The ``Geometry`` with a header that says that its unit is the millimetre, where it had none."""
    if geometry.header is not None:
        return geometry
    header = nib.Nifti1Header()
    header.set_xyzt_units('mm')
    return Geometry(geometry.spacing_mm, geometry.affine, header, geometry.shape)


def nominal(shape, spacing_mm, signs=(1, 1, 1)):
    """The ``Geometry`` of an array (z, y, x) of which only the voxel size (z, y, x) is known, if that.

    Args:
        signs: whether x, y and z point to the patient's right, front and up, 1, or to the left, back and down, -1.
    """
    affine = np.diag([*(sign * mm for sign, mm in zip(signs, spacing_mm[::-1])), 1.0])
    return in_millimetres(Geometry(tuple(spacing_mm), affine, None, tuple(shape[::-1])))

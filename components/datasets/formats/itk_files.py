"""MetaImage and NRRD files, read and written by SimpleITK, an optional package."""
from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from scarceseg.registry import UserError

from .geometry import Geometry, check_geometry
from .reading import DEFLATE, check_claim, existing_file, named_damage, own, whole_numbers
from .writing import has_channels, named_draft, storable

ENDINGS = {'.mha': '.mha', '.mhd': '.mha', '.nrrd': '.nrrd', '.nhdr': '.nrrd'}
READERS = {'.mha': 'MetaImageIO', '.mhd': 'MetaImageIO', '.nrrd': 'NrrdImageIO', '.nhdr': 'NrrdImageIO'}
NUMBERS = ('UInt8', 'Int8', 'UInt16', 'Int16', 'UInt32', 'Int32', 'UInt64', 'Int64', 'Float32', 'Float64')
TURN = np.diag([-1.0, -1.0, 1.0, 1.0])  # between ITK's world, left and back, and ours, right and front
LONGEST_HEADER = 2**16


def import_sitk(path):
    """The module SimpleITK, or a UserError with the command that installs it."""
    try:
        import SimpleITK
    except ImportError as error:
        raise UserError(f'{path} is read by SimpleITK, but {error}; pip install "scarceseg[itk]"') from error
    return SimpleITK


def read_itk(path, *, label=False):
    """Read an image as (C, *space) float32, or a label as (*space) in its integer dtype, and its ``Geometry``.

    Several numbers a voxel, or a fourth axis, are channels. ITK's world of left and back becomes that of right and front.

    Args:
        path: a .mha, .mhd, .nrrd or .nhdr file.
        label: read class indices.

    Raises:
        UserError: SimpleITK is not installed; the file is missing, damaged, truncated, claims more voxels than it has, or holds
            what is no image or no label.
    """
    path = existing_file(path)
    sitk, kind = import_sitk(path), path.suffix.lower()
    with named_damage(path, kind[1:].upper()):
        reader = open_reader(sitk, path, READERS[kind])
        dtype, channels = pixel_type(path, sitk, reader)
        size = tuple(int(n) for n in reader.GetSize())
        stored, exact = _stored_bytes(path)
        check_claim(path, (*size, *(channels,) * (channels > 1)), dtype, stored=stored, exact=exact)
        axes = min(len(size), 3)
        if len(size) not in (2, 3, 4) or (len(size) == 4 and size[3] * channels > max(size[3], channels)):
            raise UserError(f'{path} has shape {size} with {channels} numbers a voxel; expected 2 or 3 axes of space and at most '
                            'one of channels: store what it holds in several files')
        spacing, affine = placement(reader, axes)
        check_geometry(path, spacing, affine)
        image = reader.Execute()
        array = sitk.GetArrayViewFromImage(image)  # read-only, and valid as long as the image lives: what is returned is a copy
        array = np.moveaxis(array, -1, 0) if channels > 1 else array if array.ndim > axes else array[None]
        geometry = Geometry(spacing, affine, None, size[:axes])
        return (channels_to_label(path, array) if label else own(array, np.float32)), geometry


def open_reader(sitk, path, kind):
    """A reader of SimpleITK which has read the header, by the code for one kind of file alone."""
    reader = sitk.ImageFileReader()
    reader.SetImageIO(kind)
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    return reader


def pixel_type(path, sitk, reader):
    """``(dtype, numbers a voxel)`` of what a reader has opened; a UserError where the numbers are not real."""
    value, channels = reader.GetPixelID(), int(reader.GetNumberOfComponents())
    for name in NUMBERS:
        if value in (getattr(sitk, f'sitk{name}'), getattr(sitk, f'sitkVector{name}')):
            return np.dtype(name.lower()), channels
    raise UserError(f'{path} holds {sitk.GetPixelIDValueAsString(value)}; expected integers or floats: convert it')


def placement(reader, axes):
    """Spacing in the order of the array's axes and affine to a world of right, front and up, of the first ``axes`` axes."""
    ndim = reader.GetDimension()
    spacing, affine = np.array(reader.GetSpacing()[:axes]), np.eye(4)
    affine[:axes, :axes] = np.reshape(reader.GetDirection(), (ndim, ndim))[:axes, :axes] * spacing
    affine[:axes, 3] = reader.GetOrigin()[:axes]
    return tuple(spacing[::-1].tolist()), TURN @ affine + 0.0  # no -0


def channels_to_label(path, array):
    """A label (*space) from (1, *space) numbers."""
    if len(array) > 1:
        raise UserError(f'{path} is a label with {len(array)} numbers a voxel; expected one, the class number')
    return own(whole_numbers(array[0], path))


def _stored_bytes(path):
    """``(bytes that a file's voxels have at most, whether they have so many exactly)``; (None, False) where they lie elsewhere."""
    with path.open('rb') as file:
        head = file.read(LONGEST_HEADER)
    if path.suffix.lower() == '.nrrd':
        end = re.search(rb'\r?\n\r?\n', head)
        plain = re.search(rb'(?im)^encoding:[ \t]*raw\b', head[:end.start()]) if end else None
        local = end and not re.search(rb'(?im)^(data ?file|(byte|line) ?skip):', head[:end.start()])
    else:
        end = re.search(rb'(?m)^ElementDataFile[ \t]*=[ \t]*LOCAL[ \t]*\r?\n', head)
        plain = end and not re.search(rb'(?im)^(CompressedData[ \t]*=[ \t]*True|HeaderSize)', head[:end.start()])
        local = end
    if not local:
        return None, False
    stored = path.stat().st_size - end.end()
    return (stored, True) if plain else (stored * DEFLATE, False)


def write_itk(path, array, geometry):
    """Write (*space) or (C, *space), compressed; the file appears whole or not at all.

    Args:
        path: a .mha or .nrrd file; its folder is made.
        array: integers keep their dtype, floats become float32. Channels are several numbers a voxel.
        geometry: of the array; a file without affine gives voxels of its spacing, or of one millimetre, from the world's origin.

    Raises:
        UserError: SimpleITK is not installed, or the file cannot hold the array where it lies.
    """
    path, kind = Path(path), Path(path).suffix.lower()
    if ENDINGS[kind] != kind:
        raise UserError(f'{path} would be two files, of which one may be lost; write {ENDINGS[kind]} instead')
    sitk, array = import_sitk(path), storable(path, array)
    channels = has_channels(path, array, geometry)
    axes = array.ndim - channels
    if channels:
        array = array[0] if len(array) == 1 else np.moveaxis(array, 0, -1)
    with named_draft(path, kind[1:].upper()) as draft:
        image = sitk.GetImageFromArray(array, isVector=array.ndim > axes)
        if geometry is not None:
            _place(path, image, geometry, axes)
        sitk.WriteImage(image, str(draft), True)


def _place(path, image, geometry, axes):
    affine = geometry.grid_affine if geometry.affine is None else TURN @ geometry.affine
    if axes == 2 and np.abs(affine[2, [0, 1, 3]]).max() > 1e-6:
        raise UserError(f'{path} was to hold a slice that lies in space, but a file of two axes knows a plane only; write .nii.gz')
    spacing = np.linalg.norm(affine[:axes, :axes], axis=0) if geometry.spacing_mm is None else np.array(geometry.spacing_mm[::-1])
    image.SetSpacing(spacing.tolist())
    image.SetDirection((affine[:axes, :axes] / spacing).ravel().tolist())
    image.SetOrigin(affine[:axes, 3].tolist())

"""Pictures: PNG, TIFF, JPEG and BMP files, which know pixels and no millimetres."""
from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np

from scarceseg.registry import UserError

from .geometry import Geometry
from .reading import existing_file, whole_numbers
from .writing import named_draft

ENDINGS = {'.png': '.png', '.tif': '.tif', '.tiff': '.tiff', '.jpg': '.png', '.jpeg': '.png', '.bmp': '.png'}
WRITTEN = {'.png': 'PNG', '.tif': 'TIFF', '.tiff': 'TIFF'}  # without loss
FORMATS = ('PNG', 'TIFF', 'JPEG', 'BMP')  # as Pillow calls them; it tries no other, whatever a file is called
# Pillow's modes: of images, and those of which np.asarray gives the numbers of a label
GREY, COLOUR, NUMBERS = ('1', 'L', 'LA'), ('P', 'PA', 'RGB', 'RGBA', 'RGBX', 'CMYK', 'YCbCr'), ('I', 'F')
INDICES = ('1', 'L', 'LA', 'P', 'PA', *NUMBERS)


def read_picture(path, *, label=False):
    """Read an image as (C, y, x) float32, or a label as (y, x) in its integer dtype, and its ``Geometry``.

    C is 1 for grey and 3 for colour; 16 bits a pixel and floats keep their values, eight and one bit are 0 to 255. A palette is
    looked up in an image, and its indices are the label. An alpha channel is dropped where all is opaque. Orientation noted
    beside the pixels (EXIF) is not applied.

    Args:
        path: a .png, .tif, .tiff, .jpg, .jpeg or .bmp file.
        label: read class indices.

    Raises:
        UserError: the file is missing, damaged, truncated, no picture, or too large to be one; it holds several pictures, colour
            of 16 bits, or transparency; or a label that is in colour, was stored with loss, or is not whole numbers.
    """
    path = existing_file(path)
    picture = _load(path)
    array = _indices(picture, path) if label else _intensities(picture, path)
    return np.ascontiguousarray(array), Geometry(None, None, None, picture.size)


def write_picture(path, array, geometry):
    """Write (y, x) or (C, y, x) whole numbers, C 1 or 3, without loss; the file appears whole or not at all.

    Args:
        path: a .png, .tif or .tiff file; its folder is made.
        array: up to 255 for colour, else up to 65535; the file has 8 bits a pixel where they suffice.
        geometry: is not used: a picture has none beside its shape.

    Raises:
        UserError: another ending, or values that such a file cannot hold.
    """
    from PIL import Image
    path, array = Path(path), np.asarray(array)
    if path.suffix.lower() not in WRITTEN:
        raise UserError(f'{path} cannot be written without loss; give it the ending .png or .tif')
    array = array[0] if array.ndim == 3 and len(array) == 1 else array
    limit = 65535 if array.ndim == 2 else 255
    if array.dtype.kind not in 'biu' or (array.size and (array.min() < 0 or array.max() > limit)):
        raise UserError(f'{path} can hold whole numbers from 0 to {limit}, but was to hold {array.dtype} from {array.min():g} to '
                        f'{array.max():g}; write a NIfTI file instead')
    array = array.astype(np.uint8 if array.size == 0 or array.max() < 256 else np.uint16)
    picture = Image.fromarray(array if array.ndim == 2 else np.ascontiguousarray(np.moveaxis(array, 0, -1)))
    with named_draft(path, 'a picture') as draft:
        content = BytesIO()  # a TIFF that is written to a full disk is cut, and Pillow says nothing
        picture.save(content, WRITTEN[path.suffix.lower()])
        draft.write_bytes(content.getvalue())


def _load(path):
    """A decoded Pillow image; whatever Pillow does not like about the file becomes one sentence."""
    from PIL import Image  # takes a while to import, and volumes do without
    try:
        with Image.open(path, formats=FORMATS) as picture:
            wide = any('RGB;16' in str(tile) for tile in picture.tile)
            count = getattr(picture, 'n_frames', 1) if picture.format in ('PNG', 'TIFF') else 1
            picture.load()
    except Exception as error:  # its decoders raise many kinds, all of them about the file
        raise UserError(f'{path} cannot be read as a picture ({type(error).__name__}: {error}); is it complete, and PNG, TIFF, '
                        'JPEG or BMP?') from error
    if wide:
        raise UserError(f'{path} has colours of 16 bits, of which only 8 can be read; store it with 8 bits a channel, or as NIfTI')
    if count > 1:
        raise UserError(f'{path} holds {count} pictures; a case is one, so store each in a file of its own')
    return picture


def _intensities(picture, path):
    mode = picture.mode
    if 'transparency' in picture.info:  # of a colour, or of entries of a palette
        opaque = _opaque(picture.convert('RGBA'), path)
        picture = opaque if mode == 'P' else picture
    if mode in GREY:
        array = np.asarray(_opaque(picture, path).convert('L'))[None]
    elif mode in COLOUR:
        array = np.moveaxis(np.asarray(_opaque(picture, path).convert('RGB')), -1, 0)
    elif mode in NUMBERS or mode.startswith('I;16'):
        array = np.asarray(picture)[None]
    else:
        raise UserError(f'{path} has colours of mode {mode}; store it as grey or RGB')
    return array.astype(np.float32)


def _indices(picture, path):
    mode = picture.mode
    if picture.format in ('JPEG', 'MPO'):
        raise UserError(f'{path} is a label, but JPEG changes values; store labels as PNG')
    if mode not in INDICES and not mode.startswith('I;16'):
        raise UserError(f'{path} is a label in colour (mode {mode}); a label has one channel of class numbers, so store it as grey '
                        'or with a palette')
    array = np.asarray(_opaque(picture, path))
    array = array[..., 0] if array.ndim == 3 else array
    if array.dtype == bool:
        return array.astype(np.uint8)
    return whole_numbers(array.astype(array.dtype.newbyteorder('='), copy=False), path)


def _opaque(picture, path):
    """The picture itself, where its alpha channel can be dropped."""
    if picture.mode in ('LA', 'PA', 'RGBA') and picture.getchannel('A').getextrema()[0] < 255:
        raise UserError(f'{path} is transparent in places, and what is meant there is unknown; store it without alpha channel')
    return picture

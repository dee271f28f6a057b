"""What the readers of all formats share: limits that a lying header cannot break, and the values of images and labels."""
from __future__ import annotations

import math
import os
import re
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from scarceseg.registry import UserError

MAX_GIB = 16.0  # that one array, or box of one, may take in memory; the environment variable SCARCESEG_MAX_GIB sets another limit
DEFLATE = 1032  # a byte of gzip, zlib or zip becomes at most so many


def existing_file(path):
    """``path`` as a Path, or a UserError where there is no such file."""
    path = Path(path)
    if not path.is_file():
        raise UserError(f'{path} is a folder, but expected was a file' if path.is_dir() else f'there is no file {path}')
    return path


def check_claim(path, shape, dtype, *, stored=None, exact=False, whole=True):
    """Raise UserError where a header claims more voxels than its file can hold, or than memory may; nothing is read before.

    Args:
        path: the file, for the sentence.
        shape: as the header says.
        dtype: of the stored numbers.
        stored: bytes that the file's voxels have, or can have at most when they are compressed; None where nobody knows.
        exact: there must be as many bytes as the header says, not only enough.
        whole: the file will be read as a whole; boxes are checked by ``check_memory`` when they are asked for.
    """
    shape, dtype, remedy = tuple(int(n) for n in shape), np.dtype(dtype), 'write it again from the source'
    if not shape or min(shape) < 1:
        raise UserError(f'{path} has shape {shape}, so it holds no voxels; {remedy}')
    count = math.prod(shape)
    if stored is not None and (count * dtype.itemsize > stored or (exact and count * dtype.itemsize < stored)):
        raise UserError(f'{path} has {stored} bytes {"of voxels" if exact else "at most"}, but its header says shape {shape} of '
                        f'{dtype}, which is {count * dtype.itemsize} bytes; it is incomplete or its header is wrong: copy it again '
                        f'or {remedy}')
    if whole:
        check_memory(path, shape, dtype)


def check_memory(path, shape, dtype):
    """Raise UserError where an array of a file would take more memory than it may."""
    size, limit = math.prod(shape) * max(4, np.dtype(dtype).itemsize) / 2**30, memory_limit()
    if size > limit:
        raise UserError(f'{path}: an array of shape {tuple(shape)} of {dtype} takes {size:.3g} GiB of memory, and at most '
                        f'{limit:g} are read; if that is right, set the variable SCARCESEG_MAX_GIB to {math.ceil(size)}')


def memory_limit():
    """GiB that an array may take: ``SCARCESEG_MAX_GIB`` where it is set, else ``MAX_GIB``."""
    entry = os.environ.get('SCARCESEG_MAX_GIB', '').strip()
    try:
        limit = float(entry or MAX_GIB)
    except ValueError:
        limit = math.nan
    if not limit > 0:
        raise UserError(f'the environment variable SCARCESEG_MAX_GIB is {entry!r}; expected a number of GiB above 0')
    return limit


def check_real(path, dtype):
    """Raise UserError unless numbers of ``dtype`` are integers, floats or truth values."""
    if dtype.kind not in 'biuf':
        kind = {'c': 'complex numbers', 'O': 'Python objects, which may run code when they are read', 'V': 'records such as RGB'}
        raise UserError(f'{path} holds {kind.get(dtype.kind, dtype)}; expected integers or floats, with channels, if there are '
                        'several, as an axis of their own: store it so')


def own(array, dtype=None):
    """Numbers in contiguous memory that may be written to, as ``dtype`` if one is given; no copy where they are already so."""
    with np.errstate(over='ignore'):  # beyond float32 is Inf, which whoever uses the image refuses
        array = np.ascontiguousarray(array, dtype)
    return array if array.flags.writeable else array.copy()


def whole_numbers(array, path, *, rounded=0.0):
    """The numbers of a label as integers in the machine's byte order, or a UserError where some are not whole.

    Args:
        array: as stored.
        path: the file, for the sentence.
        rounded: how far they may lie from whole numbers: where a file scales its numbers, the scale has been rounded.
    """
    if array.dtype.kind == 'b':
        return array.astype(np.uint8)
    if array.dtype.kind in 'iu':
        return array.astype(array.dtype.newbyteorder('='), copy=False)
    with np.errstate(invalid='ignore'):
        whole = np.rint(array)
        odd = array[(np.abs(whole - array) > rounded) | ~(np.abs(whole) < 2**31)]
    if odd.size:
        raise UserError(f'{path} is a label, but holds values that are not whole numbers, such as {odd.flat[0]:.9g}; '
                        'is it an image or a probability map?')
    return whole.astype(np.int32)


@contextmanager
def named_damage(path, kind):
    """Whatever a library does not like about a file, while this block reads it, becomes one sentence."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # decoders raise many kinds, all of them about the file
        raise UserError(f'{path} cannot be read as {kind} ({reason_of(error)}); it is damaged, incomplete or something '
                        'else: copy it again') from error


def reason_of(error):
    """The last line of an exception, without what only its library's authors understand."""
    reason = re.sub(r'\(0x[0-9a-f]+\)', '', ' '.join(str(error).split()).rpartition('ERROR: ')[2])
    return f'{type(error).__name__}: {reason}'

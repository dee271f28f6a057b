"""What the writers of all formats share."""
from __future__ import annotations

import os
from contextlib import contextmanager

import numpy as np

from scarceseg.components.drafts import draft_of
from scarceseg.registry import UserError

from .reading import check_real, reason_of


def storable(path, array):
    """An array as it is stored: integers as they are, truth values as 0 and 1 in uint8, floats as float32."""
    array = np.asarray(array)
    check_real(path, array.dtype)
    return array.astype({'b': np.uint8, 'f': np.float32}.get(array.dtype.kind, array.dtype), copy=False)


def has_channels(path, array, geometry):
    """Whether an array is (C, *space) and not (*space); a UserError where it is neither in a ``Geometry``.

    Without geometry two axes or three are space.
    """
    if geometry is None:
        axes, fits = min(array.ndim, 3), 2 <= array.ndim <= 4
    else:
        axes = len(geometry.space)
        fits = array.ndim in (axes, axes + 1) and array.shape[array.ndim - axes:] == tuple(geometry.space)[::-1]
    if not fits:
        space = '2 or 3 axes' if geometry is None else tuple(geometry.space)[::-1]
        raise UserError(f'{path} was to hold an array of shape {array.shape}, but its space is {space}, with or without channels '
                        'before; save an array with the geometry that belongs to it')
    return array.ndim > axes


@contextmanager
def named_draft(path, kind):
    """A ``draft_of`` the file; what a library or the disk cannot store, while this block writes it, becomes one sentence."""
    try:
        with draft_of(path) as draft:
            yield draft
    except UserError:
        raise
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else reason_of(error)
        raise UserError(f'{path} cannot be written ({reason}); make room, or choose a folder that may be written to') from error
    except Exception as error:
        raise UserError(f'{path} cannot be written as {kind} ({reason_of(error)}); make room, or choose another format') from error

"""The way back to the grid of the file."""
from __future__ import annotations

import numpy as np

from scarceseg.registry import UserError

from .deformation import bring_back
from .grids import nearest_index, resize_array


def remember(sample, name, **params):
    """The sample's history with one more entry."""
    return (*sample.get('history', ()), (name, params))


def undo(array, history, *, fill=0):
    """Bring (..., *space) back through the spatial transforms in ``history``, the last first.

    Where voxels were resampled, labels (whole numbers) take the nearest and probabilities are interpolated linearly, each class
    by itself, so that beside the result no more than one class is there at full size.

    Args:
        array: a prediction on the transformed grid.
        history: a sample's ``history``; without one (None or empty) nothing is to be done.
        fill: value of voxels that a crop has taken away.

    Raises:
        UserError: a transform without inverse is among them.
    """
    steps = _steps(history)
    dims = next((len(params['shape']) for name, params in steps if name in RESAMPLED), array.ndim)
    if array.ndim == dims or not steps:
        return _back(array, steps, fill)
    out = None
    for index in np.ndindex(array.shape[:-dims]):
        one = _back(array[index], steps, fill)
        out = np.empty((*array.shape[:-dims], *one.shape), one.dtype) if out is None else out
        out[index] = one
        del one  # before the next is made
    return out


def undo_each(prob, history, *, fill=0):
    """The classes of (K, *space) brought back one by one, as ``undo`` does: yields (*space) of class 0, 1, …"""
    steps = _steps(history)
    for one in prob:
        yield _back(one, steps, fill)


def _steps(history):
    steps = tuple(reversed(tuple(history or ())))
    for name, _ in steps:
        if name not in INVERSES:
            raise UserError(f'transform {name!r} cannot be undone; it belongs in the training transforms, not in prepare')
    return steps


def _back(array, steps, fill):
    for name, params in steps:
        array = INVERSES[name](array, fill=fill, **params)
    return array


def _unpad(array, *, before, after, fill):
    space = array.shape[array.ndim - len(before):]
    return array[(..., *(slice(b, n - a) for b, a, n in zip(before, after, space)))]


def _uncrop(array, *, start, size, shape, fill):
    widths = [(0, 0)] * (array.ndim - len(shape)) + [(s, n - s - k) for s, k, n in zip(start, size, shape)]
    return np.pad(array, widths, constant_values=fill)


def _unflip(array, *, axes, fill):
    return np.flip(array, axes) if axes else array


def _unturn(array, *, turns, axes, fill):
    return np.rot90(array, -turns, axes)


def _untranspose(array, *, axes, fill):
    leading = array.ndim - len(axes)
    return array.transpose(*range(leading), *(leading + a for a in np.argsort(axes)))


def _unresize(array, *, shape, size, fill):
    if np.issubdtype(array.dtype, np.floating):
        return resize_array(array, shape, (1,) * len(shape))
    return array[np.ix_(*(nearest_index(n, s) for n, s in zip(size, shape)))]


def _unaffine(array, *, fill, **params):
    return bring_back(array, order=int(np.issubdtype(array.dtype, np.floating)), fill=fill, **params)


INVERSES = {'pad': _unpad, 'crop': _uncrop, 'flip': _unflip, 'rot90': _unturn, 'transpose': _untranspose, 'resize': _unresize,
            'affine': _unaffine}
RESAMPLED = ('resize', 'affine')

"""The way back to the grid of the file."""
from __future__ import annotations

import numpy as np

from scarceseg.registry import UserError


def remember(sample, name, **params):
    """The sample's history with one more entry."""
    return (*sample.get('history', ()), (name, params))


def undo(array, history, *, fill=0):
    """Bring (..., *space) back through the spatial transforms in ``history``, the last first.

    Args:
        array: a prediction on the transformed grid.
        history: a sample's ``history``; without one (None or empty) nothing is to be done.
        fill: value of voxels that a crop has taken away.

    Raises:
        UserError: a transform without exact inverse is among them.
    """
    for name, params in reversed(tuple(history or ())):
        if name not in INVERSES:
            raise UserError(f'transform {name!r} cannot be undone exactly; it belongs in the training transforms, not in prepare')
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


INVERSES = {'pad': _unpad, 'crop': _uncrop, 'flip': _unflip}

"""Voxels that a view is placed around."""
from __future__ import annotations

import numpy as np

from scarceseg.components.labels import IMPLIED
from scarceseg.registry import UserError


def draw_focus(rng, sample, probability, *, balanced=False):
    """An annotated foreground voxel (D,) chosen at random, or None: with 1 - ``probability``, or where there is none.

    The classes are looked up in the sample's ``class_locations``, ``{class: (M, D) voxels, or (M,) flat indices}`` in the order of
    memory, where it has them, so that the label need not be read; else the label is scanned. Both draw the same.

    Args:
        balanced: draw the class first, each that is there as likely as the others, and then its voxel [Isensee 2021]; else all
            foreground voxels are alike.

    Raises:
        UserError: ``class_locations`` are those of another grid.
    """
    label, index = sample.get('label'), sample.get('class_locations')
    if (label is None and index is None) or rng.random() >= probability:
        return None
    space = sample['image'].shape[1:]
    if index is not None:
        flat = _draw_indexed(rng, _flat(index, space), balanced)
    else:
        foreground = np.flatnonzero((label > 0) & (label < IMPLIED))
        if balanced and len(foreground):
            values = label.ravel()[foreground]
            foreground = foreground[values == rng.choice(np.unique(values))]
        flat = rng.choice(foreground) if len(foreground) else None
    return None if flat is None else np.unravel_index(flat, space)


def _flat(index, space):
    """``[(M,) flat indices]`` of each foreground class that is there, by class."""
    found = []
    for c in sorted(index, key=int):
        places = np.asarray(index[c])
        if 0 < int(c) < IMPLIED and len(places):
            _check_places(c, places, space)
            found.append(places if places.ndim == 1 else np.ravel_multi_index(tuple(places.T), space))
    return found


def _check_places(c, places, space):
    bounds = {1: np.prod(space), 2: space}.get(places.ndim, 0)
    if (places.ndim == 2 and places.shape[1] != len(space)) or not np.all(places[[0, -1]] < bounds):
        raise UserError(f'class_locations of class {c} have shape {places.shape} or lie outside the image of {tuple(space)} '
                        'voxels; they must be made from the label on this very grid')


def _draw_indexed(rng, classes, balanced):
    if not classes:
        return None
    if balanced:
        chosen = classes[rng.integers(len(classes))]
        return chosen[rng.integers(len(chosen))]
    return _smallest(classes, rng.integers(sum(map(len, classes))))


def _smallest(lists, k):
    """Number ``k``, from 0 on, of all numbers in ascending lists, by bisection: nothing is merged."""
    low, high = min(a[0] for a in lists), max(a[-1] for a in lists)
    while low < high:
        middle = (int(low) + int(high)) // 2
        if sum(np.searchsorted(a, middle, side='right') for a in lists) > k:
            high = middle
        else:
            low = middle + 1
    return low

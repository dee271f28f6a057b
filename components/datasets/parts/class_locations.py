"""Where the classes of a label are: an index made once per case, so that no draw scans a label."""
from __future__ import annotations

import numpy as np

from scarceseg.components.labels import IGNORE, IMPLIED

MOST = 10_000  # voxels of a class that are kept
MOST_IN_SLICE = 2500


def index_label(label, *, slices, most=None):
    """Facts about a label that draws need, as arrays and lists that a store can keep.

    Args:
        label: (*space) uint8, 255 and 254 where not annotated.
        slices: items are slices along the first axis: each gets an index of its own.
        most: voxels of a class, in each item, that are kept, chosen at random but always the same; default 10,000 in an image
            and 2,500 in a slice.

    Returns:
        dict of ``annotated`` (items,) bool, whether an item has an annotated voxel, ``located`` [K] the foreground classes in
        the label, ``located_until`` [K] where each one's part of ``locations`` ends, and ``locations`` (n,) int32 or int64, their
        flat indices into the label, ascending in each class.
    """
    depth = len(label) if slices else 1
    flat = label.reshape(depth, -1)
    foreground = np.flatnonzero((label > 0) & (label < min(IGNORE, IMPLIED)))
    classes = label.ravel()[foreground]
    most = most or (MOST_IN_SLICE if slices else MOST)
    located = np.unique(classes).tolist()
    kept = [_thinned(foreground[classes == c], flat.shape[1], most) for c in located]
    until = np.cumsum([len(k) for k in kept], dtype=np.int64).tolist()
    locations = np.concatenate([*kept, np.zeros(0, np.int64)]).astype(np.int32 if label.size < 2 ** 31 else np.int64)
    return dict(annotated=(flat != IGNORE).any(1), located=located, located_until=until, locations=locations)


def _thinned(indices, item_size, most):
    """At most ``most`` of the ascending indices in each item of so many voxels."""
    rng, edges = np.random.default_rng(0), np.flatnonzero(np.diff(indices // item_size)) + 1
    groups = np.split(indices, edges)
    return np.concatenate([g if len(g) <= most else np.sort(rng.choice(g, most, replace=False)) for g in groups])


def items_with_foreground(case, item_size):
    """Numbers of the items of a case, slices or its one image, that have a foreground voxel, ascending."""
    return np.unique(case['locations'] // item_size)


def item_locations(case, place, space):
    """``{class: (n,) int64 flat indices into the item's own label}``; classes that the item lacks are left out.

    Args:
        case: with the arrays of ``index_label``.
        place: which slice, or -1 for the whole case.
        space: shape of the item.
    """
    every, ends = case['locations'], case['located_until']
    found, start = {}, 0
    for c, end in zip(case['located'], ends):
        indices = every[start:end]
        if place >= 0:
            first = place * int(np.prod(space))
            low, high = np.searchsorted(indices, (first, first + int(np.prod(space))))
            indices = indices[low:high].astype(np.int64) - first
        if len(indices):
            found[c] = np.asarray(indices, np.int64)
        start = end
    return found


def locations_in_box(locations, space, start, size):
    """The locations that lie in a box, as flat indices into it.

    Args:
        locations: of an item of shape ``space``.
        start: first voxel of the box along each axis; it may lie before the image.
        size: voxels of the box along each axis.
    """
    found = {}
    for c, indices in locations.items():
        places = np.stack(np.unravel_index(indices, space)) - np.reshape(start, (-1, 1))
        places = places[:, ((places >= 0) & (places < np.reshape(size, (-1, 1)))).all(0)]
        if places.size:
            found[c] = np.ravel_multi_index(tuple(places), tuple(size))
    return found

"""One orientation for all: axes are exchanged and flipped, no voxel changes its value or its place in the world."""
from __future__ import annotations

import numpy as np
from nibabel.orientations import axcodes2ornt, io_orientation

from scarceseg.registry import UserError

from .geometry import Geometry

DIRECTIONS = ('LR', 'PA', 'IS')


def to_canonical(array, geometry, *, axcodes='RAS'):
    """An image or label with axes that point where ``axcodes`` says, or as near as an oblique one allows.

    Args:
        array: (C, *space) or (*space), (z, y, x) or (y, x).
        geometry: its ``Geometry``; of a slice the two axes take the order and direction that ``axcodes`` gives them.
        axcodes: where x, y and z are to point: R or L, A or P, S or I, each pair once: 'RAS' is right, front, up.

    Returns:
        The array (contiguous), its new ``Geometry``, and the way, a dict of plain tuples which ``reorient`` takes: ``order``, the
        axis of space that each axis was, and ``flips``, whether each axis of before is turned round. ``way_back`` inverts it.

    Raises:
        UserError: the geometry has no affine, or ``axcodes`` names no orientation.
    """
    if geometry.affine is None:
        raise UserError(f'an image of shape {geometry.shape} whose file does not say where it lies in space (no affine) cannot be '
                        f'turned to {axcodes}; leave the reorientation out, or give it an affine')
    way = way_to(geometry.affine, len(geometry.space), axcodes=axcodes)
    return reorient(array, **way), reoriented(geometry, **way), way


def way_to(affine, axes, *, axcodes):
    """The ``order`` and ``flips`` with which ``reorient`` makes the first axes of an affine (4, 4) point to ``axcodes``."""
    codes = str(axcodes).upper()
    if len(codes) != 3 or sorted(next((i for i, d in enumerate(DIRECTIONS) if c in d), 3) for c in codes) != [0, 1, 2]:
        raise UserError(f'axcodes={axcodes!r} is no orientation; expected three letters, one of R and L, of A and P and of S '
                        "and I, such as 'RAS' or 'LPS'")
    target = {int(world): (place, sign) for place, (world, sign) in enumerate(axcodes2ornt(codes))}
    now = io_orientation(affine[:, [*range(axes), 3]])
    order = sorted(range(axes), key=lambda axis: target[int(now[axis, 0])][0])  # of x, y, z
    flips = [bool(now[axis, 1] != target[int(now[axis, 0])][1]) for axis in range(axes)]
    return dict(order=tuple(axes - 1 - axis for axis in reversed(order)), flips=tuple(reversed(flips)))


def from_canonical(array, geometry, way):
    """An array and its ``Geometry`` in the orientation that they had before ``to_canonical`` gave ``way``."""
    back = way_back(**way)
    return reorient(array, **back), reoriented(geometry, **back)


def reorient(array, *, order, flips):
    """(..., *space) with axes of space turned round where ``flips`` is true and then put in ``order``; contiguous."""
    lead = array.ndim - len(order)
    array = np.flip(array, [lead + axis for axis, flip in enumerate(flips) if flip])
    return np.ascontiguousarray(array.transpose(*range(lead), *(lead + axis for axis in order)))


def way_back(*, order, flips):
    """The ``order`` and ``flips`` that undo those given, as a dict."""
    return dict(order=tuple(order.index(axis) for axis in range(len(order))), flips=tuple(flips[axis] for axis in order))


def reoriented(geometry, *, order, flips):
    """The ``Geometry`` of what ``reorient`` gives."""
    axes, affine = len(order), geometry.affine
    space = geometry.space[::-1]
    spacing = None if geometry.spacing_mm is None else tuple(geometry.spacing_mm[axis] for axis in order)
    if affine is not None:
        turned = affine.copy()
        for axis, flip in enumerate(flips):  # of the array; x comes last there and first in the affine
            if flip:
                turned[:, 3] += affine[:, axes - 1 - axis] * (space[axis] - 1)
                turned[:, axes - 1 - axis] *= -1
        affine = turned[:, [*(axes - 1 - axis for axis in reversed(order)), *range(axes, 4)]] + 0.0  # no -0
    shape = (*(space[axis] for axis in reversed(order)), *geometry.shape[axes:])
    return Geometry(spacing, affine, geometry.header, shape, geometry.scaling)

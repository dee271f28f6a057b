"""What every transform asks of its settings; the first argument says which transform it is."""
from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Integral, Real

import numpy as np

from scarceseg.registry import UserError


def check_probability(owner, name, value):
    """Raise UserError where a probability or share is no number in [0, 1]."""
    if not (isinstance(value, Real) and 0 <= value <= 1):
        refuse(owner, name, value, 'it must be a number in [0, 1]')


def check_interval(owner, name, interval, *, above=None, least=None, most=None):
    """Raise UserError unless ``interval`` is (low, high) with low <= high, and within the bounds given."""
    if len(_numbers(interval)) != 2 or not interval[0] <= interval[1]:
        refuse(owner, name, interval, 'it must be two numbers, the lower first')
    if above is not None and interval[0] <= above:
        refuse(owner, name, interval, f'it must lie above {above}')
    if least is not None and interval[0] < least:
        refuse(owner, name, interval, f'it must not go below {least}')
    if most is not None and interval[1] > most:
        refuse(owner, name, interval, f'it must not go above {most}')


def check_number(owner, name, value):
    """Raise UserError where a value, or one of several, is no number, or not finite."""
    if not np.isfinite(_numbers(value) or math.nan).all():
        refuse(owner, name, value, 'it must be a number')


def check_least(owner, name, value, least):
    """Raise UserError where a number, or one of several, is below ``least``."""
    if not min(_numbers(value), default=-math.inf) >= least:
        refuse(owner, name, value, f'it must be a number not below {least}')


def check_above(owner, name, value, bound):
    """Raise UserError where a number, or one of several, is not above ``bound``."""
    if not min(_numbers(value), default=-math.inf) > bound:
        refuse(owner, name, value, f'it must be a number above {bound}')


def check_count(owner, name, value):
    """Raise UserError unless ``value`` is a whole number, 1 or more."""
    if not isinstance(value, Integral) or value < 1:
        refuse(owner, name, value, 'it must be a whole number, 1 or more')


def check_order(owner, order, *, name='order'):
    """Raise UserError unless ``order`` is that of a spline."""
    if not isinstance(order, Integral) or not 0 <= order <= 5:
        refuse(owner, name, order, 'the order of a spline must be a whole number from 0 (nearest) over 1 (linear) to 5')


def check_axes(owner, axes, dims, *, name='axes', count=None):
    """``axes`` as a tuple of numbers counted from the end of space.

    Args:
        count: how many there must be; None takes any number.

    Raises:
        UserError: one that the sample does not have, one named twice, or another number of them than ``count``.
    """
    given = tuple(axes) if isinstance(axes, Iterable) else (None,)
    known = all(isinstance(a, Integral) and -dims <= a < dims for a in given)
    if not known or len({a % dims for a in given}) < len(given) or count not in (None, len(given)):
        refuse(owner, name, axes, f'it must list {f"{count} " if count else ""}different axes of a sample with {dims} axes of '
                                  f'space, counted from their end: {", ".join(map(str, range(-dims, 0)))}')
    return tuple(int(a % dims) - dims for a in given)


def per_axis(owner, name, value, dims):
    """One number for each axis of space: ``value`` itself, or the same for all.

    Raises:
        UserError: something else than a number, or another number of numbers.
    """
    values = _numbers(value) * (1 if isinstance(value, Iterable) else dims)
    if len(values) != dims:
        refuse(owner, name, value, f'it must be one number, or {dims}, one for each axis of space of the sample')
    return values


def full_size(owner, size, space):
    """``size`` with None replaced by the sample's own length; a shorter ``size`` speaks of the last axes.

    Raises:
        UserError: it has more axes than the sample, or a length that is no whole number above 0.
    """
    if not isinstance(size, (list, tuple)) or len(size) > len(space):
        refuse(owner, 'size', size, f'the sample has {len(space)} axes of space, {tuple(space)}; give a number of voxels, or None, '
                                    'for each of the last axes')
    if any(s is not None and (not isinstance(s, Integral) or s < 1) for s in size):
        refuse(owner, 'size', size, 'a size is a whole number of voxels, 1 or more, or None')
    size = (None,) * (len(space) - len(size)) + tuple(size)
    return tuple(n if s is None else int(s) for s, n in zip(size, space))


def spacing_of(sample):
    """Voxel size of each axis of space in millimetres, or 1 where the sample knows none."""
    return tuple(sample.get('spacing_mm') or (1.0,) * (sample['image'].ndim - 1))


def refuse(owner, name, value, wanted):
    """Raise the UserError of a setting that does not do."""
    raise UserError(f'{owner} has {name}={value!r}, but {wanted}')


def _numbers(value):
    """A number, or each of several, as a tuple; an empty one where something else is among them."""
    values = tuple(value) if isinstance(value, Iterable) else (value,)
    return values if all(isinstance(v, Real) for v in values) else ()

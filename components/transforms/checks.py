"""What every transform asks of its settings."""
from __future__ import annotations

from collections.abc import Iterable

from scarceseg.registry import UserError


def check_probability(name, value):
    """Raise UserError where a probability or share is outside [0, 1]."""
    if not 0 <= value <= 1:
        raise UserError(f'{name}={value} of the transform must lie in [0, 1]')


def check_interval(name, interval, *, above=None, least=None):
    """Raise UserError unless ``interval`` is (low, high) with low <= high, above ``above`` or at least ``least``."""
    if not isinstance(interval, Iterable) or len(interval) != 2 or not interval[0] <= interval[1]:
        raise UserError(f'{name}={interval} of the transform must be two numbers, the lower first')
    if above is not None and interval[0] <= above:
        raise UserError(f'{name}={tuple(interval)} of the transform must lie above {above}')
    if least is not None and interval[0] < least:
        raise UserError(f'{name}={tuple(interval)} of the transform must not go below {least}')


def check_least(name, value, least):
    """Raise UserError where a number, or one of several, is below ``least``."""
    if not min(value if isinstance(value, Iterable) else (value,)) >= least:
        raise UserError(f'{name}={value} of the transform must not be below {least}')


def check_order(order):
    """Raise UserError unless ``order`` is that of a spline."""
    if order not in range(6):
        raise UserError(f'order={order} of the spline must be a whole number from 0 (nearest) over 1 (linear) to 5')


def check_axes(axes, dims):
    """``axes`` counted from the end of space, as a tuple.

    Raises:
        UserError: one that the sample does not have, or one named twice.
    """
    axes = tuple(axes)
    if any(not -dims <= a < dims for a in axes) or len({a % dims for a in axes}) < len(axes):
        raise UserError(f'axes={axes} must be different axes of a sample with {dims} axes of space, counted from their end: '
                        f'{", ".join(str(a) for a in range(-dims, 0))}')
    return tuple(a % dims - dims for a in axes)


def per_axis(name, value, dims):
    """One number for each axis of space: ``value`` itself, or the same for all.

    Raises:
        UserError: another number of numbers.
    """
    if not isinstance(value, Iterable):
        return (value,) * dims
    if len(value) != dims:
        raise UserError(f'{name}={tuple(value)} has {len(value)} numbers, but the sample has {dims} axes of space')
    return tuple(value)


def full_size(size, space, name):
    """``size`` with None replaced by the sample's own length; a shorter ``size`` speaks of the last axes.

    Raises:
        UserError: it has more axes than the sample, or a length that is no whole number above 0.
    """
    if not isinstance(size, Iterable) or len(size) > len(space):
        raise UserError(f'{name} has size={tuple(size) if isinstance(size, Iterable) else size}, but the sample has {len(space)} '
                        f'axes of space, {tuple(space)}')
    if any(s is not None and (s < 1 or s != int(s)) for s in size):
        raise UserError(f'{name} has size={tuple(size)}, but a size is a whole number of voxels, 1 or more, or None')
    size = (None,) * (len(space) - len(size)) + tuple(size)
    return tuple(n if s is None else int(s) for s, n in zip(size, space))


def spacing_of(sample):
    """Voxel size of each axis of space in millimetres, or 1 where the sample knows none."""
    return tuple(sample.get('spacing_mm') or (1.0,) * (sample['image'].ndim - 1))

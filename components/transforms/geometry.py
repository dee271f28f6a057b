"""Padding, cropping, flipping and turning: whole voxels move, nothing is interpolated."""
from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral

import numpy as np

from scarceseg.registry import TRANSFORMS, UserError

from .checks import check_axes, check_probability, full_size, per_axis, refuse
from .fields import move_voxels


@TRANSFORMS.register_module()
def pad(sample, rng=None, *, size, value=None):
    """Pad at both ends to at least ``size``: the image with ``value`` (None: each channel's minimum), the label with 255.

    Args:
        size: voxels along the last axes of space, None to leave an axis as it is: (224, 224) or (None, 224, 224).
        value: intensity outside the image.
    """
    space = sample['image'].shape[1:]
    missing = [max(s - n, 0) for s, n in zip(full_size('pad', size, space), space)]
    if not any(missing):
        return sample
    before = tuple(m // 2 for m in missing)
    after = tuple(m - b for m, b in zip(missing, before))
    inside = (..., *(slice(b, b + n) for b, n in zip(before, space)))

    def padded(array, field):
        channels = array if field.channels else array[None]
        out = np.empty((len(channels), *(n + m for n, m in zip(space, missing))), array.dtype)
        for channel, result in zip(channels, out):
            result[...] = field.filler(channel) if field.outside is not None or value is None else value
        out[inside] = channels
        return out if field.channels else out[0]
    return move_voxels(sample, padded, 'pad', before=before, after=after)


@TRANSFORMS.register_module()
def crop(sample, rng=None, *, start, size):
    """The box of ``size`` voxels from ``start`` on, one number for each axis of space.

    Raises:
        UserError: the box leaves the image.
    """
    space = sample['image'].shape[1:]
    start, size = (per_axis('crop', name, value, len(space)) for name, value in (('start', start), ('size', size)))
    if any(s % 1 or k % 1 or s < 0 or k < 1 or s + k > n for s, k, n in zip(start, size, space)):
        raise UserError(f'crop has the box of size={size} from start={start}, which does not lie in the image of {tuple(space)} '
                        'voxels; give whole numbers, one for each axis of space')
    start, size = (tuple(map(int, numbers)) for numbers in (start, size))
    box = (..., *(slice(s, s + k) for s, k in zip(start, size)))
    return move_voxels(sample, lambda array, _: array[box], 'crop', start=start, size=size, shape=space)


@TRANSFORMS.register_module()
def centre_crop(sample, rng=None, *, size):
    """The box of ``size`` voxels in the middle; smaller samples are padded first.

    Args:
        size: voxels along the last axes of space, None for all.
    """
    size = full_size('centre_crop', size, sample['image'].shape[1:])
    sample = pad(sample, size=size)
    space = sample['image'].shape[1:]
    return sample if size == space else crop(sample, start=[(n - s) // 2 for n, s in zip(space, size)], size=size)


@TRANSFORMS.register_module()
def flip(sample, rng=None, *, axes):
    """Mirror along ``axes``, counted from the end of space (-1 is x)."""
    axes = check_axes('flip', axes, sample['image'].ndim - 1)
    if not axes:
        return sample
    return move_voxels(sample, lambda array, _: np.ascontiguousarray(np.flip(array, axes)), 'flip', axes=axes)


@TRANSFORMS.register_module()
def random_flip(sample, rng, *, axes=(-2, -1), probability=0.5):
    """Mirror along each of ``axes``, counted from the end of space, with a probability of its own."""
    check_probability('random_flip', 'probability', probability)
    axes = check_axes('random_flip', axes, sample['image'].ndim - 1)
    chosen = rng.random(len(axes)) < probability
    return flip(sample, axes=tuple(a for a, c in zip(axes, chosen) if c))


@TRANSFORMS.register_module()
def rot90(sample, rng=None, *, turns, axes=(-2, -1)):
    """Turn by ``turns`` times 90 degrees in the plane of two axes, from the first towards the second."""
    axes = check_axes('rot90', axes, sample['image'].ndim - 1, count=2)
    if not isinstance(turns, Integral):
        refuse('rot90', 'turns', turns, 'it must be a whole number of quarter turns')
    turns = int(turns) % 4
    if not turns:
        return sample
    out = move_voxels(sample, lambda array, _: np.ascontiguousarray(np.rot90(array, turns, axes)), 'rot90', turns=turns, axes=axes)
    return _swap_spacing(out, axes) if turns % 2 else out


@TRANSFORMS.register_module()
def random_rot90(sample, rng, *, axes=(-2, -1)):
    """Turn by none, one, two or three times 90 degrees in the plane of two axes.

    An image that is not square changes its shape, so end with a transform that gives a fixed size.
    """
    return rot90(sample, turns=rng.integers(4), axes=axes)


@TRANSFORMS.register_module()
def transpose(sample, rng=None, *, axes):
    """Permute the axes of space: axis i of the result is axis ``axes[i]``, counted from 0; (0, 2, 1) swaps y and x."""
    dims = sample['image'].ndim - 1
    if not isinstance(axes, Iterable) or set(axes) != set(range(dims)) or len(axes) != dims:
        refuse('transpose', 'axes', axes, f'it must hold each of {", ".join(map(str, range(dims)))} once, the axes of space')
    axes = tuple(axes)
    if axes == tuple(range(dims)):
        return sample

    def permuted(array, _):
        leading = array.ndim - dims
        return np.ascontiguousarray(array.transpose(*range(leading), *(leading + a for a in axes)))
    out = move_voxels(sample, permuted, 'transpose', axes=axes)
    return dict(out, spacing_mm=tuple(out['spacing_mm'][a] for a in axes)) if out.get('spacing_mm') else out


@TRANSFORMS.register_module()
def random_transpose(sample, rng, *, axes=(-2, -1), probability=0.5):
    """Swap two axes, counted from the end of space, with ``probability``; see ``random_rot90`` on images that are not square."""
    check_probability('random_transpose', 'probability', probability)
    dims = sample['image'].ndim - 1
    axes = check_axes('random_transpose', axes, dims, count=2)
    order = list(range(dims))
    if rng.random() < probability:
        order[axes[0]], order[axes[1]] = order[axes[1]], order[axes[0]]
    return transpose(sample, axes=order)


def _swap_spacing(sample, axes):
    if not sample.get('spacing_mm'):
        return sample
    spacing = list(sample['spacing_mm'])
    spacing[axes[0]], spacing[axes[1]] = spacing[axes[1]], spacing[axes[0]]
    return dict(sample, spacing_mm=tuple(spacing))

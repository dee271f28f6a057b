"""Padding, cropping, flipping and turning: whole voxels move, nothing is interpolated."""
from __future__ import annotations

import numpy as np

from scarceseg.registry import TRANSFORMS, UserError

from .checks import check_axes, check_probability, full_size
from .fields import move_voxels


@TRANSFORMS.register_module()
def pad(sample, rng=None, *, size, value=None):
    """Pad at both ends to at least ``size``: the image with ``value`` (None: each channel's minimum), the label with 255.

    Args:
        size: voxels along the last axes of space, None to leave an axis as it is: (224, 224) or (None, 224, 224).
        value: intensity outside the image.
    """
    space = sample['image'].shape[1:]
    missing = [max(s - n, 0) for s, n in zip(full_size(size, space, 'pad'), space)]
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
    start, size = tuple(start), tuple(size)
    if not len(start) == len(size) == len(space) or any(s < 0 or k < 1 or s + k > n for s, k, n in zip(start, size, space)):
        raise UserError(f'the box of size={size} from start={start} does not lie in the image of {tuple(space)} voxels; give both '
                        'for each axis of space')
    box = (..., *(slice(s, s + k) for s, k in zip(start, size)))
    return move_voxels(sample, lambda array, _: array[box], 'crop', start=start, size=size, shape=space)


@TRANSFORMS.register_module()
def centre_crop(sample, rng=None, *, size):
    """The box of ``size`` voxels in the middle; smaller samples are padded first.

    Args:
        size: voxels along the last axes of space, None for all.
    """
    size = full_size(size, sample['image'].shape[1:], 'centre_crop')
    sample = pad(sample, size=size)
    space = sample['image'].shape[1:]
    return sample if size == space else crop(sample, start=[(n - s) // 2 for n, s in zip(space, size)], size=size)


@TRANSFORMS.register_module()
def flip(sample, rng=None, *, axes):
    """Mirror along ``axes``, counted from the end of space (-1 is x)."""
    axes = check_axes(axes, sample['image'].ndim - 1)
    if not axes:
        return sample
    return move_voxels(sample, lambda array, _: np.ascontiguousarray(np.flip(array, axes)), 'flip', axes=axes)


@TRANSFORMS.register_module()
def random_flip(sample, rng, *, axes=(-2, -1), probability=0.5):
    """Mirror along each of ``axes``, counted from the end of space, with a probability of its own."""
    check_probability('probability', probability)
    chosen = rng.random(len(axes)) < probability
    return flip(sample, axes=tuple(a for a, c in zip(axes, chosen) if c))


@TRANSFORMS.register_module()
def rot90(sample, rng=None, *, turns, axes=(-2, -1)):
    """Turn by ``turns`` times 90 degrees in the plane of two axes, from the first towards the second."""
    axes = check_axes(axes, sample['image'].ndim - 1)
    if len(axes) != 2 or turns != int(turns):
        raise UserError(f'rot90 needs a whole number of turns and two axes, but got turns={turns} and axes={axes}')
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
    axes = tuple(axes)
    if sorted(axes) != list(range(dims)):
        raise UserError(f'axes={axes} of transpose must hold each of {", ".join(map(str, range(dims)))} once, one for each axis of '
                        'space')
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
    check_probability('probability', probability)
    dims = sample['image'].ndim - 1
    axes = check_axes(axes, dims)
    if len(axes) != 2:
        raise UserError(f'random_transpose swaps two axes, but got axes={axes}')
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

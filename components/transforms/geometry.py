"""Padding, cropping and flipping: whole voxels move, nothing is interpolated."""
from __future__ import annotations

import numpy as np

from scarceseg.components.labels import IGNORE, IMPLIED
from scarceseg.registry import TRANSFORMS, UserError

from .history import remember


def full_size(size, space, name):
    """``size`` with None replaced by the sample's own length; a shorter ``size`` speaks of the last axes."""
    if len(size) > len(space):
        raise UserError(f'{name} has size={tuple(size)}, but the sample has {len(space)} axes of space, {tuple(space)}')
    size = (None,) * (len(space) - len(size)) + tuple(size)
    return tuple(n if s is None else int(s) for s, n in zip(size, space))


@TRANSFORMS.register_module()
def pad(sample, rng=None, *, size, value=None):
    """Pad at both ends to at least ``size``: the image with ``value`` (None: each channel's minimum), the label with 255.

    Args:
        size: voxels along the last axes of space, None to leave an axis as it is: (224, 224) or (None, 224, 224).
        value: intensity outside the image.
    """
    image = sample['image']
    space = image.shape[1:]
    missing = [max(s - n, 0) for s, n in zip(full_size(size, space, 'pad'), space)]
    if not any(missing):
        return sample
    before = tuple(m // 2 for m in missing)
    after = tuple(m - b for m, b in zip(missing, before))
    widths = list(zip(before, after))
    values = [channel.min() if value is None else value for channel in image]
    out = dict(sample, image=np.stack([np.pad(c, widths, constant_values=v) for c, v in zip(image, values)]),
               history=remember(sample, 'pad', before=before, after=after))
    if 'label' in sample:
        out['label'] = np.pad(sample['label'], widths, constant_values=IGNORE)
    return out


def crop(sample, *, start, size):
    """The box of ``size`` voxels from ``start`` on, one number for each axis of space."""
    box = tuple(slice(s, s + k) for s, k in zip(start, size))
    out = dict(sample, image=sample['image'][(slice(None), *box)],
               history=remember(sample, 'crop', start=tuple(start), size=tuple(size), shape=sample['image'].shape[1:]))
    if 'label' in sample:
        out['label'] = sample['label'][box]
    return out


def draw_focus(rng, label, probability):
    """An annotated foreground voxel chosen at random, or None: with 1 - ``probability``, or where there is none."""
    if label is None or rng.random() >= probability:
        return None
    foreground = np.flatnonzero((label > 0) & (label < min(IGNORE, IMPLIED)))
    return np.unravel_index(rng.choice(foreground), label.shape) if len(foreground) else None


@TRANSFORMS.register_module()
def random_crop(sample, rng, *, size, foreground=0.0):
    """A box of ``size`` voxels at a random place; smaller samples are padded first.

    Args:
        size: voxels along the last axes of space, None for all.
        foreground: probability that the box is made to hold a random annotated foreground voxel.
    """
    sample = pad(sample, size=size)
    space = sample['image'].shape[1:]
    size = full_size(size, space, 'random_crop')
    focus = draw_focus(rng, sample.get('label'), foreground)
    low = [0 if focus is None else max(0, focus[d] - size[d] + 1) for d in range(len(space))]
    high = [space[d] - size[d] if focus is None else min(space[d] - size[d], focus[d]) for d in range(len(space))]
    return crop(sample, start=[int(rng.integers(a, b, endpoint=True)) for a, b in zip(low, high)], size=size)


def flip(sample, *, axes):
    """Mirror along ``axes``, counted from the end of space (-1 is x)."""
    if not axes:
        return sample
    out = dict(sample, image=np.flip(sample['image'], axes), history=remember(sample, 'flip', axes=tuple(axes)))
    if 'label' in sample:
        out['label'] = np.flip(sample['label'], axes)
    return out


@TRANSFORMS.register_module()
def random_flip(sample, rng, *, axes=(-2, -1), probability=0.5):
    """Mirror along each of ``axes``, counted from the end of space, with a probability of its own."""
    chosen = rng.random(len(axes)) < probability
    return flip(sample, axes=tuple(a for a, c in zip(axes, chosen) if c))

"""The shape of a U-shaped network, level by level, and which images fit it."""
from __future__ import annotations

from dataclasses import dataclass
from math import prod

from scarceseg.registry import UserError

from .layers import ACTIVATIONS, NORMS, UPSAMPLERS, choose

AXES = 'zyx'


@dataclass(frozen=True)
class Layout:
    """What encoder, decoder and blocks of one network agree on; every tuple has an entry per level, the finest first.

    Attributes:
        dims: 2 or 3 axes of space.
        in_channels: channels of the image.
        channels: feature maps of each level.
        kernels: size of each level's convolutions along each axis of space.
        strides: how much coarser each level is than the one before, along each axis; ones for the first.
        dropout: rate at each level.
        norm, activation, upsample: names, see ``layers``.
    """

    dims: int
    in_channels: int
    channels: tuple
    kernels: tuple
    strides: tuple
    dropout: tuple
    norm: str
    activation: str
    upsample: str

    @property
    def levels(self):
        """Number of levels."""
        return len(self.channels)

    @property
    def reduction(self):
        """How much coarser the last level is than the image, along each axis."""
        return tuple(prod(s[axis] for s in self.strides) for axis in range(self.dims))


def make_layout(dims, in_channels, channels, *, kernels, strides, dropout, norm, activation, upsample):
    """A ``Layout`` from settings as a config writes them: one value for all levels, or one per level.

    Args:
        kernels: an odd number, or one entry per level, each a number or one per axis of space: (1, 3, 3).
        strides: a number, or one entry per step between levels (levels - 1), each a number or one per axis.
        dropout: a rate, or one per level.

    Raises:
        UserError: settings that do not fit together.
    """
    if dims not in (2, 3):
        raise UserError(f'dims={dims!r} must be 2 or 3, the axes of space')
    channels = tuple(channels)
    if len(channels) < 2 or any(not isinstance(c, int) or c < 1 for c in channels):
        raise UserError(f'channels={channels} must be two or more whole numbers, the feature maps of each level')
    choose(NORMS, norm, 'norm')
    choose(ACTIVATIONS, activation, 'activation')
    choose(UPSAMPLERS, upsample, 'upsample')
    kernels = _sizes('kernels', kernels, len(channels), dims)
    if any(k % 2 == 0 for kernel in kernels for k in kernel):
        raise UserError(f'kernels={kernels} must be odd numbers')
    strides = ((1,) * dims, *_sizes('strides', strides, len(channels) - 1, dims))
    return Layout(dims, in_channels, channels, kernels, strides, _rates(dropout, len(channels)), norm, activation, upsample)


def check_image(network, image):
    """Raise UserError, with the remedy, where an image cannot go through a network that has a ``layout``."""
    name, layout = type(network).__name__, network.layout
    check_dimensions(name, image, layout.dims, layout.in_channels)
    space, least = tuple(image.shape[2:]), layout.reduction
    if any(n < m for n, m in zip(space, least)):
        raise UserError(f'{name} with {layout.levels} levels needs at least {_times(least)} voxels, but the image is '
                        f'{_times(space)}; pad it, or use fewer levels')
    alone = layout.norm == 'instance' or (layout.norm == 'batch' and network.training and len(image) == 1)
    if alone and prod(n // m for n, m in zip(space, least)) == 1:
        raise UserError(f'{name} with norm={layout.norm!r} cannot normalise an image of {_times(space)}, which its last level '
                        'sees as one voxel; use larger images, fewer levels, or norm="group"')


def check_dimensions(name, image, dims, in_channels):
    """Raise UserError where an image has other axes of space or channels than the network ``name`` takes."""
    if image.ndim != dims + 2:
        remedy = ('train on slices, and predict volumes slice by slice with the inferer dict(type="sliding_window", '
                  'window=(1, None, None))' if dims == 2 else 'train on volumes (slices=False), or use a 2D network for slices')
        raise UserError(f'{name} takes {dims}D images (N, C, {", ".join(AXES[-dims:])}), but got shape '
                        f'{tuple(image.shape)}; {remedy}')
    if image.shape[1] != in_channels:
        raise UserError(f'{name} was built with in_channels={in_channels}, but the image has {image.shape[1]} channels '
                        f'(shape {tuple(image.shape)}); set in_channels in the config')


def _times(sizes):
    return '×'.join(map(str, sizes))


def _sizes(name, value, count, dims):
    """One size per level and axis of space."""
    entries = [value] * count if isinstance(value, int) else list(value)
    sizes = tuple((entry,) * dims if isinstance(entry, int) else tuple(entry) for entry in entries)
    if len(sizes) != count or any(len(s) != dims or any(not isinstance(n, int) or n < 1 for n in s) for s in sizes):
        raise UserError(f'{name}={value!r} must be a whole number, or {count} entries, each a whole number or {dims}, one per '
                        'axis of space')
    return sizes


def _rates(dropout, levels):
    rates = (dropout,) * levels if isinstance(dropout, (int, float)) else tuple(dropout)
    if len(rates) != levels or any(not 0 <= rate < 1 for rate in rates):
        raise UserError(f'dropout={dropout!r} must be a rate in [0, 1), or {levels} of them, one for each of the {levels} levels')
    return rates

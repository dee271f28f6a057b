"""What lies on a sample's grid, and how it moves."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scarceseg.components.labels import IGNORE
from scarceseg.registry import UserError

from .history import remember


@dataclass(frozen=True)
class Field:
    """How an array of a sample moves.

    Attributes:
        channels: an axis comes before space.
        interpolated: between voxels; else the nearest voxel's value is taken.
        outside: value of what comes from outside the image; None is each channel's minimum.
    """

    channels: bool
    interpolated: bool
    outside: object

    def filler(self, array):
        """The value outside, for one channel (*space)."""
        return array.min() if self.outside is None else self.outside


IMAGE = Field(channels=True, interpolated=True, outside=None)
STRONG = 'image_strong'  # and a number from 1 on: strong views of the image, see ``views``
FIELDS = {
    'image': IMAGE,                                                          # (C, *space) float32
    'label': Field(channels=False, interpolated=False, outside=IGNORE),      # (*space) uint8
    'soft_label': Field(channels=True, interpolated=False, outside=0),       # (K, *space) float32, all 0 where not annotated
    'weight': Field(channels=False, interpolated=True, outside=0),           # (*space) float32, of the pixels in the loss
    'error_map': Field(channels=False, interpolated=False, outside=False),   # (*space) bool, where the label is held to be wrong
}


def field_of(key):
    """The ``Field`` of a sample's key, or None where it does not lie on the grid."""
    return IMAGE if key.startswith(STRONG) else FIELDS.get(key)


def fields(sample):
    """``[(key, Field)]`` of the arrays on the sample's grid: image, strong views, label, soft label, weight, error map.

    Raises:
        UserError: one has another shape than the image.
    """
    found = [(key, field) for key in sample if (field := field_of(key)) is not None and sample[key] is not None]
    space = sample['image'].shape[1:]
    for key, field in found:
        if sample[key].shape[int(field.channels):] != space:
            raise UserError(f'{_case(sample)}{key} of shape {sample[key].shape} does not lie on the grid of its image, '
                            f'{tuple(space)}; both must be drawn on the same voxels')
    return found


def _case(sample):
    return f'case {sample["name"]}: ' if 'name' in sample else ''


def move_voxels(sample, change, name, **params):
    """The sample with ``change((..., *space) array, Field)`` of every field, and the step in its history.

    ``class_locations`` do not hold any more, and are left out.
    """
    out = dict(sample, history=remember(sample, name, **params))
    out.update((key, change(sample[key], field)) for key, field in fields(sample))
    out.pop('class_locations', None)
    return out


def resample_voxels(sample, change, name, *, size, **params):
    """The sample with every channel of every field resampled, and the step in its history.

    Args:
        change: ``change((*space) array, out, Field)`` writes a channel's result into ``out`` (*size).
        size: voxels afterwards.
    """
    def whole(array, field):
        channels = array if field.channels else array[None]
        out = np.empty((len(channels), *size), array.dtype)
        for channel, result in zip(channels, out):
            change(channel, result, field)
        return out if field.channels else out[0]
    return move_voxels(sample, whole, name, size=size, **params)

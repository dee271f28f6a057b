"""One way round for images that were stored in several."""
from __future__ import annotations

import numpy as np

from scarceseg.components.datasets.formats.orientation import way_to
from scarceseg.registry import TRANSFORMS, UserError

from .geometry import flip, transpose

KEEPING = ('pad', 'crop', 'resize')  # do not turn the axes


@TRANSFORMS.register_module()
def reorient(sample, rng=None, *, axcodes='RAS'):
    """Permute and flip the axes of a volume so that they run in the directions of ``axcodes``; nothing is interpolated.

    Where they run now is known from the ``affine`` of the sample's ``geometry``; oblique axes go by their nearest direction. A
    sample without it, such as a picture or a slice, stays as it is. ``undo`` leads back to the axes of the file.

    Args:
        axcodes: where x, y and z shall point: 'RAS' is to the right, to the front (anterior) and up (superior). The array's axes
            are (z, y, x), so that the last one runs to the right.

    Raises:
        UserError: ``axcodes`` names no three axes, or the axes were turned before.
    """
    affine = getattr(sample.get('geometry'), 'affine', None)
    way = way_to(np.eye(4) if affine is None else affine, 3, axcodes=axcodes)
    if affine is None or sample['image'].ndim != 4:
        return sample
    moved = [name for name, _ in sample.get('history', ()) if name not in KEEPING]
    if moved:
        raise UserError(f'reorient goes by the axes of the file, but {moved[0]} has turned them; put it first in prepare')
    mirrored = flip(sample, axes=[axis - 3 for axis, turned in enumerate(way['flips']) if turned])
    return transpose(mirrored, axes=way['order'])

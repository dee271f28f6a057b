"""One way round for images that were stored in several."""
from __future__ import annotations

import numpy as np
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform

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
    codes = tuple(axcodes) if isinstance(axcodes, (str, list, tuple)) else ()
    if len(codes) != 3 or sorted('RAS'['RLAPSI'.find(c) // 2] if c in 'RLAPSI' else '?' for c in codes) != ['A', 'R', 'S']:
        raise UserError(f'axcodes={axcodes!r} of reorient must name three directions, one of R and L, one of A and P, and one of S '
                        "and I, such as 'RAS'")
    geometry = sample.get('geometry')
    if sample['image'].ndim != 4 or getattr(geometry, 'affine', None) is None:
        return sample
    turned = [name for name, _ in sample.get('history', ()) if name not in KEEPING]
    if turned:
        raise UserError(f'reorient goes by the axes of the file, but {turned[0]} has turned them; put it first in prepare')
    change = ornt_transform(io_orientation(geometry.affine), axcodes2ornt(codes))
    source = np.argsort(change[:, 0])  # of the file's axes x, y, z, the one that becomes x, y, z
    mirrored = [d for d in range(3) if change[source[d], 1] < 0]
    moved = transpose(sample, axes=[int(2 - source[2 - d]) for d in range(3)])  # the array's axis d is the file's 2 - d
    return flip(moved, axes=[-1 - d for d in mirrored])

"""Where the voxels of a file are."""
from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from scarceseg.registry import UserError


@dataclass(frozen=True)
class Geometry:
    """Where an image's voxels are, as the file says it.

    Attributes:
        spacing_mm: voxel size in the order of the array's axes, (z, y, x) or (y, x); None where the file knows no millimetres.
        affine: (4, 4) voxel (x, y, z) to world millimetres, or None.
        header: the NIfTI header (affine codes, units, description), or None.
        shape: the shape stored in the file, x first, trailing axes of size one included.
        scaling: (slope, intercept) between stored and real intensities.
    """

    spacing_mm: tuple | None
    affine: np.ndarray | None = field(repr=False)
    header: object = field(repr=False)
    shape: tuple
    scaling: tuple = (1.0, 0.0)

    @property
    def space(self):
        """Voxels along the axes of space, x first."""
        return self.shape if self.spacing_mm is None else self.shape[:len(self.spacing_mm)]


def check_same_grid(first, second, what):
    """Raise UserError unless two ``Geometry`` have one shape and place every voxel at the same point, to half a voxel.

    Files that know no millimetres are compared by their shape alone.

    Args:
        what: subject of the sentence, such as "the label a.nii.gz and its image b.nii.gz".
    """
    if first.space != second.space:
        axes = ', '.join('xyz'[:max(len(first.space), len(second.space))])
        raise UserError(f'{what} have shapes {first.space} and {second.space} ({axes}); they must be drawn on the same grid')
    if first.affine is None or second.affine is None:
        return
    corner = np.append([n - 1 for n in first.space] + [0] * (3 - len(first.space)), 1)
    for voxel in (np.array([0, 0, 0, 1]), corner):
        ends = [(g.affine @ voxel)[:3] for g in (first, second)]
        if np.abs(ends[0] - ends[1]).max() > 0.5 * min(first.spacing_mm):
            places = ' and '.join(str(np.round(end, 1).tolist()) for end in ends)
            raise UserError(f'{what} lie differently in space: voxel {voxel[:3].tolist()} is at {places} mm; '
                            'resample one onto the other, or mend the header that is wrong')

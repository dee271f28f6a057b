"""Where the voxels of a file are."""
from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product

import numpy as np
from nibabel.orientations import aff2axcodes

from scarceseg.registry import UserError


@dataclass(frozen=True)
class Geometry:
    """Where an image's voxels are, as the file says it.

    Attributes:
        spacing_mm: voxel size in the order of the array's axes, (z, y, x) or (y, x); None where the file knows no millimetres.
        affine: (4, 4) voxel (x, y, z) to world millimetres, x to the patient's right, y to the front, z up, as NIfTI has it,
            whatever the format; or None.
        header: the NIfTI header (affine codes, units, description), or None.
        shape: the shape stored in the file, x first, trailing axes of size one included; without channels where these have no
            place behind space.
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

    @property
    def orientation(self):
        """Where x, y and z point: 'LPS' is to the left, to the back, up; '?' an axis without direction; None without affine."""
        if self.affine is None:
            return None
        return ''.join(code or '?' for code in aff2axcodes(self.affine[:, [*range(len(self.space)), 3]]))

    @property
    def grid_affine(self):
        """``affine``, or, where the file has none, voxels of its spacing, or of one millimetre, from the world's origin."""
        if self.affine is not None:
            return self.affine
        spacing = (1.0,) * len(self.space) if self.spacing_mm is None else self.spacing_mm[::-1]
        return np.diag([*spacing, *(1.0,) * (4 - len(spacing))])


def affine_spacing(affine, axes):
    """Voxel size in the order of the array's axes, from a (4, 4) affine: (z, y, x), or (y, x) where ``axes`` is 2."""
    return tuple(float(s) for s in np.linalg.norm(affine[:3, :axes], axis=0)[::-1])


def check_geometry(path, spacing_mm, affine):
    """Raise UserError unless voxels have a size and an affine places them, each at another point.

    Args:
        path: the file, for the sentence.
        spacing_mm: in the order of the axes of space, or None.
        affine: (4, 4), or None.
    """
    remedy = 'mend its header, or convert it again from the source'
    if affine is not None and not np.isfinite(affine).all():
        raise UserError(f'{path} has an affine with NaN or Inf, so that nobody knows where its voxels are; {remedy}')
    if spacing_mm is not None and not all(np.isfinite(s) and s > 0 for s in spacing_mm):
        raise UserError(f'{path} has spacing {tuple(round(float(s), 4) for s in spacing_mm)}, but every voxel size must be a '
                        f'number of millimetres above 0; {remedy}')
    if affine is None:
        return
    columns = affine[:3, :3 if spacing_mm is None else len(spacing_mm)]
    directions = columns / np.maximum(np.linalg.norm(columns, axis=0), 1e-12)
    if np.linalg.matrix_rank(directions, tol=1e-4) < columns.shape[1]:
        raise UserError(f'{path} has an affine that puts different voxels at the same point ({np.round(columns, 4).tolist()}); '
                        f'expected {columns.shape[1]} independent directions; {remedy}')


def check_same_grid(first, second, what):
    """Raise UserError unless two ``Geometry`` have one shape and place every voxel at the same point, to half a voxel.

    Where one knows no affine, voxel sizes are compared, and where it knows no millimetres, the shape alone.

    Args:
        what: subject of the sentence, such as "the label a.nii.gz and its image b.nii.gz".
    """
    if first.space != second.space:
        axes = ', '.join('xyz'[:max(len(first.space), len(second.space))])
        raise UserError(f'{what} have shapes {first.space} and {second.space} ({axes}); they must be drawn on the same grid')
    remedy = 'resample one onto the other, or mend the header that is wrong'
    if first.affine is None or second.affine is None:
        if first.spacing_mm and second.spacing_mm and not np.allclose(first.spacing_mm, second.spacing_mm, rtol=1e-2):
            raise UserError(f'{what} have voxels of another size: {grid_differences(first, second)}; {remedy}')
        return
    for corner in product(*((0, n - 1) for n in first.space)):
        voxel = [*corner, *(0,) * (3 - len(corner)), 1]
        ends = [(g.affine @ voxel)[:3] for g in (first, second)]
        if not np.abs(ends[0] - ends[1]).max() <= 0.5 * min(first.spacing_mm):
            places = ' and '.join(str(np.round(end, 1).tolist()) for end in ends)
            found = grid_differences(first, second)
            found = f' ({found})' if found else ''
            raise UserError(f'{what} lie differently in space: voxel {voxel[:3]} is at {places} mm{found}; {remedy}')


def grid_differences(first, second):
    """'orientation LPS and RAS; spacing 1.5×1.5×8 mm and 1.5×1.5×10 mm', as far as two ``Geometry`` differ in them."""
    found = []
    if None not in (first.orientation, second.orientation) and first.orientation != second.orientation:
        found.append(f'orientation {first.orientation} and {second.orientation}')
    spacings = (first.spacing_mm, second.spacing_mm)
    if None not in spacings and (len(spacings[0]) != len(spacings[1]) or not np.allclose(*spacings, rtol=1e-3)):
        found.append(f'spacing {in_mm(spacings[0])} and {in_mm(spacings[1])}')
    return '; '.join(found)


def in_mm(spacing_mm):
    """'1.5×1.5×8 mm' of a spacing (z, y, x)."""
    return f'{"×".join(f"{s:.4g}" for s in reversed(spacing_mm))} mm'

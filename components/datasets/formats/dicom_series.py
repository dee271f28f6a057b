"""Slices of a DICOM series in the order of space, or the reason why they are no volume."""
from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from scarceseg.registry import UserError

TOLERANCE = 0.1  # of the distance of slices: scanners round positions


class Slice(NamedTuple):
    """Where a slice lies, in DICOM's world of left, back and up.

    Attributes:
        file: its file.
        series: identifier of the series that it belongs to.
        size: (columns, rows).
        channels: numbers a pixel.
        thickness_mm: distance to the next slice as the file says it, for a series of one.
        position: (3,) millimetres of the first pixel's centre.
        orientation: (6,) directions of a row and of a column.
        spacing: (2,) millimetres between rows and between columns.
    """

    file: Path
    series: str
    size: tuple
    channels: int
    thickness_mm: float
    position: np.ndarray
    orientation: np.ndarray
    spacing: np.ndarray

    @property
    def normal(self):
        """Direction across the slice."""
        return np.cross(self.orientation[:3], self.orientation[3:])


def order_slices(folder, slices):
    """Slices of one volume along their normal; a UserError where they are none."""
    _check_alike(folder, slices)
    height = [float(one.position @ slices[0].normal) for one in slices]
    slices = [slices[i] for i in np.argsort(height, kind='stable')]
    if len(slices) > 1:
        _check_steps(folder, slices, np.diff(sorted(height)))
    return slices


def series_affine(slices):
    """(4, 4) from voxel (x, y, z) to DICOM's world, of ordered slices."""
    first, affine = slices[0], np.eye(4)
    affine[:3, 0] = first.orientation[:3] * first.spacing[1]
    affine[:3, 1] = first.orientation[3:] * first.spacing[0]
    affine[:3, 2] = _step(slices) if len(slices) > 1 else first.normal * first.thickness_mm
    affine[:3, 3] = first.position
    return affine


def _step(slices):
    return (slices[-1].position - slices[0].position) / (len(slices) - 1)


def _check_alike(folder, slices):
    series = {one.series: one.file.name for one in slices}
    if len(series) > 1:
        raise UserError(f'{folder} holds {len(series)} DICOM series, such as those of {", ".join(sorted(series.values())[:3])}; '
                        'expected one: give each a folder of its own')
    first = slices[0]
    for one in slices[1:]:
        for what, a, b, limit in (('columns and rows', one.size, first.size, 0),
                                  ('numbers a pixel', one.channels, first.channels, 0),
                                  ('directions', one.orientation, first.orientation, 1e-3),
                                  ('a pixel spacing of', one.spacing, first.spacing, 1e-3)):
            if np.abs(np.subtract(a, b)).max() > limit:
                raise UserError(f'{folder} is no volume: {one.file.name} has {what} {_shown(a)}, {first.file.name} {_shown(b)}; '
                                'remove the slices that belong to something else, such as localisers')


def _check_steps(folder, slices, gaps):
    typical = float(np.median(gaps))
    closest, widest = int(np.argmin(gaps)), int(np.argmax(gaps))
    if gaps[closest] <= max(TOLERANCE * typical, 1e-3):
        a, b = (one.file.name for one in slices[closest:closest + 2])
        raise UserError(f'{folder} has two slices at one place, {a} and {b}; expected one volume: give each phase, echo or copy '
                        'a folder of its own')
    ideal = slices[0].position + np.arange(len(slices))[:, None] * _step(slices)
    off = np.linalg.norm([one.position for one in slices] - ideal, axis=1)
    if off.max() <= TOLERANCE * typical:
        return
    a, b = (one.file.name for one in slices[widest:widest + 2])
    if gaps[widest] > 1.5 * typical:
        raise UserError(f'{folder} lacks slices: {a} and {b} are {gaps[widest]:.4g} mm apart, but others {typical:.4g} mm; copy '
                        'the series again, or split it into volumes without gaps')
    raise UserError(f'{folder} has slices {gaps[closest]:.4g} to {gaps[widest]:.4g} mm apart, or not behind each other; expected '
                    'one distance along one line: resample the series with a tool that knows its geometry')


def _shown(value):
    return np.round(value, 4).tolist()

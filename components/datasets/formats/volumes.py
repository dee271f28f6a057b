"""Images and labels of which a box is read at a time."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from scarceseg.registry import UserError

from .geometry import Geometry


@dataclass(frozen=True)
class Volume:
    """An image (C, *space) or a label (*space) that stays in its file; ``volume[box]`` reads what lies in a box of space.

    Holds no file open and no voxels, so that it goes to worker processes at the cost of a path; one that was read as a whole,
    because its format must be, holds its array.

    Attributes:
        shape: of the array that ``load_image`` would give.
        geometry: of the file.
        label: boxes are of class indices, else float32.
        lazy: reading a box costs about what the box costs.
    """

    shape: tuple
    geometry: Geometry
    label: bool
    read: Callable = field(repr=False)  # read(box with a slice for every axis of space) -> array
    lazy: bool = True

    @property
    def spacing_mm(self):
        """Voxel size in the order of space, or None."""
        return self.geometry.spacing_mm

    @property
    def space(self):
        """Voxels along the axes of space, in the array's order."""
        return self.shape if self.label else self.shape[1:]

    def __getitem__(self, box):
        """All channels of a box: a slice for every axis of space, or ``...`` for the whole."""
        box = (slice(None),) * len(self.space) if box is ... else box if isinstance(box, tuple) else (box,)
        if len(box) != len(self.space) or not all(isinstance(s, slice) and s.step in (None, 1) for s in box):
            raise UserError(f'a box of a volume of {len(self.space)} axes of space needs as many slices of step 1; got {box}')
        return self.read(tuple(slice(*s.indices(n)[:2]) for s, n in zip(box, self.space)))


def whole(array, geometry, *, label):
    """A ``Volume`` of an array that is in memory."""
    return Volume(array.shape, geometry, label, partial(_box_of, array), lazy=False)


def _box_of(array, box):
    return array[(..., *box)]

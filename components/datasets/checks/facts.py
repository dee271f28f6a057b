"""What a case is."""
from __future__ import annotations

from dataclasses import dataclass, field

from .kinds import Problem


@dataclass
class Facts:
    """What a case is.

    Attributes:
        part, case: where it is, and its name.
        identity: what tells it from every other case; see ``sources.identity``.
        problems: list of ``Problem``.
        space: voxels (x, y[, z]), or None where nothing could be read.
        channels: how many.
        spacing_mm: in the order of ``space``, or None.
        orientation: such as 'LPS', or None.
        low, mean, high: of the intensities, or None.
        voxels: {class index: voxels}, or None without label.
        annotated: share of annotated voxels, or None without label.
        content: hashes of the image's voxels, as they lie in the file and as they lie in the patient.
        drawing: hash of the label, or None where it has no foreground.
        picture: a PNG file, or None.
    """

    part: str
    case: str
    identity: str = ''
    problems: list = field(default_factory=list)
    space: tuple | None = None
    channels: int = 0
    spacing_mm: tuple | None = None
    orientation: str | None = None
    low: float | None = None
    mean: float | None = None
    high: float | None = None
    voxels: dict | None = None
    annotated: float | None = None
    content: tuple = ()
    drawing: str | None = None
    picture: bytes | None = None

    def say(self, kind, text):
        """Note a problem."""
        self.problems.append(Problem(kind, self.part, self.case, text))

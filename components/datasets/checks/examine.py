"""One case, read from its files and looked at."""
from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np

from scarceseg.components.labels import IGNORE, IMPLIED
from scarceseg.registry import UserError

from ..formats.images import load_image
from .grids import grid_problem
from .kinds import Problem
from .thumbnails import thumbnail

KNOWN = np.arange(256) < IMPLIED


@dataclass
class Facts:
    """What a case is.

    Attributes:
        part, case: where it is, and its name.
        problems: list of ``Problem``.
        space: voxels (x, y[, z]), or None where nothing could be read.
        channels: how many.
        spacing_mm: in the order of ``space``, or None.
        orientation: such as 'LPS', or None.
        low, mean, high: of the intensities, or None.
        voxels: {class index: voxels}, or None without label.
        annotated: share of annotated voxels, or None without label.
        content: hash of the image's voxels.
        picture: a PNG file, or None.
    """

    part: str
    case: str
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
    content: str | None = None
    picture: bytes | None = None

    def say(self, kind, text):
        """Note a problem."""
        self.problems.append(Problem(kind, self.part, self.case, text))


def examine(cases, i, *, part, picture_px=0, has_background=True):
    """``Facts`` of case i of a data set.

    Args:
        cases: a data set of whole cases.
        part: what it is called.
        picture_px: longer side of a picture of the case; 0 makes none.
        has_background: whether class 0 is background.
    """
    facts = Facts(part, cases.names[i])
    image, geometry = _read_image(cases, i, facts)
    if geometry is not None:
        facts.spacing_mm, facts.orientation = geometry.spacing_mm, geometry.orientation
    label = _read_label(cases, i, facts, geometry)
    if image is not None:
        _look_at_image(image, facts)
        facts.content = voxel_hash(image)
        if getattr(cases, 'missing', None) == 'zeros':  # those that are missing are channels too
            facts.channels = len(cases.files[facts.case][0])
    if label is not None:
        _look_at_label(label, facts, has_background)
    if picture_px and image is not None:
        fits = label is not None and label.shape == image.shape[1:]
        facts.picture = thumbnail(image, label if fits else None, spacing_mm=facts.spacing_mm, size=picture_px,
                                  num_classes=len(cases.classes), has_background=has_background)
    return facts


def voxel_hash(image):
    """Hash of an image (C, *space) by its values as float32, whatever file they were in."""
    digest = hashlib.sha256(repr(image.shape).encode())
    digest.update(np.ascontiguousarray(image + np.float32(0), '<f4'))  # -0 is 0
    return digest.hexdigest()


def _read_image(cases, i, facts):
    """(image, ``Geometry``) of all channels, or (None, None) where one cannot be read."""
    if not hasattr(cases, 'files'):
        sample = cases[i]
        facts.voxels = {}
        return sample['image'], sample.get('geometry')
    read, whole = [], True
    for file in (f for f in cases.files[facts.case][0] if f is not None):
        try:
            read.append((file, *load_image(file)))
        except UserError as error:
            facts.say('unreadable', str(error))
            whole = False
    for file, _, geometry in read[1:]:
        problem = grid_problem(geometry, read[0][2], f'case {facts.case}: {file} and {read[0][0]}')
        if problem:
            facts.say(*problem)
            whole = whole and problem[0] != 'grid'
    if not whole or not read:
        return None, read[0][2] if read else None
    image = np.concatenate([array for _, array, _ in read])
    names = cases.modalities
    if names and len(names) != len(image) and cases.missing == 'error':
        facts.say('channels', f'case {facts.case} has {len(image)} channels, but expected were {len(names)} ({", ".join(names)})')
    return image, read[0][2]


def _read_label(cases, i, facts, geometry):
    """The label in class indices, or None where there is none or it cannot be read."""
    if not hasattr(cases, 'files'):
        return cases[i].get('label')
    file = cases.files[facts.case][1]
    if file is None:
        return None
    try:
        stored, place = load_image(file, label=True)
    except UserError as error:
        wrong = 'is a label, but' in str(error)
        facts.say('values' if wrong else 'unreadable', f'{error}{_exchanged(cases, facts) if wrong else ""}')
        return None
    problem = geometry and grid_problem(place, geometry, f'case {facts.case}: the label {file} and its image')
    if problem:
        facts.say(*problem)
    try:
        return cases.values.to_classes(stored, f'case {facts.case}: the label {file}')
    except UserError as error:
        facts.say('values', f'{error}{_exchanged(cases, facts)}')
        return None


def _exchanged(cases, facts):
    """A hint where the label looks like an image and the image like a label."""
    images, label = cases.files[facts.case]
    try:
        values, others = (np.unique(load_image(file)[0]) for file in (images[0], label))
        cases.values.to_classes(values.astype(np.int64), '')
    except (UserError, TypeError):
        return ''
    if len(others) <= len(values) or not np.array_equal(values, values.astype(np.int64)):
        return ''
    return f'; image and label seem to be exchanged: the image holds {len(values)} different values, all of them classes'


def _look_at_image(image, facts):
    facts.channels = len(image)
    facts.space = image.shape[:0:-1]
    finite = np.isfinite(image)
    if not finite.all():
        facts.say('not finite', f'case {facts.case} has {image.size - int(finite.sum())} voxels that are NaN or Inf')
        image = np.where(finite, image, 0)
    facts.low, facts.mean, facts.high = float(image.min()), float(image.mean(dtype=np.float64)), float(image.max())
    flat = [k for k, channel in enumerate(image) if channel.min() == channel.max()]
    if len(flat) == len(image):
        facts.say('constant', f'case {facts.case} is {facts.low:g} everywhere')
    elif flat:
        facts.say('constant channel', f'case {facts.case}: channel {", ".join(map(str, flat))} of 0 to {len(image) - 1} is the '
                                      'same everywhere')


def _look_at_label(label, facts, has_background):
    counts = np.bincount(label.ravel(), minlength=256)
    facts.voxels = {int(k): int(counts[k]) for k in np.flatnonzero(counts[:IMPLIED])}
    facts.annotated = 1 - counts[IGNORE] / max(label.size, 1)
    if not facts.voxels:
        facts.say('empty label', f'case {facts.case} has a label without any annotated voxel')
    elif has_background and set(facts.voxels) == {0}:
        facts.say('empty label', f'case {facts.case} has a label without foreground')

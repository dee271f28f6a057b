"""One case, looked at."""
from __future__ import annotations

import hashlib

import numpy as np

from scarceseg.components.labels import IGNORE, IMPLIED

from ..formats.orientation import to_canonical
from .facts import Facts
from .kinds import counted
from .reading import read_case
from .sources import identity, names_of
from .thumbnails import thumbnail


def examine(source, cases, i, *, picture_px=0, has_background=True):
    """``Facts`` of case i of a data set.

    Args:
        source: the ``Source``.
        cases: its data set of whole cases.
        picture_px: longer side of a picture of the case; 0 makes none.
        has_background: whether class 0 is background.
    """
    name = names_of(cases)[i] if names_of(cases) else str(i)
    facts = Facts(source.name, name, identity(source, cases, i))
    image, label, geometry = read_case(cases, i, facts)
    if geometry is not None:
        facts.spacing_mm, facts.orientation = geometry.spacing_mm, geometry.orientation
    if image is not None:
        _look_at_image(image, facts)
        facts.content = content_hashes(image, geometry)
        if getattr(cases, 'missing', None) == 'zeros':  # those that are missing are channels too
            facts.channels = len(cases.files[facts.case][0])
    if label is not None:
        _look_at_label(label, facts, has_background)
    if picture_px and image is not None:
        fits = label is not None and label.shape == image.shape[1:]
        facts.picture = thumbnail(image, label if fits else None, spacing_mm=facts.spacing_mm, size=picture_px,
                                  has_background=has_background)
    return facts


def content_hashes(image, geometry):
    """Hashes of an image: of its voxels, and, where a header says how they lie, of the same turned to right, front, up.

    The second is what two files of one scan share that were written with their axes in another order or direction.

    Args:
        image: (C, *space).
        geometry: its ``Geometry``, or None.
    """
    plain = voxel_hash(image)
    if geometry is None or geometry.orientation is None or '?' in geometry.orientation:
        return (plain,)
    turned = plain if geometry.orientation == 'RAS'[:image.ndim - 1] else voxel_hash(to_canonical(image, geometry)[0])
    return plain, f'RAS {turned}'


def voxel_hash(array):
    """Hash of an image (C, *space) or label (*space) by its values as float32, whatever file they were in."""
    digest = hashlib.sha256(repr(array.shape).encode())
    digest.update(np.ascontiguousarray(array + np.float32(0), '<f4'))  # -0 is 0
    return digest.hexdigest()


def _look_at_image(image, facts):
    facts.channels = len(image)
    facts.space = image.shape[:0:-1]
    finite = np.isfinite(image)
    strange = image.size - int(finite.sum())
    if strange:
        facts.say('not finite', f'case {facts.case} has {counted(strange, "voxel")} that {"is" if strange == 1 else "are"} NaN or '
                                'Inf, or too large for float32')
        image = np.where(finite, image, 0)
    facts.low, facts.mean, facts.high = float(image.min()), float(image.mean(dtype=np.float64)), float(image.max())
    flat = [k for k, channel in enumerate(image) if channel.min() == channel.max()]
    if len(flat) == len(image) and not strange:
        facts.say('constant', f'case {facts.case} is {facts.low:g} everywhere')
    elif flat and not strange:
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
    else:
        facts.drawing = voxel_hash(label)

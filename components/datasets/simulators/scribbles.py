"""Scribbles, as a person would draw them, simulated from full labels."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from scarceseg.components.labels import IGNORE
from scarceseg.registry import UserError

from .checks import check_known

SQUARE = np.ones((3, 3), bool)


def scribble_from_label(label, rng, *, num_classes, length=0.9, thickness=1, annotated=1.0, classes=None):
    """Draw thin curvy strokes inside every region of every class, slice by slice, like those of ACDC [Valvano 2021].

    In a foreground region a wavering line runs part of the way between outline and middle, a loop in a blob and a ring
    in a ring, and a shorter one further inside. The background's two lines run around all foreground, or freely where
    there is none.

    Args:
        label: (y, x) or (z, y, x) whole numbers; the slices of a volume lie along axis 0. 255 is never drawn upon.
        rng: numpy Generator; the scribble is a pure function of the label, its state and the settings.
        num_classes: classes 0 … num_classes - 1 get strokes.
        length: share of each line that is drawn, in (0, 1]; a number, or one for each class.
        thickness: width of the strokes in voxels; a number, or one for each class.
        annotated: share of the slices that have scribbles, in (0, 1]; at least one has.
        classes: which classes get strokes; None: all.

    Returns:
        (*space) uint8, the class on the strokes and 255 elsewhere. In an annotated slice every class of it has a voxel.

    Raises:
        UserError: a label that is not 2D or 3D or has another class, or a setting out of range.
    """
    label = np.asarray(label)
    lengths, widths = per_class('length', length, num_classes), per_class('thickness', thickness, num_classes)
    _check(label, num_classes, lengths, widths, annotated)
    volume = label[None] if label.ndim == 2 else label
    chosen = rng.permutation(len(volume))[:max(1, round(annotated * len(volume)))]
    scribble = np.full(volume.shape, IGNORE, np.uint8)
    for z in sorted(chosen):
        for c in range(num_classes) if classes is None else sorted(classes):
            inside = volume[z] == c
            if inside.any():
                drawn = _background(inside, volume[z], rng, lengths[c]) if c == 0 else _foreground(inside, rng, lengths[c])
                scribble[z][thicken(drawn, widths[c]) & inside] = c
    return scribble.reshape(label.shape)


def per_class(name, value, num_classes):
    """One number for each class: ``value`` itself, or the same for all; a UserError where it has another number of numbers."""
    values = list(value) if isinstance(value, Sequence) else [value] * num_classes
    if len(values) != num_classes:
        raise UserError(f'{name}={value!r} of the simulator has {len(values)} numbers, but there are {num_classes} classes')
    return values


def _check(label, num_classes, lengths, widths, annotated):
    if label.ndim not in (2, 3):
        raise UserError(f'scribbles are drawn on labels (y, x) or (z, y, x), but got shape {label.shape}')
    check_known(label, num_classes)
    for length, thickness in zip(lengths, widths):
        if not (0 < length <= 1 and 0 < annotated <= 1 and thickness >= 1 and thickness == int(thickness)):
            raise UserError(f'scribble settings length={length} and annotated={annotated} must lie in (0, 1], and '
                            f'thickness={thickness} must be a whole number of voxels, 1 or more')


def _foreground(inside, rng, length):
    """The strokes (y, x) bool of one class, in each of its regions."""
    regions, count = ndimage.label(inside, SQUARE)
    drawn = np.zeros_like(inside)
    for k, box in enumerate(ndimage.find_objects(regions), 1):
        region = np.pad(regions[box] == k, 1)
        deep = _middleness(region)
        waver = _waver(region.shape, rng, 0.4 * max(region.shape))
        first, second = rng.uniform(0.3, 0.55), rng.uniform(0.6, 0.8)
        for level, share in ((first, length), (second, length * rng.uniform(0, 0.5))):
            line = _outline(deep > (level + 0.12 * waver).clip(0.15, 0.85)) & region
            drawn[box] |= part_of_line(line, share, rng)[1:-1, 1:-1]
        if not drawn[box][region[1:-1, 1:-1]].any():
            drawn[box].flat[np.where(region, deep, -1)[1:-1, 1:-1].argmax()] = True
    return drawn


def _middleness(region):
    """(y, x) depth in a region, 1 in its middle; in a ring it rises inwards, through 1/2 in the middle of the wall."""
    filled = _filled(region)
    depth = ndimage.distance_transform_edt(filled)
    if filled.sum() < 1.1 * region.sum():
        return depth / depth.max()
    inwards = depth / np.maximum(depth + ndimage.distance_transform_edt(region | ~filled), 1)
    return 0.5 + 1.75 * (inwards - 0.5)  # so that the levels drawn, 0.15 to 0.85, keep clear of both edges


def _background(inside, label, rng, length):
    """The strokes (y, x) bool around all foreground."""
    heart = (label != 0) & (label != IGNORE)
    size, distance, window = _around(heart, rng)
    allowed, drawn = inside[window], np.zeros_like(inside)
    waver = _waver(distance.shape, rng, 1.5 * size)
    for away, share in ((rng.uniform(0.2, 0.45), length), (rng.uniform(0.45, 0.9), length * rng.uniform(0.2, 0.8))):
        line = _outline(distance <= np.maximum(size * (away + 0.1 * waver), 2)) & allowed
        drawn[window] |= part_of_line(line, share, rng)
    if not drawn.any():
        drawn.flat[ndimage.distance_transform_edt(np.pad(inside, 1))[1:-1, 1:-1].argmax()] = True
    return drawn


def _around(heart, rng):
    """Size of the foreground in voxels, the distance from it in a window with a margin around it, and the window.

    Where there is none, a random point stands for it.
    """
    if not heart.any():
        size, centre = 0.15 * min(heart.shape), [n * rng.uniform(0.35, 0.65) for n in heart.shape]
        y, x = (np.arange(n) - c for n, c in zip(heart.shape, centre))
        return size, np.hypot(y[:, None], x), np.s_[:, :]
    size = max(np.sqrt(heart.sum() / np.pi), 8)
    margin = int(1.2 * size) + 3
    box, = ndimage.find_objects(heart.astype(np.uint8))
    window = tuple(slice(max(s.start - margin, 0), s.stop + margin) for s in box)
    return size, ndimage.distance_transform_edt(~heart[window]), window


def _waver(shape, rng, wavelength):
    """Smooth random field (y, x) about 0 of variance 1: how a hand departs from the line it means to draw."""
    direction, phase = rng.uniform(0, 2 * np.pi, (2, 3))
    k = 2 * np.pi / (wavelength * rng.uniform(0.7, 2, 3))
    y, x = np.ogrid[:shape[0], :shape[1]]
    waves = zip(k * np.sin(direction), k * np.cos(direction), phase)
    return sum(np.cos(a * y + b * x + c) for a, b, c in waves) / np.sqrt(1.5)


def _filled(core):
    """A region without its holes."""
    outside, _ = ndimage.label(np.pad(~core, 1, constant_values=True))
    return (outside != outside[0, 0])[1:-1, 1:-1]


def _outline(core):
    """The outermost voxels of a region, an 8-connected line; not those at the image's border."""
    filled = _filled(core)
    return filled & ~ndimage.binary_erosion(filled, border_value=1)


def part_of_line(line, share, rng):
    """The ``share`` of a line's voxels that is nearest to a random one of them: a loop loses an arc."""
    y, x = np.nonzero(line)
    kept = np.zeros_like(line)
    if y.size:
        start = rng.integers(y.size)
        near = np.argsort((y - y[start]) ** 2 + (x - x[start]) ** 2, kind='stable')[:round(share * y.size)]
        kept[y[near], x[near]] = True
    return kept


def thicken(drawn, thickness):
    """The strokes ``thickness`` voxels wide; they may leave their class, where the caller cuts them."""
    return ndimage.binary_dilation(drawn, np.ones((thickness, thickness), bool)) if thickness > 1 else drawn

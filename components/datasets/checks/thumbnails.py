"""Small pictures of cases."""
from __future__ import annotations

import io

import numpy as np

from scarceseg.components.labels import IMPLIED

# told apart by colour-blind readers too [Okabe 2008]
PALETTE = ((230, 159, 0), (86, 180, 233), (204, 121, 167), (0, 158, 115), (240, 228, 66), (213, 94, 0), (0, 114, 178))
DRAWN_BACKGROUND = (255, 255, 255)  # where background is annotated and other voxels are not, as in scribbles
LINES = (*PALETTE, DRAWN_BACKGROUND)
COLOURS = 96  # of a picture beside those of its lines; fewer make it smaller


def thumbnail(image, label, *, spacing_mm, size, has_background=True):
    """A PNG file of the slice with most foreground, with the outlines of the classes.

    Args:
        image: (C, *space); three channels of a picture are its colours, else the first is shown.
        label: (*space) class indices, or None.
        spacing_mm: in the order of space, or None.
        size: pixels of the longer side.
        has_background: whether class 0 is background, which gets an outline only where it is drawn in a scribble.
    """
    from PIL import Image
    first = 1 if has_background else 0
    colour = spacing_mm is None and image.ndim == 3 and len(image) == 3
    image = image if colour else image[:1]
    if image.ndim == 4:
        z = _slice(label, first) if label is not None else image.shape[1] // 2
        image, label = image[:, z], None if label is None else label[z]
    height, width = image.shape[1:]
    mm = (1.0, 1.0) if spacing_mm is None else spacing_mm[-2:]
    scale = size / max(height * mm[0], width * mm[1])
    shape = tuple(max(1, round(n * m * scale)) for n, m in zip((height, width), mm))
    grey = np.moveaxis(np.repeat(_grey(image), 1 if colour else 3, 0), 0, -1)
    small = Image.fromarray(grey).resize(shape[::-1], Image.Resampling.BOX if height > shape[0] else Image.Resampling.BILINEAR)
    small = small.quantize(COLOURS)
    picture = np.array(small)
    if label is not None:
        _draw(picture, label, first)
    file, few = io.BytesIO(), Image.fromarray(picture)
    few.putpalette([*(small.getpalette() + [0] * 3 * COLOURS)[:3 * COLOURS], *sum(LINES, ())])
    few.save(file, 'PNG', optimize=True)
    return file.getvalue()


def _draw(picture, label, first):
    """Outlines of the classes of a label (y, x) in a picture (rows, columns) of indices into a palette, in place."""
    shape = picture.shape
    fine = tuple(map(max, shape, label.shape))  # no smaller than the picture, or outlines would have gaps
    label = label[np.ix_(*(np.arange(n) * m // n for n, m in zip(fine, label.shape)))]
    for k in np.unique(label[label < IMPLIED]).tolist():
        if k >= first or (label >= IMPLIED).any():
            rows, columns = np.nonzero(_outline(label == k))
            picture[(rows * shape[0]) // fine[0], (columns * shape[1]) // fine[1]] = COLOURS + LINES.index(colour_of(k - first))


def colour_of(k):
    """Red, green and blue of the k-th class of foreground; after seven they come again. -1 is background."""
    return DRAWN_BACKGROUND if k < 0 else PALETTE[k % len(PALETTE)]


def _slice(label, first):
    """Index of the slice with most foreground, else with most annotation, else the middle."""
    flat = label.reshape(len(label), -1)
    for mask in ((flat >= first) & (flat < IMPLIED), flat < IMPLIED):
        area = mask.sum(1)
        if area.any():
            return int(area.argmax())
    return len(label) // 2


def _grey(image):
    """(C, y, x) uint8, from the first to the 99.5th percentile."""
    image = np.nan_to_num(image, posinf=0, neginf=0)
    low, high = np.percentile(image, (1, 99.5))
    return (255 * ((image - low) / max(high - low, 1e-6)).clip(0, 1)).astype(np.uint8)


def _outline(mask):
    """Pixels of a mask with a neighbour outside it."""
    inside = mask.copy()
    for axis in (0, 1):
        for step in (1, -1):
            inside &= np.roll(mask, step, axis)
    inside[[0, -1]] = False
    inside[:, [0, -1]] = False
    return mask & ~inside

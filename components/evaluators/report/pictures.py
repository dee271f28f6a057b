"""Cases as pictures: slices with the outlines of label and prediction, drawn in SVG over the image as PNG."""
from __future__ import annotations

import base64
import io
import math

import matplotlib
import numpy as np
from contourpy import contour_generator  # what matplotlib draws contours with

from scarceseg.components.labels import IGNORE

from ..drawing import PALETTE
from ..figures import displayed, foreground_of, pick_slices, window_around
from ..surface import check_spacing
from .html import Html, join, tag

SIZE = 300  # of a picture's longer side, in the unit of its drawing
PIXELS = 420  # an image is stored with so many pixels along its longer side, at most
SLICES = 3
COLOURS = 96  # greys of a picture; fewer make it smaller


def case_pictures(panel, *, class_names, has_background=True):
    """The pictures of a case: one of a 2D image, up to three slices of a volume, each also with its uncertainty where there is one.

    Args:
        panel: dict with ``title``, ``image`` (C, *space) or (*space), ``label`` and ``prediction`` (*space) class indices,
            ``spacing_mm`` in the order of space or None, and perhaps ``uncertainty`` (*space), from 0 to 1, and
            ``uncertainty_name``, what it is.
        class_names: names of all classes, background first.
        has_background: whether class 0 is background, which gets no outline.
    """
    label, prediction = np.asarray(panel['label']), np.asarray(panel['prediction'])
    image = displayed(np.asarray(panel['image']), label.ndim, panel['spacing_mm'])
    spacing = check_spacing(panel['spacing_mm'], label.shape)
    uncertainty = panel.get('uncertainty')
    flat = label.ndim == 2
    if flat:
        image, label, prediction = image[None], label[None], prediction[None]
        uncertainty = None if uncertainty is None else uncertainty[None]
    uncertain, name = [], panel.get('uncertainty_name', 'uncertainty')
    slices = [0] if flat else pick_slices(label, prediction, count=SLICES)
    around = window_around(foreground_of(label, prediction) if has_background else np.ones(label.shape, bool), spacing[-2:])
    pictures = []
    for z in slices:
        where = '' if flat else f'slice {z + 1} of {len(image)}'
        said = f'{panel["title"]}, {where or "the image"}'
        lines = _outlines(label[z], prediction[z], around, class_names, first=int(has_background))
        pictures.append(_picture(image[z], around, lines, f'{said}: outlines of label and prediction', where))
        if uncertainty is not None:
            heat = matplotlib.colormaps['inferno'](np.clip(uncertainty[z], 0, 1))[..., :3]
            uncertain.append(_picture(heat, around, [], f'{said}: {name}', f'{where}, {name}'.lstrip(', ')))
    return join(tag('div', pictures, class_='slices'), tag('div', uncertain, class_='slices') if uncertain else None)


def outline_legend(class_names, *, has_background=True):
    """What the numbers, colours and dashes of the outlines mean."""
    first = int(has_background)
    names = [tag('li', tag('span', k, class_='swatch', style=f'background:{colour_of(k - first)}'), name)
             for k, name in enumerate(class_names) if k >= first]
    lines = [tag('li', tag('svg', tag('path', d='M1 5H27', class_='curve lead', stroke_dasharray=dashes), viewBox='0 0 28 10',
                           class_='key', aria_hidden='true'), name) for name, dashes in (('label', None), ('prediction', '5 3'))]
    return tag('ul', names, lines, class_='legend')


def colour_of(k):
    """The colour of the k-th class with an outline; after seven they come again, and the numbers tell them apart."""
    return PALETTE[k % len(PALETTE)]


def _picture(image, around, lines, said, where):
    (left, right), (bottom, top) = around
    height, width = image.shape[:2]
    x0, x1 = max(0, math.floor(left + 0.5)), min(width, math.ceil(right + 0.5))
    y0, y1 = max(0, math.floor(top + 0.5)), min(height, math.ceil(bottom + 0.5))
    (xa, ya), (xb, yb) = (_place(x - 0.5, y - 0.5, around) for x, y in ((x0, y0), (x1, y1)))
    drawing = tag('svg', tag('rect', width=SIZE, height=SIZE, fill='#000'),
                  tag('image', href=_png(image[y0:y1, x0:x1]), x=f'{xa:.2f}', y=f'{ya:.2f}', width=f'{xb - xa:.2f}',
                      height=f'{yb - ya:.2f}', preserveAspectRatio='none'),
                  lines, viewBox=f'0 0 {SIZE} {SIZE}', role='img', aria_label=said)
    return tag('figure', drawing, tag('figcaption', where) if where else None)


def _place(x, y, around):
    """Where a pixel's centre is drawn; the window is as wide as high in millimetres, and so is the drawing."""
    (left, right), (bottom, top) = around
    return (x - left) / (right - left) * SIZE, (y - top) / (bottom - top) * SIZE


def _png(image):
    """A data URL of (y, x) or (y, x, 3) in [0, 1]."""
    from PIL import Image
    picture = Image.fromarray((255 * np.nan_to_num(np.asarray(image, float))).round().astype(np.uint8))
    if max(picture.size) > PIXELS:
        picture.thumbnail((PIXELS, PIXELS), Image.Resampling.BOX)
    file = io.BytesIO()
    (picture if picture.mode == 'L' else picture.quantize(2 * COLOURS)).save(file, 'PNG', optimize=True)
    return f'data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}'


def _outlines(label, prediction, around, class_names, *, first):
    """Label solid and prediction dashed, each with its name under the pointer, and the number of each class beside it."""
    marks = []
    for k in range(first, len(class_names)):
        name, angle = class_names[k], math.tau * (k - first) / max(1, len(class_names) - first) - math.pi / 2
        both = [_contours(label == k, around), _contours((prediction == k) & (label != IGNORE), around)]
        for lines, what, dashes in zip(both, ('label', 'prediction'), (None, '5 3')):
            path = Html(''.join(_path(line) for line in lines))
            if path:
                yield tag('path', d=path, class_='casing', stroke_dasharray=dashes)
                yield tag('path', tag('title', f'{name}: {what}'), d=path, class_='outline', stroke=colour_of(k - first),
                          stroke_dasharray=dashes)
        points = np.concatenate(both[0] or both[1] or [np.zeros((0, 2))])
        if len(points):
            away = np.array((math.cos(angle), math.sin(angle)))
            x, y = (points[(points @ away).argmax()] + 10 * away).clip(12, SIZE - 12)
            marks.append(tag('text', k, x=f'{x:.0f}', y=f'{y:.0f}', dy='.35em', class_='mark',
                             style=f'fill:{colour_of(k - first)}'))
    yield join(marks)


def _contours(mask, around):
    """Closed lines around a mask, each (n, 2) of x and y in the drawing."""
    if not mask.any():
        return []
    lines = contour_generator(z=np.pad(mask, 1).astype(float)).lines(0.5)
    return [np.stack(_place(line[:, 0] - 1, line[:, 1] - 1, around), 1) for line in lines]


def _path(line):
    """SVG's words for a line, without points nearer to the one before than half a unit."""
    kept = [line[0]]
    for point in line[1:]:
        if np.abs(point - kept[-1]).max() >= 0.5:
            kept.append(point)
    return 'M' + 'L'.join(f'{x:.1f} {y:.1f}' for x, y in kept) + 'Z' if len(kept) > 2 else ''

"""Figures of cases: the best, the median and the worst, with the outlines of label and prediction."""
from __future__ import annotations

from collections import defaultdict

import numpy as np
from matplotlib import patheffects
from matplotlib.lines import Line2D

from scarceseg.components.labels import IGNORE
from scarceseg.registry.errors import UserError

from .curves import curves_figure
from .drawing import colours, new_figure, save_figure
from .measuring import describe
from .surface import bounding_box, check_spacing
from .tables import metric_columns

__all__ = ['case_figure', 'curves_figure', 'displayed', 'foreground_of', 'panel_title', 'pick_cases', 'pick_slices',
           'window_around']

COLUMNS = 3
DASHES = (0, (2.5, 1.5))


def pick_cases(rows):
    """The best, the median and the worst case by the mean of their first metric, Dice by default, over their classes.

    Args:
        rows: from ``evaluate_cases``. Classes taken as one, and cases without any value, are passed over.

    Returns:
        ``{'best': name, 'median': name, 'worst': name}``; of two cases there is no median, of one only the best.
    """
    metric = metric_columns(rows)[0]
    sign = 1 if describe(metric).better == 'lower' else -1
    values = defaultdict(list)
    for row in rows:
        if not row.get('fused') and row[metric] == row[metric]:
            values[row['case']].append(row[metric])
    order = sorted(values, key=lambda name: (sign * np.mean(values[name]), name))
    places = {'best': 0, 'median': len(order) // 2, 'worst': len(order) - 1}
    roles = {0: (), 1: ('best',), 2: ('best', 'worst')}.get(len(order), tuple(places))
    return {role: order[places[role]] for role in roles}


def panel_title(role, rows):
    """'best: patient012   Dice 93.4 %   HD95 3.1 mm' from the rows of one case; both are means over its classes."""
    parts = [f'{role}: {rows[0]["case"]}']
    rows = [row for row in rows if not row.get('fused')]
    shown = (('dice', 'Dice', 100, '%'), ('iou', 'IoU', 100, '%'), ('hd95_mm', 'HD95', 1, 'mm'),
             ('hd95_voxel', 'HD95', 1, 'voxels'))
    for key, name, scale, unit in shown:
        values = [row[key] for row in rows if row.get(key, np.nan) == row.get(key, np.nan)]
        if values:
            parts.append(f'{name} {scale * np.mean(values):.1f} {unit}')
        elif key in rows[0]:
            parts.append(f'no {name}')
    return '   '.join(parts)


def case_figure(panels, path, *, class_names, has_background=True):
    """Draw cases below each other, label solid and prediction dashed, and write them as an image file.

    Args:
        panels: list of dicts ``title``, ``image`` (C, *space) or (*space), ``label`` and ``prediction`` (*space) class
            indices, ``spacing_mm`` in the order of space or None. A volume is a row of slices along its first axis, an
            image one panel beside the others; three channels without spacing are colours, else the first channel is shown.
        path: the file to write; its ending decides on the format.
        class_names: names of all classes, background first.
        has_background: whether class 0 is background, which gets no outline.

    Raises:
        UserError: there is no case to draw.
    """
    if not panels:
        raise UserError(f'there is no case to draw in {path}; a case needs a value of at least one class')
    shades = [None, *colours(len(class_names) - 1)] if has_background else colours(len(class_names))
    flat = all(panel['label'].ndim == 2 for panel in panels)
    shape = (1, len(panels)) if flat else (len(panels), COLUMNS)
    figure = new_figure(3.1 * shape[1], 3.9 if flat else 3.4 * shape[0] + 0.5)
    grid = figure.subplots(*shape, squeeze=False)
    for i, panel in enumerate(panels):
        axes = [grid[0, i]] if flat else list(grid[i])
        title = panel['title'].replace('   ', '\n', 1) if flat else panel['title']
        axes[0].set_title(title, loc='left', fontsize=10)
        _draw_case(axes, panel, shades)
    drawn = {int(c) for panel in panels for key in ('label', 'prediction') for c in np.unique(panel[key])}
    handles = [Line2D([], [], color=shades[c], linewidth=4, label=name)
               for c, name in enumerate(class_names) if shades[c] is not None and c in drawn]
    handles += [Line2D([], [], color='0.35', linewidth=1.6, linestyle=style, label=name)
                for name, style in (('label', 'solid'), ('prediction', DASHES))]
    figure.legend(handles=handles, loc='outside lower center', ncols=min(len(handles), 2 * shape[1]), frameon=False,
                  fontsize=10, handlelength=2.2)
    save_figure(figure, path)


def pick_slices(label, prediction, *, count=COLUMNS):
    """Indices along the first axis, in order: the slice with most foreground, and others far from each other.

    Slices with less than a tenth of the most foreground are passed over, unless there is none at all.
    """
    area = foreground_of(label, prediction).reshape(len(label), -1).sum(1)
    candidates = np.flatnonzero(10 * area >= area.max())
    chosen = [int(area.argmax()) if area.any() else len(label) // 2]
    while len(chosen) < min(count, len(candidates)):
        chosen.append(int(max(candidates, key=lambda z: min(abs(z - c) for c in chosen))))
    return sorted(chosen)


def foreground_of(label, prediction):
    """Where either has a class above 0, (*space) bool; voxels without annotation are left out."""
    return ((label != 0) | (prediction != 0)) & (label != IGNORE)


def _draw_case(axes, panel, shades):
    label, prediction = np.asarray(panel['label']), np.asarray(panel['prediction'])
    image = displayed(np.asarray(panel['image']), label.ndim, panel['spacing_mm'])
    spacing = check_spacing(panel['spacing_mm'], label.shape)
    if label.ndim == 2:
        image, label, prediction, slices = image[None], label[None], prediction[None], [0]
    else:
        slices = pick_slices(label, prediction, count=len(axes))
    foreground = foreground_of(label, prediction) if shades[0] is None else np.ones(label.shape, bool)
    window = window_around(foreground, spacing[-2:])
    for axis in axes[len(slices):]:
        axis.set_axis_off()
    for axis, z in zip(axes, slices):
        axis.imshow(image[z], cmap='gray', vmin=0, vmax=1, aspect=spacing[-2] / spacing[-1])
        for c in (c for c, shade in enumerate(shades) if shade is not None):
            _outline(axis, label[z] == c, shades[c], dashed=False)
            _outline(axis, (prediction[z] == c) & (label[z] != IGNORE), shades[c], dashed=True)
        axis.set(xlim=window[0], ylim=window[1], xticks=[], yticks=[], facecolor='black')
        if len(axes) > 1:
            axis.text(0.03, 0.03, f'slice {z + 1} of {len(image)}', transform=axis.transAxes, color='white', fontsize=8,
                      path_effects=[patheffects.withStroke(linewidth=2, foreground='black')])


def displayed(image, dims, spacing_mm):
    """(*space), or (y, x, 3) of a picture in colour, from (C, *space), without its extremes in [0, 1]."""
    if image.ndim > dims:
        image = np.moveaxis(image, 0, -1) if spacing_mm is None and len(image) == 3 and dims == 2 else image[0]
    low, high = np.percentile(image, (1, 99.5))
    return ((image - low) / max(high - low, 1e-6)).clip(0, 1)


def _outline(axis, mask, colour, *, dashed):
    if not mask.any():
        return
    y, x = (np.arange(-1, n + 1) for n in mask.shape)
    casing = [patheffects.Stroke(linewidth=2.8, foreground='black', alpha=0.75), patheffects.Normal()]
    axis.contour(x, y, np.pad(mask, 1).astype(float), levels=[0.5], colors=[colour], linewidths=1.5,
                 linestyles=[DASHES if dashed else 'solid'])
    axis.collections[-1].set_path_effects(casing)


def window_around(foreground, spacing):
    """((left, right), (bottom, top)): a square in millimetres around the foreground, up to half as large again."""
    height, width = foreground.shape[1:]
    box = bounding_box(foreground.any(0)) if foreground.any() else (slice(0, height), slice(0, width))
    size = max((s.stop - s.start) * mm for s, mm in zip(box, spacing))
    extent = (height * spacing[0], width * spacing[1])
    side = max(min(1.5 * size, min(extent)), min(1.1 * size, max(extent)))
    (top, bottom), (left, right) = (_centred(s, side / mm, n) for s, mm, n in zip(box, spacing, (height, width)))
    return (left, right), (bottom, top)


def _centred(part, length, size):
    """An interval of ``length`` around ``part``, moved into 0..size where it fits."""
    start = (part.start + part.stop - length) / 2
    start = min(max(start, 0), size - length) if length <= size else (size - length) / 2
    return start - 0.5, start + length - 0.5

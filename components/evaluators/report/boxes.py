"""How the values of a metric are distributed over the cases, class by class: boxes, and every case as a point with its name."""
from __future__ import annotations

import numpy as np

from ..measuring import describe
from .axes import axis_of
from .html import tag

WIDTH, ROW, FOOT, SIDE = 360, 76, 26, 12
BAND = 13  # half the height in which the points lie
GOLDEN = 0.618  # steps of the golden ratio keep neighbours apart, and are the same at each drawing


def box_figures(rows, metrics):
    """A figure for each metric that some case has a value of."""
    return [figure for metric in metrics if (figure := _figure(rows, metric)) is not None]


def _figure(rows, metric):
    heading = describe(metric)
    groups = {}
    for row in rows:
        if row.get(metric) == row.get(metric, np.nan):  # no NaN
            groups.setdefault(row['class'], []).append((heading.scale * row[metric], row['case']))
    if not groups:
        return None
    values = [value for group in groups.values() for value, _ in group]
    finite = [v for v in values if np.isfinite(v)]
    if not finite:
        return None
    bounds = {'share': dict(high=100), 'length': dict(low=0)}.get(heading.kind, {})
    x = axis_of(finite, SIDE, WIDTH - SIDE, **bounds)
    height = ROW * len(groups) + FOOT
    unit = heading.text[len(heading.title):].strip()
    drawing = tag('svg', _grid(x, height, unit),
                  [_row(name, sorted((v, c) for v, c in group if np.isfinite(v)), x, ROW * k, heading, unit)
                   for k, (name, group) in enumerate(groups.items())],
                  viewBox=f'0 0 {WIDTH} {height}', role='img', aria_label=_said(groups, heading))
    better = {'higher': 'higher is better', 'lower': 'lower is better'}.get(heading.better)
    return tag('figure', tag('figcaption', tag('b', heading.text), f' ({better})' if better else ''), drawing)


def _said(groups, heading):
    return f'Distribution of {heading.text} over the cases: ' + '; '.join(
        f'{name}, median {np.median([v for v, _ in group]):.2f} of {len(group)} cases' for name, group in groups.items())


def _grid(x, height, unit):
    foot = height - FOOT
    for value in x.ticks(6):
        at = f'{x.at(value):.1f}'
        yield tag('line', x1=at, x2=at, y1=2, y2=foot + 4, class_='grid')
        yield tag('text', f'{value:.4g}', x=at, y=foot + 18, text_anchor='middle')


def _row(name, group, x, top, heading, unit):
    """A class: its name, its median and its worst case in words, the box, and the points."""
    if not group:
        return None
    values = np.array([value for value, _ in group])
    low, middle, high = np.percentile(values, (25, 50, 75))
    inside = values[(values >= low - 1.5 * (high - low)) & (values <= high + 1.5 * (high - low))]
    centre = top + 54
    worst = {'higher': group[0], 'lower': group[-1]}.get(heading.better)
    said = f'worst {worst[0]:.2f}: {worst[1]}' if worst and len(group) > 1 else ''
    ends = (x.at(v) for v in (inside.min(), low, middle, high, inside.max()))
    a, b, c, d, e = (f'{end:.1f}' for end in ends)
    yield tag('text', _cut(name, 26), tag('title', name), x=SIDE, y=top + 14, class_='name')
    yield tag('text', f'median {middle:.2f}', x=WIDTH - SIDE, y=top + 14, text_anchor='end')
    yield tag('text', _cut(said, 52), tag('title', said), x=SIDE, y=top + 31)
    yield tag('path', d=f'M{a} {centre}H{b}M{d} {centre}H{e}', class_='whisker')
    yield tag('rect', x=b, y=centre - 10, width=f'{max(float(d) - float(b), 0.5):.1f}', height=20, class_='box')
    for k, (value, case) in enumerate(group):
        y = centre + BAND * (2 * (GOLDEN * k % 1) - 1)
        yield tag('circle', tag('title', f'{case}: {name}, {heading.title} {value:.2f} {unit}'.strip()), cx=f'{x.at(value):.1f}',
                  cy=f'{y:.1f}', r=3, class_='point')
    yield tag('path', d=f'M{c} {centre - 12}V{centre + 12}', class_='median')


def _cut(text, length):
    return text if len(text) <= length else f'{text[:length - 1]}…'

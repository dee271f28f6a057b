"""Curves of a training as drawings in SVG, with the values under the pointer."""
from __future__ import annotations

import math

from ..curves import LEADING, SCORES, TITLES, curve_panels
from .axes import axis_of, short
from .html import join, tag

WIDTH, HEIGHT = 380, 240
LEFT, RIGHT, TOP, BOTTOM = 48, 20, 10, 34
DASHES = (None, '7 3', '2 2.5', '9 3 2 3', '4 2', '1 3', '12 4')  # with the colour, so that neither is needed alone
SHADES = 7
HOVERED = 80  # points of a curve that answer the pointer
NAMES = {'grad_norm': 'norm of the gradient'}


def curve_figures(curves):
    """A figure for each group of curves that ``curve_panels`` draws together; none where nothing was logged."""
    return [_figure(title, members) for title, members in curve_panels(curves).items()]


def _figure(title, members):
    members = {name: [(x, y) for x, y in points if math.isfinite(y)] for name, points in members.items()}
    members = {name: points for name, points in members.items() if points}
    heading = NAMES.get(title, title)
    if not members:
        return tag('figure', tag('figcaption', f'{heading}: no finite value'))
    styles = _styles(members)
    values = [y for points in members.values() for _, y in points]
    score = title in [f'validation {score}' for score in SCORES.values()]
    log = title in (TITLES['loss'], TITLES['term']) and min(values) > 0 and max(values) > 50 * min(values)
    x = axis_of([0, *(p[0] for points in members.values() for p in points)], LEFT, WIDTH - RIGHT, low=0, high=1)
    y = axis_of(values, HEIGHT - BOTTOM, TOP, log=log, high=1 if score else None, low=0 if min(values) >= 0 and not score else None)
    best = max(members['mean'], key=lambda p: p[1]) if score and 'mean' in members else None
    notes = [f'best mean {short(best[1])} at iteration {short(best[0])}'] if best else []
    notes += ['logarithmic scale'] if log else []
    said = '; '.join(f'{name} from {short(points[0][1])} to {short(points[-1][1])}' for name, points in members.items())
    drawing = tag('svg', _grid(x, y), [_curve(name, points, x, y, styles[name]) for name, points in members.items()],
                  tag('circle', cx=f'{x.at(best[0]):.1f}', cy=f'{y.at(best[1]):.1f}', r=6, class_='best') if best else None,
                  viewBox=f'0 0 {WIDTH} {HEIGHT}', role='img', aria_label=f'Curves by iteration, {heading}: {said}')
    return tag('figure', tag('figcaption', tag('b', heading), f' ({", ".join(notes)})' if notes else ''), drawing,
               tag('ul', [_key(name, points, styles[name]) for name, points in members.items()], class_='legend'))


def _styles(members):
    """{curve: (class of its colour, its dashes)}; what leads or stands alone has the colour of text."""
    others = [name for name in members if name not in LEADING]
    styles = {name: (f's{k % SHADES}', DASHES[k % len(DASHES)]) for k, name in enumerate(others)}
    return {name: styles[name] if name in styles and len(members) > 1 else ('lead', None) for name in members}


def _grid(x, y):
    """Lines, numbers and the name of the axis below."""
    for value in y.ticks():
        at = f'{y.at(value):.1f}'
        yield tag('line', x1=LEFT, x2=WIDTH - RIGHT, y1=at, y2=at, class_='grid')
        yield tag('text', short(value), x=LEFT - 6, y=at, dy='.35em', text_anchor='end')
    for value in x.ticks(4):
        yield tag('text', short(value), x=f'{x.at(value):.1f}', y=HEIGHT - BOTTOM + 14, text_anchor='middle')
    yield tag('text', 'iteration', x=(LEFT + WIDTH - RIGHT) / 2, y=HEIGHT - 5, text_anchor='middle')


def _curve(name, points, x, y, style):
    shade, dashes = style
    places = [(f'{x.at(a):.1f}', f'{y.at(b):.1f}') for a, b in points]
    step = max(1, -(-len(points) // HOVERED))
    shown = len(points) <= 12  # a few points are drawn as such, or a single one would not be seen
    dots = [tag('circle', tag('title', f'{name} {short(b)} at iteration {short(a)}'), cx=px, cy=py, r=3,
                class_=f'dot {shade}{"" if shown else " hidden"}')
            for (a, b), (px, py) in list(zip(points, places))[::-step]]
    path = tag('path', d='M' + 'L'.join(f'{px} {py}' for px, py in places), class_=f'curve {shade}', stroke_dasharray=dashes)
    return join(path, dots)


def _key(name, points, style):
    shade, dashes = style
    line = tag('svg', tag('path', d='M1 5H27', class_=f'curve {shade}', stroke_dasharray=dashes), viewBox='0 0 28 10', class_='key',
               aria_hidden='true')
    return tag('li', line, name, ' ', tag('span', short(points[-1][1]), class_='quiet', title='the last value'))

"""Curves of a training, as small figures side by side."""
import math

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from .drawing import PALETTE, colours, new_figure, save_figure

ON_WHITE = tuple(c for c in PALETTE if c != '#F0E442')  # its yellow is lost on white
NOT_DRAWN = ('time', 'data_time', 'memory', 'iter', 'epoch', 'step', 'base_lr')
TITLES = {'loss': 'training loss (weighted terms)', 'term': 'terms of the loss, unweighted',
          'weight': 'weights of the terms', 'lr': 'learning rate'}
SCORES = {'dice': 'Dice', 'iou': 'IoU'}
COLUMNS = 3
LEADING = ('total', 'mean', 'lr')


def curves_figure(curves, path):
    """Draw the curves of a training and write them as an image file.

    Args:
        curves: ``{name: [(iteration, value), …]}`` with names such as 'train/loss', 'train/loss_<term>',
            'train/term/<term>', 'train/weight/<term>', 'train/lr', 'val/dice/mean' and 'val/dice/<class>'.
        path: the file to write; its ending decides on the format.
    """
    panels = curve_panels(curves)
    columns = min(COLUMNS, max(1, len(panels)))
    lines = max(1, math.ceil(len(panels) / columns))
    figure = new_figure(4.6 * columns, 3.1 * lines)
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    last = max((points[-1][0] for points in curves.values() if points), default=1)
    shades = _shades(panels)
    for axis, (title, members) in zip(axes, panels.items()):
        _draw_panel(axis, title, members, shades[title])
        axis.set_xlim(0, max(last, 1))
    for axis in axes[len(panels):]:
        axis.set_axis_off()
    if not panels:
        axes[0].text(0.5, 0.5, 'nothing was logged', ha='center', va='center')
    save_figure(figure, path)


def curve_panels(curves):
    """``{title: {short name: points}}``: which curves are drawn together, in the order they are drawn in."""
    panels = {}
    for name, points in curves.items():
        stage, _, rest = name.partition('/')
        if not points or not rest or rest in NOT_DRAWN:
            continue
        head, _, tail = rest.partition('/')
        if stage != 'train':
            title, short = f'{"validation" if stage == "val" else stage} {SCORES.get(head, head)}', tail or head
        elif head.startswith('loss'):
            title, short = TITLES['loss'], 'total' if rest == 'loss' else rest[len('loss_'):]
        else:
            title, short = TITLES.get(head, head), tail or head
        panels.setdefault(title, {})[short] = points
    order = [*TITLES.values()]
    panels = dict(sorted(panels.items(), key=lambda item: _place(item[0], order)))
    total = panels.get(TITLES['loss'], {})
    if set(total) > {'total'} and len(total) == 2:  # one term alone is the total
        panels[TITLES['loss']] = {'total': total['total']}
    return panels


def _place(title, order):
    """Losses first, then what is validated, then the rest in order."""
    if title == order[0]:
        return (0, title)
    if title.startswith('validation'):
        return (1, title)
    return (2 + (order.index(title) if title in order else len(order)), title)


def _shades(panels):
    """{title: {curve: colour}}; a term has one colour wherever it is drawn, what leads or stands alone is black."""
    shades = {}
    for validated in (True, False):
        own = [title for title in panels if title.startswith('validation') == validated]
        names = list(dict.fromkeys(name for title in own for name in panels[title] if name not in LEADING))
        table = dict(zip(names, colours(len(names), palette=ON_WHITE)))
        shades.update({title: {**table, **dict.fromkeys(LEADING, 'black')} for title in own})
    return shades


def _draw_panel(axis, title, members, shades):
    training = title in (TITLES['loss'], TITLES['term'])
    for name in sorted(members, key=lambda name: name in LEADING):
        x, y = np.array(members[name], float).T
        style = {'color': shades[name], 'linewidth': 2.0 if name in LEADING else 1.4}
        _draw_curve(axis, x, y, name, style, smooth=training)
    values = np.concatenate([np.array(points, float)[:, 1] for points in members.values()])
    values = values[np.isfinite(values)]
    if training and values.size and values.min() > 0 and values.max() > 50 * values.min():
        axis.set_yscale('log')
    if title in [f'validation {score}' for score in SCORES.values()]:
        title += _mark_best(axis, members.get('mean', []))
        axis.set_ylim(top=1.0)
    axis.set_title(title, loc='left', fontsize=11)
    axis.set_xlabel('iteration')
    axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axis.xaxis.set_major_formatter(FuncFormatter(_thousands))
    axis.grid(color='0.9', linewidth=0.8)
    axis.set_axisbelow(True)
    axis.spines[['top', 'right']].set_visible(False)
    if set(members) - {'lr', 'total'}:
        axis.legend(frameon=False, fontsize=9, ncols=2 if len(members) > 4 else 1)


def _draw_curve(axis, x, y, name, style, *, smooth):
    """One curve; a long noisy one is smoothed, and drawn pale beneath as it is."""
    window = len(y) // 40
    if not smooth or window < 3:
        axis.plot(x, y, label=name, marker='o' if len(y) == 1 else None, markersize=4, **style)
        return
    axis.plot(x, y, color=style['color'], linewidth=0.6, alpha=0.3)
    finite, kernel = np.isfinite(y), np.ones(window)
    total, count = (np.convolve(v, kernel, 'same') for v in (np.where(finite, y, 0), finite))
    axis.plot(x, np.divide(total, count, out=np.full(len(y), np.nan), where=count > 0.5), label=name, **style)


def _mark_best(axis, points):
    """Mark the highest point; what the title says about it."""
    x, y = np.array(points, float).reshape(-1, 2).T
    if not np.isfinite(y).any():
        return ''
    best = np.nanargmax(y)
    axis.plot(x[best], y[best], 'o', color='black', markersize=6, markerfacecolor='white', zorder=5, clip_on=False)
    return f', best mean {y[best]:.3f} at {_thousands(x[best])}'


def _thousands(value, _=None):
    return f'{value:,.0f}'.replace(',', '\u202f')

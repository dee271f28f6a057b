"""Figures of several methods: how often each has which rank, and how their values are distributed class by class."""
from __future__ import annotations

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ..drawing import PALETTE, colours, new_figure, save_figure
from ..measuring import describe
from .notes import counts_of, p_text
from .scores import nanmean

ON_WHITE = tuple(c for c in PALETTE if c != '#F0E442')  # its yellow is lost on white
LARGEST = 26  # points, of the disc of a method that has one rank always


def rank_figure(table, path):
    """Draw ranks as discs and write them as an image file [Wiesenfarth 2021].

    A row is a method, the best above; the area of a disc is the share of patients (or cases) on which it has that rank, and the
    line is its mean rank.

    Args:
        table: ``ComparisonTable``.
        path: the file to write; its ending decides on the format.

    Returns:
        Whether there was something to draw: two methods or more that are ranked, with cases that have values of all.
    """
    rankings = {column: ranking for column, ranking in table.rankings.items() if ranking.units}
    if not rankings:
        return False
    methods = list(next(iter(rankings.values())).ranks)
    shades = _shades(table)
    longest = max(map(len, methods))
    figure = new_figure((1.2 + 0.45 * len(methods) + 0.075 * longest) * len(rankings), 1.5 + 0.5 * len(methods))
    figure.suptitle(counts_of(table), fontsize=9, x=0.01, ha='left')
    for axis, (column, ranking) in zip(figure.subplots(1, len(rankings), squeeze=False)[0], rankings.items()):
        _draw_ranks(axis, ranking, shades)
        p = '' if np.isnan(ranking.p) else f'Friedman p {p_text(ranking.p)}'
        axis.set_title(f'{describe(column.metric).title}\n{p}', loc='left', fontsize=10)
    save_figure(figure, path)
    return True


def box_figure(table, path):
    """Draw the values of all cases as boxes beside each other, class by class, and write them as an image file.

    A box holds the middle half, its line is the median, its whiskers reach to the last case within one and a half boxes; every case
    is a dot. Of several seeds a dot is their mean.

    Args:
        table: ``ComparisonTable``.
        path: the file to write; its ending decides on the format.
    """
    scores, methods, shades = table.scores, table.methods, _shades(table)
    columns = scores.columns('paper')
    names = list(dict.fromkeys(c.name for c in columns))
    height = 2.9 * len(scores.metrics) + 0.5
    figure = new_figure(max(4.5, 1.2 + len(names) * (0.5 + 0.33 * len(methods))), height)
    for axis, metric in zip(figure.subplots(len(scores.metrics), 1, squeeze=False)[:, 0], scores.metrics):
        heading = describe(metric)
        own = [c for c in columns if c.metric == metric]
        for k, method in enumerate(methods):
            values = [heading.scale * nanmean(scores.over_seeds(method, c), 1) for c in own]
            places = np.arange(len(own)) + (k - (len(methods) - 1) / 2) * 0.8 / len(methods)
            _draw_boxes(axis, values, places, 0.6 / len(methods), shades[method])
        axis.set_xticks(range(len(own)), [c.name for c in own])
        axis.set_title(heading.text + {'higher': ', higher is better', 'lower': ', lower is better'}.get(heading.better, ''),
                       loc='left', fontsize=10)
        _clean(axis, grid='y')
    handles = [Line2D([], [], color=shades[m], linewidth=5, label=f'{"LEAK " * (m in table.leaks)}{m}') for m in methods]
    figure.legend(handles=handles, loc='outside lower center', ncols=min(3, len(methods)), frameon=False, fontsize=9)
    save_figure(figure, path)


def _draw_ranks(axis, ranking, shades):
    order = sorted(ranking.ranks, key=ranking.mean)
    for y, method in enumerate(order):
        found, count = np.unique(ranking.ranks[method], return_counts=True)
        axis.scatter(found, np.full(len(found), y), s=LARGEST ** 2 * count / ranking.units, color=shades[method], linewidths=0)
        axis.plot([ranking.mean(method)] * 2, [y - 0.36, y + 0.36], color='black', linewidth=1.8)
    axis.set(xlim=(0.4, len(order) + 0.6), ylim=(len(order) - 0.4, -0.6), xlabel='rank')
    axis.set_yticks(range(len(order)), [f'{m}  {ranking.mean(m):.2f}' for m in order])
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    _clean(axis, grid='x')


def _draw_boxes(axis, values, places, width, shade):
    values = [v[~np.isnan(v)] for v in values]
    thin, strong = dict(linewidth=0.8), dict(color='black', linewidth=1)
    axis.boxplot(values, positions=places, widths=width, manage_ticks=False, showfliers=False, patch_artist=True,
                 medianprops=strong, boxprops=dict(facecolor=shade, alpha=0.55, **thin), whiskerprops=thin, capprops=thin)
    for x, column in zip(places, values):
        spread = 0 if len(column) == 1 else width * 0.35 * np.linspace(-1, 1, len(column))  # in the order of cases
        axis.plot(x + spread, column, 'o', color='0.2', markersize=1.8, alpha=0.7, markeredgewidth=0)


def _shades(table):
    return dict(zip(table.methods, colours(len(table.methods), palette=ON_WHITE)))


def _clean(axis, *, grid):
    axis.grid(axis=grid, color='0.9', linewidth=0.8)
    axis.set_axisbelow(True)
    axis.spines[['top', 'right']].set_visible(False)

"""A ``ComparisonTable`` as text for the terminal, as Markdown and as LaTeX."""
from __future__ import annotations

from itertools import groupby
from textwrap import fill

import numpy as np
from tabulate import tabulate

from ..measuring import describe
from .notes import counts_of, p_text, sentences

PAD = '\ue000'  # a space that tabulate does not strip
NONE = '–'
WIDTH = 120  # of lines of explanations on a terminal
LATEX = {'\\': r'\textbackslash{}', '&': r'\&', '%': r'\%', '$': r'\$', '#': r'\#', '_': r'\_', '{': r'\{', '}': r'\}',
         '~': r'\textasciitilde{}', '^': r'\textasciicircum{}', '|': r'\textbar{}',
         '[': '{[}',  # which would begin an option behind the end of a line
         '±': r'$\pm$', '–': '--', '<': r'$<$', '>': r'$>$'}


def number(value, column, *, sign=''):
    """A value in the unit that its column is shown in; '–' where there is none."""
    heading = describe(column.metric)
    digits = 3 if heading.kind == 'number' else 2
    return NONE if np.isnan(value) else f'{heading.scale * value:{sign}.{digits}f}'


def shown_mean(cell, column):
    """The mean of a cell as it is shown."""
    return number(cell.mean, column)


def terminal_text(table, *, bold):
    """The table, its explanations, and the tests behind its stars."""
    rows = []
    for method in table.methods:
        rows.append([_label(table, method)])
        for column in table.columns:
            text = _aligned(table, method, column)
            if method in table.best(column):
                text = f'\033[1m{text}\033[0m' if bold else f'{text}●'
            elif not bold and table.best(column):
                text += PAD
            rows[-1] += [text, *_interval(table, method, column)]
        rows[-1] += _rank(table, method)
    parts = [f'{counts_of(table)}', _tabulated(rows, _headers(table, '\n'), 'simple')]
    if table.contrasts:
        parts.append(_tabulated(*_tests(table), 'simple'))
    notes = sentences(table, best='bold' if bold else 'marked ●')
    parts.append('\n'.join(fill(note, WIDTH, subsequent_indent='  ', break_on_hyphens=False) for note in notes))
    return '\n\n'.join(parts)


def markdown_text(table):
    """The table, the tests behind its stars, and its explanations as a list."""
    rows = []
    for method in table.methods:
        rows.append([_escaped(_label(table, method))])
        for column in table.columns:
            text = _value(table, method, column)
            text = f'**{text}**' if method in table.best(column) else text
            rows[-1] += [text + r'\*' * table.significant(method, column), *_interval(table, method, column)]
        rows[-1] += _rank(table, method)
    parts = [counts_of(table), _tabulated(rows, [_escaped(h) for h in _headers(table, ' ')], 'pipe')]
    if table.contrasts:
        tests, headers = _tests(table)
        parts.append(_tabulated([[_escaped(t) for t in row] for row in tests], [_escaped(h) for h in headers], 'pipe'))
    parts.append('\n'.join(f'- {_escaped(note)}' for note in table.notes))
    return '\n\n'.join(parts) + '\n'


def latex_text(table):
    """A float with the explanations as its caption."""
    lines = []
    for method in table.methods:
        line = [_tex(_label(table, method))]
        for column in table.columns:
            text = _tex(_value(table, method, column))
            text = rf'\textbf{{{text}}}' if method in table.best(column) else text
            line += [text + '$^{*}$' * table.significant(method, column), *map(_tex, _interval(table, method, column))]
        lines.append(' & '.join([*line, *map(_tex, _rank(table, method))]) + r' \\')
    width = len(_headers(table, ' '))
    caption = _tex('. '.join(note[0].upper() + note[1:] for note in (counts_of(table), *sentences(table))) + '.')
    return '\n'.join([r'% needs \usepackage{booktabs}', r'\begin{table}', r'\centering', rf'\caption{{{caption}}}',
                      rf'\begin{{tabular}}{{l{"r" * (width - 1)}}}', r'\toprule', *_tex_head(table), r'\midrule', *lines,
                      r'\bottomrule', r'\end{tabular}', r'\end{table}', ''])


def _label(table, method):
    """A method's name with what must be known of it."""
    return f'{"LEAK " * (method in table.leaks)}{method}{" ?" * (method in table.unknown)}'


def _value(table, method, column):
    cell = table.cells[method, column]
    if np.isnan(cell.mean):
        return NONE
    seeds = '' if np.isnan(cell.seeds_std) else f' (±{number(cell.seeds_std, column)})'
    return f'{shown_mean(cell, column)} ± {number(cell.std, column)}{seeds}'


def _aligned(table, method, column):
    """The same with all numbers of a column below each other, and its star."""
    texts = {m: _value(table, m, column).split(' ') for m in table.methods}
    widths = [max((len(t[k]) for t in texts.values() if len(t) > k), default=0) for k in range(4)]
    own = [part.rjust(width, PAD) for part, width in zip(texts[method], widths)]
    missing = sum(width + 1 for width in widths[len(own):] if width)
    star = '*' if table.significant(method, column) else PAD * any(table.significant(m, column) for m in table.methods)
    return PAD.join(own) + PAD * missing + star


def _interval(table, method, column):
    """The text of the interval, in the layout that shows it."""
    cell = table.cells[method, column]
    return [_between(cell.low, cell.high, column)] if table.layout == 'standard' else []


def _between(low, high, column, sign=''):
    return NONE if np.isnan(low) else f'[{number(low, column, sign=sign)}, {number(high, column, sign=sign)}]'


def _rank(table, method):
    if table.layout != 'standard' or not table.rankings:
        return []
    rank = table.mean_rank(method)
    return [NONE if np.isnan(rank) else f'{rank:.2f}']


def _headers(table, between):
    """Headings of the columns; of a class, metric and class with ``between`` in the middle."""
    found = ['method']
    for column in table.columns:
        text = describe(column.metric).text
        standard = table.layout == 'standard'
        found += [text, f'{100 * table.level:g} % interval'] if standard else [f'{text}{between}{column.name}']
    return [*found, *(['mean rank'] if table.layout == 'standard' and table.rankings else [])]


def _tests(table):
    """(rows, headers) of the tests against the baseline."""
    rows = []
    for (method, column), c in table.contrasts.items():
        what = describe(column.metric).text if table.layout == 'standard' else f'{describe(column.metric).text} {column.name}'
        rows.append([method, what, number(c.difference, column, sign='+'), _between(c.low, c.high, column, '+'), str(c.t.pairs),
                     *(p_text(p) for p in (c.wilcoxon.p, c.wilcoxon_holm, c.t.p, c.t_holm))])
    headers = [f'against {table.baseline}', 'in', 'difference', f'{100 * table.level:g} % interval', 'pairs', 'p Wilcoxon', 'Holm',
               'p t-test', 'Holm']
    return rows, headers


def _tabulated(rows, headers, style):
    align = ['left' if k == 0 or header == 'in' else 'right' for k, header in enumerate(headers)]
    return tabulate(rows, headers, tablefmt=style, disable_numparse=True, colalign=align).replace(PAD, ' ')


def _escaped(text):
    return ''.join(f'\\{c}' if c in '\\|*_`<' else c for c in text)


def _tex(text):
    return ''.join(LATEX.get(c, c) for c in text)


def _tex_head(table):
    """The lines of the head: one, or a line of metrics over one of classes."""
    if table.layout == 'standard':
        return [' & '.join(map(_tex, _headers(table, ' '))) + r' \\']
    spans, rules, start = [], [], 2
    for metric, group in groupby(table.columns, key=lambda c: c.metric):
        size = len(list(group))
        spans.append(rf'\multicolumn{{{size}}}{{c}}{{{_tex(describe(metric).text)}}}')
        rules.append(rf'\cmidrule(lr){{{start}-{start + size - 1}}}')
        start += size
    names = ['method', *(_tex(c.name) for c in table.columns)]
    return [' & '.join(['', *spans]) + r' \\', ' '.join(rules), ' & '.join(names) + r' \\']

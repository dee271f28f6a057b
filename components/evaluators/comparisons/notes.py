"""What a table of methods says below itself: what its signs mean, and what it cannot say."""
from __future__ import annotations

import numpy as np

from ..measuring import describe

NAMES = {'wilcoxon': 'Wilcoxon signed-rank test', 't': 'paired t-test'}
RULES = {'wilcoxon': ' (differences of zero dropped, equal ones share their rank)', 't': ''}


def counts_of(table):
    """'20 cases of 10 patients, 3 seeds of each method'."""
    scores = table.scores
    people = '' if scores.patients is None else f' of {counted(scores.units, "patient")}'
    seeds = {len(v) for v in scores.values.values()}
    seeds = f'{counted(*seeds, "seed")} of each method' if len(seeds) == 1 else f'{min(seeds)} to {max(seeds)} seeds of a method'
    return f'{counted(len(scores.cases), "case")}{people}, {seeds}'


def sentences(table, *, best='bold'):
    """Explanations and then warnings, of which each begins with WARNING or LEAK; ``best`` is how the best is marked."""
    return (*_explanations(table, best), *table.remarks, *_warnings(table))


def counted(number, what):
    return f'{number} {what}' if number == 1 else f'{number} {what}s'


def _explanations(table, best):
    classes = table.scores.classes[:table.scores.plain]
    mean = f', of the mean of the classes {", ".join(classes)}' if table.layout == 'standard' and len(classes) > 1 else ''
    best = f'; the best mean of a column is {best}' if any(map(table.best, table.columns)) else ''
    yield f'mean ± standard deviation over cases{mean}{best}'
    if table.layout == 'paper' and len(classes) > 1:
        yield f'average: mean of the classes {", ".join(classes)}'
    if any(cell.seeds > 1 for cell in table.cells.values()):
        yield ('several seeds: mean of their means; the first ± is of cases whose values are means over seeds, (±) in brackets the '
               'standard deviation of the means of the seeds (n - 1)')
    if table.layout == 'standard':
        how = {'bca': 'BCa', 'percentile': 'percentile'}[table.interval]
        yield (f'[low, high]: {100 * table.level:g} % bootstrap interval ({how}) of the mean, resampling '
               f'{"cases" if table.scores.patients is None else "patients with all their cases"}')
    if table.contrasts:
        yield _star(table)
        single = [m for m, values in table.scores.values.items() if len(values) == 1]
        if single:
            yield f'one seed of {", ".join(single)}: tests are of trained networks, and another seed may turn a difference round'
    if table.rankings and table.layout == 'standard':
        found = {describe(c.metric).title: r.p for c, r in table.rankings.items() if not np.isnan(r.p)}
        tests = ', '.join(f'{title} {p_text(p)}' for title, p in found.items())
        unit = 'case' if table.scores.patients is None else 'patient'
        yield f'mean rank: over the metrics and each {unit}, 1 the best' + (f'; p of Friedman: {tests}' if tests else '')


def _star(table):
    one = 'case' if table.scores.patients is None else 'patient'
    over = {c.t.pairs for c in table.contrasts.values()}
    pairs = f'{min(over)}' if len(over) == 1 else f'{min(over)} to {max(over)}'
    how = '' if table.scores.patients is None else ', whose cases are averaged because they are no independent evidence'
    tests = sum(not np.isnan(table.p(c)) for c in table.contrasts.values())
    correction = f', Holm-corrected for the {tests} comparisons of this table' if tests > 1 else ''
    said = '*: differs' if any(table.significant(*key) for key in table.contrasts) else 'no *: nothing differs'
    return (f'{said} from {table.baseline} with p < {table.alpha:g} by a two-sided {NAMES[table.test]} of {pairs} '
            f'{one}s{how}{RULES[table.test]}{correction}')


def _warnings(table):
    for method, why in table.leaks.items():
        yield f'LEAK: {method} {why}; it is neither tested, ranked nor called best'
    for why in dict.fromkeys(table.unknown.values()):
        yield f'WARNING, marked ?: {", ".join(m for m, clause in table.unknown.items() if clause == why)} {why}'
    yield from (f'WARNING: {sentence}' for sentence in table.warnings)
    yield from _missing(table)
    if table.contrasts:
        yield from _too_few(table)


def _missing(table):
    """Which methods lack values, in any seed: their mean is over other cases than that of the others."""
    found = {}
    for column in table.columns:
        lacking = tuple((m, int(np.isnan(table.scores.of(m, column)).any(0).sum())) for m in table.methods)
        if any(n for _, n in lacking) and not (table.layout == 'paper' and len(column.classes) > 1):
            found.setdefault((column.metric, lacking), []).append(column)
    for (metric, lacking), columns in found.items():
        where = f' of {", ".join(c.name for c in columns)}' if table.layout == 'paper' else ''
        total = len(table.scores.cases) * len(columns[0].classes)
        of = 'cases' if len(columns[0].classes) == 1 else 'pairs of case and class'
        listed = ', '.join(f'{n} by {m}' for m, n in lacking if n)
        uneven = '; means over different cases cannot be compared, eval.py --empty worst counts all'
        yield (f'WARNING: no {describe(metric).title}{where} for some of the {total} {of}: {listed}'
               f'{uneven if len({n for _, n in lacking}) > 1 else ""}')


def _too_few(table):
    """Where not even the smallest p that a signed-rank test of so many pairs can give would be significant."""
    pairs, tests = min(c.wilcoxon.pairs for c in table.contrasts.values()), len(table.contrasts)
    smallest = min(1.0, 2.0 ** (1 - pairs))
    if smallest >= table.alpha:
        yield (f'WARNING: with {counted(pairs, "pair")} the smallest p of a Wilcoxon test is {smallest:g}: with fewer than 6 none '
               'below 0.05 is possible, whatever the values')
    elif tests * smallest >= table.alpha:
        yield (f'WARNING: with {counted(pairs, "pair")} and {tests} comparisons the smallest corrected p of a Wilcoxon test is '
               f'{min(1, tests * smallest):.2g}: none below {table.alpha:g} is possible; choose fewer --metrics, or more cases')


def p_text(p):
    """'0.031', '< 0.001', or '–' where there is no test."""
    return '–' if np.isnan(p) else '< 0.001' if p < 0.001 else f'{p:.3f}' if p < 0.1 else f'{p:.2f}'

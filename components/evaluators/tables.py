"""Rows of all cases: their summary, as text for the terminal and as CSV."""
from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
from tabulate import tabulate

from scarceseg.components.drafts import draft_of
from scarceseg.registry.errors import UserError

from .measuring import describe

TEXT = ('case', 'class', 'state')
COUNTS = ('label_voxels', 'prediction_voxels', 'fused')


def summarise(rows):
    """Mean, standard deviation and number of cases of every metric, per class and over the classes.

    A value that is NaN is not counted. The last entry, 'mean', is the mean of the classes' means, so that a class which
    some cases lack weighs as much as the others; its standard deviation is that of the cases' means over the classes
    they have. Several classes taken as one (``fused``) have entries of their own and no part in the mean. All standard
    deviations are those of the cases at hand (divided by n, not n - 1).

    Args:
        rows: from ``evaluate_cases``.

    Returns:
        ``{class: {'cases': n, 'states': {state: cases}, metric: {'mean', 'std', 'counted'}}}``. The 'mean' entry counts
        cases too (``counted``: those with a value for some class), but its ``states`` are of pairs of case and class.
    """
    metrics = metric_columns(rows)
    plain = [row for row in rows if not row.get('fused')]
    summary = {}
    for name in dict.fromkeys(row['class'] for row in rows):
        own = [row for row in rows if row['class'] == name]
        summary[name] = {'cases': len(own), 'states': dict(Counter(row['state'] for row in own)),
                         **{m: _statistics([row.get(m, np.nan) for row in own]) for m in metrics}}
    of_case = {}
    for row in plain:
        of_case.setdefault(row.get('case'), []).append(row)
    mean = {'cases': len(of_case), 'states': dict(Counter(row['state'] for row in plain))}
    for metric in metrics:
        over_cases = _statistics([_mean([r.get(metric, np.nan) for r in group]) for group in of_case.values()])
        over_classes = _mean([summary[name][metric]['mean'] for name in dict.fromkeys(row['class'] for row in plain)])
        mean[metric] = {**over_cases, 'mean': over_classes}
    return {**summary, 'mean': mean}


def terminal_table(summary):
    """A summary as text: a row per class and the mean, and in words which cases have no value and why."""
    headings = {key: describe(key) for key in summary['mean'] if key not in ('cases', 'states')}
    surface = [m for m, heading in headings.items() if heading.kind == 'length']
    others = [m for m in headings if m not in surface]
    table = []
    for name, entry in summary.items():
        line = [name, *(_cell(entry[m], heading.scale) for m, heading in headings.items())]
        line += [f'{max(entry[m]["counted"] for m in some)} of {entry["cases"]}' for some in (others, surface) if some]
        table.append(line)
    headers = ['class', *(heading.text for heading in headings.values())]
    headers += [title for title, some in (('cases', others), ('with distance', surface)) if some]
    align = ['left', *['right'] * (len(headers) - 1)]
    text = tabulate(table, headers, tablefmt='simple', disable_numparse=True, colalign=align)
    return '\n'.join([text, 'mean ± standard deviation over cases; the last row is the mean of the classes', *table_notes(summary)])


def table_notes(summary):
    """Sentences on the cases of a summary that lack a class on one side or both."""
    headings = {key: describe(key) for key in summary['mean'] if key not in ('cases', 'states')}
    surface = [m for m, heading in headings.items() if heading.kind == 'length']
    zero = ' and '.join(headings[m].title for m in headings if m in ('dice', 'iou'))
    classes = [name for name in summary if name != 'mean']
    return [note for name in classes for note in _notes(name, summary[name]['states'], zero, _distances(summary[name], surface))]


def _distances(entry, surface):
    """What is to be said of distances of one-sided cases: that there are none, or that they are the worst; '' without distances."""
    if not surface:
        return ''
    return 'worst' if max(entry[m]['counted'] for m in surface) > entry['states'].get('both', 0) else 'none'


def write_csv(rows, path):
    """Write rows as CSV, in full precision and NaN as an empty field; the file appears whole or not at all."""
    with draft_of(path) as draft, draft.open('w', newline='', encoding='utf-8') as handle:
        writer = csv.DictWriter(handle, list(dict.fromkeys(key for row in rows for key in row)))
        writer.writeheader()
        writer.writerows({k: '' if v != v else v for k, v in row.items()} for row in rows)


def read_csv(path):
    """The rows of a file of ``write_csv``, as they were.

    Raises:
        UserError: there is no such file, or it is no table of this kind.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f'there is no table {path}; evaluate the predictions first')
    with path.open(newline='', encoding='utf-8') as handle:
        table = csv.DictReader(handle)
        lacking = [c for c in ('case', 'class', 'state') if c not in (table.fieldnames or [])]
        if lacking:
            raise UserError(f'{path} has no column {", ".join(map(repr, lacking))}; it is no table of evaluated cases')
        return [{key: _parse(key, value) for key, value in row.items()} for row in table]


def metric_columns(rows):
    """The columns of rows that hold metrics, in their order."""
    return [key for key in dict.fromkeys(k for row in rows for k in row) if key not in (*TEXT, *COUNTS)]


def _parse(key, value):
    if key in TEXT:
        return value
    if key in COUNTS:
        return int(value)
    return float(value) if value else float('nan')


def _mean(values):
    values = [v for v in values if v == v]
    return float(np.mean(values)) if values else float('nan')


def _statistics(values):
    values = [v for v in values if v == v]
    return {'mean': _mean(values), 'std': float(np.std(values)) if values else float('nan'), 'counted': len(values)}


def _cell(statistics, scale):
    if not statistics['counted']:
        return '–'
    return f'{scale * statistics["mean"]:.2f} ± {scale * statistics["std"]:.2f}'


def _notes(name, states, zero, distances):
    """What is to be said of the cases of a class that lack it on one side or both; ``zero`` names the scores that are 0 there."""
    one_sided = (('prediction_empty', 'without prediction'), ('label_empty', 'with prediction but without label'))
    for state, what in one_sided:
        n = states.get(state, 0)
        counts, has = ('counts', 'has') if n == 1 else ('count', 'have')
        far = {'none': f'{has} no distance', 'worst': f'{has} the diagonal of the image as distance'}.get(distances)
        said = [f'{counts} as {zero} 0'] * bool(zero) + [far] * bool(far)
        if n and said:
            yield f'{name}: {_cases(n)} {what} {" and ".join(said)}'
    n = states.get('both_empty', 0)
    if n:
        yield f'{name}: {_cases(n)} with neither label nor prediction {"is" if n == 1 else "are"} not counted'


def _cases(n):
    return '1 case' if n == 1 else f'{n} cases'

"""The results of a run: table, distribution per class, best, median and worst case, every case."""
from __future__ import annotations

import numpy as np

from ..measuring import describe
from ..tables import metric_columns, table_notes
from .boxes import box_figures
from .html import join, scrolling, table, tag
from .pictures import case_pictures, outline_legend

ARROWS = {'higher': ' ↑', 'lower': ' ↓', None: ''}
WITHOUT = {'label_empty': 'no label', 'prediction_empty': 'not found', 'both_empty': 'absent'}


def result_sections(result):
    """[(anchor, heading, HTML)] of a result: see ``report_page``."""
    metrics = metric_columns(result['rows'])
    sections = [('results', 'Results', join(_summary_table(result['summary'], metrics), _notes(result['summary']))),
                ('distribution', 'Distribution over the cases', _distribution(result['rows'], metrics))]
    if result['panels'] or result['without_pictures']:
        sections.append(('cases', 'Best, median and worst case', _cases(result)))
    return sections


def result_tiles(summary):
    """[(value, what)] of the means over the classes."""
    metrics = [key for key in summary['mean'] if key not in ('cases', 'states')]
    return [(_mean(summary['mean'][m], describe(m)), f'mean {describe(m).title}') for m in metrics
            if summary['mean'][m]['counted']][:4]


def _mean(statistics, heading):
    unit = heading.text[len(heading.title):].strip()
    return f'{heading.scale * statistics["mean"]:.{1 if heading.scale == 100 else 2}f} {unit}'.strip()


def _summary_table(summary, metrics):
    headings = [describe(m) for m in metrics]
    some_lack = any(entry[m]['counted'] < entry['cases'] for entry in summary.values() for m in metrics)
    header = ['class', *(h.text + ARROWS[h.better] for h in headings), 'cases', *['without a value'] * some_lack]
    rows = []
    for name, entry in summary.items():
        lacking = [f'{h.title}: {entry["cases"] - entry[m]["counted"]}' for m, h in zip(metrics, headings)
                   if entry[m]['counted'] < entry['cases']]
        cells = [_cell(entry[m], h.scale) for m, h in zip(metrics, headings)]
        rows.append([name, *cells, entry['cases'], *[', '.join(lacking) or '–'] * some_lack])
    return table(header, rows, caption='mean ± standard deviation over cases; the last row is the mean of the classes; '
                 '↑ higher is better, ↓ lower is better', numbers=range(1, len(metrics) + 2), last_bold=True)


def _cell(statistics, scale):
    return f'{scale * statistics["mean"]:.2f} ± {scale * statistics["std"]:.2f}' if statistics['counted'] else '–'


def _notes(summary):
    notes = table_notes(summary)
    if not notes:
        return tag('p', tag('small', 'Every class is in the label and in the prediction of every case.'))
    return tag('ul', [tag('li', note) for note in notes])


def _distribution(rows, metrics):
    said = ('Box: quartiles and median. Whiskers: the farthest case within 1.5 times the box. Points: the cases, named under the '
            'pointer.')
    every = tag('details', tag('summary', 'Every case as a table'), _case_table(rows, metrics))
    return join(tag('p', tag('small', said)), tag('div', box_figures(rows, metrics), class_='figures'), every)


def _case_table(rows, metrics):
    """A row for each case, the worst by the first metric first; a column for each metric of each class."""
    headings, classes, cases = [describe(m) for m in metrics], list(dict.fromkeys(row['class'] for row in rows)), {}
    for row in rows:
        cases.setdefault(row['case'], {})[row['class']] = row
    sign = -1 if headings[0].better == 'lower' else 1
    first = {case: [sign * r[metrics[0]] for r in own.values() if r.get(metrics[0]) == r.get(metrics[0], np.nan)]
             for case, own in cases.items()}
    order = sorted(cases, key=lambda case: (np.mean(first[case]) if first[case] else -np.inf, case))
    head = [tag('tr', tag('th', 'case', scope='col', rowspan=2),
                [tag('th', name, scope='colgroup', colspan=len(metrics)) for name in classes]),
            tag('tr', [tag('th', h.text, scope='col', class_='number') for _ in classes for h in headings])]
    body = [tag('tr', tag('th', case, scope='row'), [_value(cases[case].get(name, {}), m, h) for name in classes
                                                     for m, h in zip(metrics, headings)]) for case in order]
    caption = f'Every case, the worst by mean {headings[0].title} first'
    return scrolling(tag('table', tag('caption', caption), tag('thead', head), tag('tbody', body)), caption)


def _value(row, metric, heading):
    value = row.get(metric, np.nan)
    text = f'{heading.scale * value:.2f}' if value == value else WITHOUT.get(row.get('state'), '–')
    return tag('td', text, class_='number')


def _by_class(rows, case):
    """'RV 92.56 % and 2.21 mm; …': each class's first metrics, in words."""
    own = [row for row in rows if row['case'] == case]
    headings = [(m, describe(m)) for m in metric_columns(own)[:3]] if own else []
    said = [f'{row["class"]} ' + ', '.join(f'{h.scale * row[m]:.2f}{h.text[len(h.title):]}' if row[m] == row[m] else '–'
                                           for m, h in headings) for row in own]
    return tag('p', tag('small', f'{", ".join(h.title for _, h in headings)}: {"; ".join(said)}')) if said else None


def _cases(result):
    settings = dict(class_names=result['class_names'], has_background=result['has_background'])
    parts = [tag('div', tag('h3', panel['title']), _by_class(result['rows'], panel.get('case')), case_pictures(panel, **settings),
                 class_='case') for panel in result['panels']]
    flat = all(panel['label'].ndim == 2 for panel in result['panels'])
    parts = [tag('div', parts, class_='figures' if flat else None)]
    if result['panels']:
        parts.insert(0, outline_legend(**settings))
    if any(panel.get('uncertainty') is not None for panel in result['panels']):
        parts.insert(1, tag('p', tag('small', 'Uncertainty: black is certain; the brighter, the less so.')))
    if result['without_pictures']:
        parts.append(tag('p', result['without_pictures']))
    return join(parts)

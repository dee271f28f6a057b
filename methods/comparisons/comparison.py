"""Results of several methods as one table, where their protocols allow it."""
from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

import numpy as np

from scarceseg.components.datasets.layouts.patients import patients_of
from scarceseg.components.drafts import draft_of
from scarceseg.components.evaluators.comparisons.scores import Scores
from scarceseg.components.evaluators.comparisons.tables import compare_scores
from scarceseg.components.evaluators.measuring import describe
from scarceseg.components.evaluators.tables import metric_columns, write_csv
from scarceseg.registry import UserError
from scarceseg.registry.binding import nearest

from .agreement import check_labels, check_rules, differences, shared_ground
from .results import Result, group_results, load_result

__all__ = ['Result', 'compare', 'load_result', 'save_comparison']

PATIENT = r'(?i)^(?:patient|subject|sub|pat|p)[-_]?\d+'  # names that tell the patient, where nobody says how
PAPER = ('dice', 'hd95')  # metrics of its tables 2 to 5
WORST = 'a distance of a class that is on one side only is the diagonal of the image'


def compare(results, *, baseline=None, metrics=None, patient=None, common_cases=False, **settings):
    """The ``ComparisonTable`` of results.

    Args:
        results: of ``load_result``. Those of one config are seeds, or folds, of one method.
        baseline: name of the method that the others are tested against.
        metrics: names or columns of those shown, such as 'dice' or 'hd95_mm'; default all that every result has, in the layout
            'paper' Dice and HD95.
        patient: regular expression that tells the patient from a case's name; '' takes each case by itself. By default names like
            'patient012_frame01' are understood.
        common_cases: compare the cases and classes that all results have, and say so, where they differ.
        settings: of ``compare_scores``, such as ``layout`` and ``test``.

    Raises:
        UserError: results of different cases, classes, labels or rules; no metric that all have; or see ``compare_scores``.
    """
    if not results:
        raise UserError('there is nothing to compare; give runs, or folders of results that eval.py wrote')
    methods = group_results(results)
    check_rules(methods)
    cases, classes, warnings = shared_ground(methods, common_cases)
    check_labels(methods, set(cases), classes)
    columns = chosen_metrics(results, metrics, few=settings.get('layout') == 'paper')
    plain = [name for name, fused in classes.items() if not fused]
    order = [*plain, *(name for name, fused in classes.items() if fused)]
    values = {name: _values(members, cases, order, columns) for name, members in methods.items()}
    scores = Scores(values, tuple(cases), tuple(order), len(plain), tuple(columns), find_patients(cases, patient))
    return compare_scores(scores, baseline=baseline, leaks=_clauses(methods, 'leaks'), unknown=_clauses(methods, 'gaps'),
                          remarks=[WORST] * (results[0].empty == 'worst'), warnings=[*warnings, *differences(methods)], **settings)


def save_comparison(table, out):
    """Write ``comparison.md``, ``.tex`` and ``.csv``, ``boxes.png`` and ``ranks.png``, over those that are there.

    Returns:
        The files. There are no ranks where fewer than two methods can be ranked.

    Raises:
        UserError: there is a comparison.csv of another kind.
    """
    from scarceseg.components.evaluators.comparisons import figures as figures  # matplotlib takes a while to import
    out = Path(out)
    table_file = out / 'comparison.csv'
    if table_file.is_file() and not table_file.read_text(encoding='utf-8', errors='replace').startswith('method,class,metric,'):
        raise UserError(f'{table_file} is there already and none of ours; choose another --out')
    texts = {'comparison.md': table.markdown(), 'comparison.tex': table.latex()}
    for name, text in texts.items():
        with draft_of(out / name) as draft:
            draft.write_text(text, encoding='utf-8')
    write_csv(table.csv_rows(), table_file)
    figures.box_figure(table, out / 'boxes.png')
    ranked = figures.rank_figure(table, out / 'ranks.png')
    return [out / name for name in (*texts, 'comparison.csv', 'boxes.png', *['ranks.png'] * ranked)]


def chosen_metrics(results, wanted=None, *, few=False):
    """Columns of metrics that are shown; default all that every result has, or Dice and HD95 where ``few`` are wanted.

    Raises:
        UserError: one is unknown, or not in all results.
    """
    sets = [metric_columns(r.rows) for r in results]
    both = [c for c in sets[0] if all(c in s for s in sets)]
    if not both:
        raise UserError(f'the results have no metric in common, but {"; ".join(sorted({", ".join(s) for s in sets}))}; evaluate '
                        'them alike with eval.py --metrics')
    if few and not wanted:
        return [c for c in both if c.startswith(PAPER)] or both
    chosen = []
    for name in wanted or both:
        found = [c for c in both if name == c or c.rpartition('_')[0] == name or describe(c).title.lower() == name.lower()]
        if not found:
            raise UserError(f'metric {name!r} is not in all results{nearest(name, both)}; all have {", ".join(both)}')
        chosen += [c for c in found if c not in chosen]
    return chosen


def find_patients(cases, pattern=None):
    """For each case whose it is, by a regular expression or by names as they are common; None where each has a case of its own."""
    if pattern is None:
        found = [re.search(PATIENT, name) for name in cases]
        people = [match.group() for match in found] if all(found) else cases
    else:
        people = patients_of(cases, pattern) if pattern else cases
    return tuple(people) if len(set(people)) < len(cases) else None


def _values(members, cases, classes, columns):
    """(seeds, cases, classes, metrics) of the results of one method."""
    seed, case, name = ({n: i for i, n in enumerate(dict.fromkeys(names))} for names in ([r.seed for r in members], cases, classes))
    values = np.full((len(seed), len(case), len(name), len(columns)), np.nan)
    for result in members:
        for row in result.rows:
            if row['case'] in case and row['class'] in name:
                values[seed[result.seed], case[row['case']], name[row['class']]] = [row[c] for c in columns]
    return values


def _clauses(methods, what):
    """{method: the clauses of its results, as one} of those methods that have some."""
    found = {name: dict.fromkeys(chain(*(getattr(r, what) for r in members))) for name, members in methods.items()}
    return {name: ' and '.join(clauses) for name, clauses in found.items() if clauses}

"""A table of methods by metrics that says how sure it is: computed once, and shown on a terminal, in Markdown, LaTeX and CSV."""
from __future__ import annotations

import dataclasses
from functools import partial

import numpy as np

from scarceseg.registry.binding import nearest
from scarceseg.registry.errors import UserError

from ..measuring import describe
from .notes import sentences
from .scores import (
    AVERAGE,
    LAYOUTS,
    TESTS,
    Contrast,
    Scores,
    check_choice,
    correct,
    make_cell,
    make_contrast,
    make_ranking,
)
from .statistics import INTERVALS, PairedTest, bootstrap_interval
from .text import latex_text, markdown_text, shown_mean, terminal_text

NO_CONTRAST = Contrast(np.nan, np.nan, np.nan, *[PairedTest(np.nan, np.nan, '')] * 2)


@dataclasses.dataclass(frozen=True)
class ComparisonTable:
    """What is known of several methods over the same cases.

    Attributes:
        scores: ``Scores``.
        layout: 'standard', the average of the classes, its interval and the mean rank; or 'paper', every class and the average.
        columns: those shown, in order.
        cells: {(method, column): ``Cell``}.
        baseline: method that the others are tested against, or None.
        contrasts: {(method, column): ``Contrast``} of the methods that are tested, corrected for their number.
        rankings: {column: ``Ranking``} of the average of each metric.
        leaks: {method: why its numbers cannot be trusted}; such a method is shown, but neither tested, ranked nor best.
        unknown: {method: what is not known of how its numbers came about}.
        remarks, warnings: sentences about all.
        test: 'wilcoxon' or 't', which decides on the star.
        alpha: p below which there is one.
        level, interval: of the intervals, and how they are made.
    """

    scores: Scores
    layout: str
    columns: tuple
    cells: dict
    baseline: str | None
    contrasts: dict
    rankings: dict
    leaks: dict
    unknown: dict
    remarks: tuple
    warnings: tuple
    test: str
    alpha: float
    level: float
    interval: str

    @property
    def methods(self):
        """Names of all methods, in order."""
        return tuple(self.scores.values)

    @property
    def notes(self):
        """Sentences that explain the table and warn of what it cannot say; these begin with WARNING or LEAK."""
        return sentences(self)

    def p(self, contrast):
        """The corrected p of the test that decides on the star."""
        return contrast.wilcoxon_holm if self.test == 'wilcoxon' else contrast.t_holm

    def significant(self, method, column):
        """Whether a method differs from the baseline in a column."""
        contrast = self.contrasts.get((method, column))
        return contrast is not None and self.p(contrast) < self.alpha

    def best(self, column):
        """The methods with the best mean as it is shown, without those that leak; none where better has no meaning."""
        better = describe(column.metric).better
        means = {m: float(shown_mean(self.cells[m, column], column)) for m in self.methods
                 if m not in self.leaks and not np.isnan(self.cells[m, column].mean)}
        if better is None or len(means) < 2:
            return ()
        top = max(means.values()) if better == 'higher' else min(means.values())
        return tuple(m for m, mean in means.items() if mean == top)

    def mean_rank(self, method):
        """Mean over the metrics of a method's mean ranks; NaN of one that is not ranked."""
        found = [ranking.mean(method) for ranking in self.rankings.values()]
        found = [rank for rank in found if not np.isnan(rank)]
        return float(np.mean(found)) if found else np.nan

    def terminal(self, *, bold=False):
        """As text; ``bold`` shows the best in bold, for a terminal that can, instead of marking it with a dot."""
        return terminal_text(self, bold=bold)

    def markdown(self):
        """As Markdown."""
        return markdown_text(self)

    def latex(self):
        """As a LaTeX table, for the package booktabs."""
        return latex_text(self)

    def csv_rows(self):
        """A dict for each method and column, in full precision and in the units of the rows of cases."""
        return [self._csv_row(method, column) for method in self.methods for column in self.columns]

    def _csv_row(self, method, column):
        cell, contrast, ranking = self.cells[method, column], self.contrasts.get((method, column)), self.rankings.get(column)
        row = {'method': method, 'class': column.name, 'metric': column.metric, 'mean': cell.mean, 'std_cases': cell.std,
               'ci_low': cell.low, 'ci_high': cell.high, 'cases': cell.counted, 'seeds': cell.seeds, 'std_seeds': cell.seeds_std,
               'best': int(method in self.best(column)), 'mean_rank': ranking.mean(method) if ranking else np.nan,
               'leak': int(method in self.leaks), 'protocol': 'unknown' if method in self.unknown else 'known',
               'baseline': self.baseline or ''}
        c = contrast or NO_CONTRAST
        return {**row, 'difference': c.difference, 'difference_low': c.low, 'difference_high': c.high, 'pairs': c.t.pairs,
                'p_wilcoxon': c.wilcoxon.p, 'p_wilcoxon_holm': c.wilcoxon_holm, 'p_t': c.t.p, 'p_t_holm': c.t_holm}


def compare_scores(scores, *, baseline=None, layout='standard', test='wilcoxon', alpha=0.05, level=0.95, interval='bca',
                   resamples=9999, seed=0, leaks=None, unknown=None, remarks=(), warnings=()):
    """The ``ComparisonTable`` of ``Scores``.

    Args:
        baseline: name of the method that the others are tested against; None tests nothing.
        layout, test, alpha, level, interval, leaks, unknown, remarks, warnings: see ``ComparisonTable``.
        resamples, seed: of the bootstrap.

    Raises:
        UserError: the baseline is none of the methods, or leaks; or a choice is unknown.
    """
    for what, chosen, known in (('layout', layout, LAYOUTS), ('test', test, TESTS), ('interval', interval, INTERVALS)):
        check_choice(what, chosen, known)
    leaks, methods = dict(leaks or {}), tuple(scores.values)
    if baseline is not None and baseline not in methods:
        raise UserError(f'baseline {baseline!r} is none of the methods{nearest(baseline, methods)}: {", ".join(methods)}')
    if baseline in leaks:
        raise UserError(f'baseline {baseline!r} is no measure for others: it {leaks[baseline]}; name another baseline')
    settings = dict(interval=partial(bootstrap_interval, level=level, resamples=resamples, seed=seed, method=interval))
    columns = tuple(scores.columns(layout))
    cells = {(m, c): make_cell(scores, m, c, **settings) for m in methods for c in columns}
    tested = [m for m in methods if m != baseline and m not in leaks] if baseline else []
    contrasts = {(m, c): make_contrast(scores, m, baseline, c, **settings) for m in tested for c in columns}
    ranked = [m for m in methods if m not in leaks]
    averages = [c for c in columns if c.name == AVERAGE or scores.plain == 1 and c.classes == (0,)]
    rankings = {c: make_ranking(scores, ranked, c) for c in averages} if len(ranked) > 1 else {}
    return ComparisonTable(scores, layout, columns, cells, baseline, correct(contrasts), rankings, leaks, dict(unknown or {}),
                           tuple(remarks), tuple(warnings), test, alpha, level, interval)

"""Methods over the same cases: what is said of each, of each against a baseline, and of their ranks."""
from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np

from scarceseg.registry.binding import nearest
from scarceseg.registry.errors import UserError

from ..measuring import describe
from .statistics import (
    PairedTest,
    bootstrap_interval,
    friedman,
    holm,
    mean_per_group,
    paired_t_test,
    ranks,
    wilcoxon_signed_rank,
)

AVERAGE = 'average'
LAYOUTS = ('standard', 'paper')
TESTS = ('wilcoxon', 't')


class Column(NamedTuple):
    """A metric of a class, of classes taken as one, or of the average of the classes.

    Attributes:
        metric: column of the rows of cases, such as 'hd95_mm'.
        name: of the class, or 'average'.
        classes: indices of classes, of whose means this is the mean.
    """

    metric: str
    name: str
    classes: tuple


@dataclasses.dataclass(frozen=True)
class Scores:
    """What is compared.

    Attributes:
        values: {method: (seeds, cases, classes, metrics)}, NaN where there is no value.
        cases: their names.
        classes: their names, those made of several behind the others.
        plain: how many of the classes are not made of several; the average is over these.
        metrics: columns of the rows of cases.
        patients: for each case whose it is, or None where each is taken by itself.
    """

    values: dict
    cases: tuple
    classes: tuple
    plain: int
    metrics: tuple
    patients: tuple | None = None

    def __post_init__(self):
        shape = (len(self.cases), len(self.classes), len(self.metrics))
        wrong = [f'{name} {v.shape}' for name, v in self.values.items() if v.ndim != 4 or v.shape[1:] != shape]
        if wrong or not self.values:
            raise ValueError(f'scores have shape (seeds, {", ".join(map(str, shape))}); got {", ".join(wrong) or "none"}')

    def of(self, method, column):
        """(seeds, cases, k): values of the classes of a column."""
        return self.values[method][:, :, list(column.classes), self.metrics.index(column.metric)]

    def over_seeds(self, method, column):
        """(cases, k): the same, as means over the seeds that have a value."""
        return nanmean(self.of(method, column), 0)

    def per_unit(self, values):
        """(units,) of (cases, k): means over the classes, and over the cases of a patient where patients are known."""
        cases = nanmean(values, 1)
        return cases if self.patients is None else mean_per_group(cases, self.patients)

    @property
    def units(self):
        """How many are compared: patients, or cases."""
        return len(self.cases) if self.patients is None else len(set(self.patients))

    def columns(self, layout):
        """The columns of a layout: the average of each metric, or its classes and then their average."""
        average, found = tuple(range(self.plain)), []
        for metric in self.metrics:
            single = [Column(metric, name, (k,)) for k, name in enumerate(self.classes)]
            both = [Column(metric, AVERAGE, average)]
            if layout == 'paper':
                both = [*single[:self.plain], *(both if self.plain > 1 else []), *single[self.plain:]]
            found += both
        return found


class Cell(NamedTuple):
    """A method in a column.

    Attributes:
        mean: over cases; of several seeds the mean of their means.
        std: over cases (divided by n), whose values are means over seeds.
        low, high: ends of the interval of the mean.
        counted: cases that have a value.
        seeds: seeds that have a value.
        seeds_std: over the means of the seeds (divided by n - 1); NaN of one seed.
    """

    mean: float
    std: float
    low: float
    high: float
    counted: int
    seeds: int
    seeds_std: float


class Contrast(NamedTuple):
    """A method against the baseline in a column, over the pairs that both have.

    Attributes:
        difference: mean of method minus baseline.
        low, high: ends of its interval.
        t, wilcoxon: ``PairedTest``, uncorrected.
        t_holm, wilcoxon_holm: their p, corrected for all comparisons of the table.
    """

    difference: float
    low: float
    high: float
    t: PairedTest
    wilcoxon: PairedTest
    t_holm: float = np.nan
    wilcoxon_holm: float = np.nan


class Ranking(NamedTuple):
    """Ranks in a column of the units for which every method has a value.

    Attributes:
        ranks: {method: (units,)}, 1 the best.
        p: of Friedman's test.
    """

    ranks: dict
    p: float

    @property
    def units(self):
        return len(next(iter(self.ranks.values()), ()))

    def mean(self, method):
        """Mean rank of a method; NaN of one that is not ranked, or without any complete unit."""
        return float(np.mean(self.ranks[method])) if self.units and method in self.ranks else np.nan


def make_cell(scores, method, column, *, interval=bootstrap_interval):
    """The ``Cell`` of a method in a column; ``interval(values, groups)`` is ``bootstrap_interval`` with its settings."""
    of_seeds = nanmean(nanmean(scores.of(method, column), 1), 1)
    of_seeds = of_seeds[~np.isnan(of_seeds)]
    values = scores.over_seeds(method, column)
    cases = nanmean(values, 1)
    cases = cases[~np.isnan(cases)]
    low, high = interval(values, scores.patients)
    return Cell(mean=_mean(of_seeds), std=float(np.std(cases)) if cases.size else np.nan, low=low, high=high, counted=cases.size,
                seeds=of_seeds.size, seeds_std=float(np.std(of_seeds, ddof=1)) if of_seeds.size > 1 else np.nan)


def make_contrast(scores, method, baseline, column, *, interval=bootstrap_interval):
    """The ``Contrast`` of a method with a baseline: only values that both have enter, case by case and class by class."""
    ours, theirs = (scores.over_seeds(name, column) for name in (method, baseline))
    missing = np.isnan(ours) | np.isnan(theirs)
    ours, theirs = (np.where(missing, np.nan, side) for side in (ours, theirs))
    pair = scores.per_unit(ours), scores.per_unit(theirs)
    means = nanmean(ours - theirs, 0)
    low, high = interval(ours - theirs, scores.patients)
    return Contrast(_mean(means[~np.isnan(means)]), low, high, paired_t_test(*pair), wilcoxon_signed_rank(*pair))


def correct(contrasts):
    """{key: Contrast} with Holm's correction over all of them."""
    by_t, by_wilcoxon = (holm([test.p for test in tests]) for tests in
                         ([c.t for c in contrasts.values()], [c.wilcoxon for c in contrasts.values()]))
    return {key: c._replace(t_holm=float(t), wilcoxon_holm=float(w))
            for (key, c), t, w in zip(contrasts.items(), by_t, by_wilcoxon)}


def make_ranking(scores, methods, column):
    """The ``Ranking`` of methods in a column; of cases for which a method lacks a class, that class is left out for all."""
    values = [scores.over_seeds(method, column) for method in methods]
    missing = np.any([np.isnan(v) for v in values], 0) if values else None
    units = np.array([scores.per_unit(np.where(missing, np.nan, v)) for v in values]).T.reshape(-1, len(values))
    found = ranks(units, better=describe(column.metric).better or 'higher') if methods else units
    return Ranking(dict(zip(methods, found.T)), friedman(units))


def check_choice(what, chosen, known):
    """Raise UserError where a name is none of those known."""
    if chosen not in known:
        raise UserError(f'{what} {chosen!r} is unknown{nearest(chosen, known)}; known: {", ".join(known)}')


def nanmean(values, axis):
    """Mean over an axis of what is no NaN; NaN where there is nothing."""
    present = ~np.isnan(values)
    total, count = np.where(present, values, 0).sum(axis), present.sum(axis)
    return np.divide(total, count, out=np.full(np.shape(total), np.nan), where=count > 0)


def _mean(values):
    return float(np.mean(values)) if values.size else np.nan

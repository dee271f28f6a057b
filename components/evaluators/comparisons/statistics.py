"""Statistics of paired scores: tests, a correction for many of them, intervals by patient, ranks. Tests are SciPy's.

Scores are arrays with NaN where there is no value; a test pairs those units (cases, or patients) for which both sides have one.
Where ties matter, numbers that differ by no more than rounding (1e-12 of the largest) are equal.
"""
from __future__ import annotations

import functools
import warnings
from typing import NamedTuple

import numpy as np
from scipy import stats

INTERVALS = ('bca', 'percentile')


class PairedTest(NamedTuple):
    """Two-sided. ``p`` is NaN where there are too few pairs, and 1 where no pair differs.

    Attributes:
        statistic: Student's t, or the smaller sum of signed ranks.
        pairs: units for which both sides have a value.
    """

    statistic: float
    p: float
    pairs: int


def paired_t_test(a, b):
    """Student's t-test of the mean of paired differences [Student 1908]; that of ``scipy.stats.ttest_rel``.

    Args:
        a, b: (units,) scores.
    """
    a, b = _common(a, b)
    if len(a) < 2 or not _steady(a, b).any():
        return PairedTest(0.0, 1.0 if len(a) > 1 else np.nan, len(a))
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', RuntimeWarning)  # of differences that are all but equal, which is no worry here
        found = stats.ttest_rel(a, b)
    return PairedTest(float(found.statistic), float(found.pvalue), len(a))


def wilcoxon_signed_rank(a, b):
    """Signed-rank test of paired differences [Wilcoxon 1945]; that of ``scipy.stats.wilcoxon`` with its defaults.

    Differences of zero are dropped (the rule of Wilcoxon himself), equal ones share their mean rank. Without either, and up to 50
    pairs, p is exact; else SciPy permutes signs where the pairs are few and takes the normal approximation where they are many.

    Args:
        a, b: (units,) scores.
    """
    a, b = _common(a, b)
    differences = _steady(a, b)
    if not differences.any():
        return PairedTest(0.0, 1.0 if len(a) else np.nan, len(a))
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', UserWarning)  # of small samples, which tables warn of themselves
        found = stats.wilcoxon(differences, zero_method='wilcox')
    return PairedTest(float(found.statistic), float(found.pvalue), len(a))


def holm(p_values):
    """p-values of a family of tests, corrected so that one false discovery among all is as unlikely as each p says [Holm 1979].

    The smallest of m is multiplied by m, the next by m - 1, …; none may be below one before it, or above 1.

    Args:
        p_values: numbers; NaN is no test, counts for nothing and stays NaN.

    Returns:
        Array of the same length.
    """
    p = np.asarray(p_values, float)
    corrected = np.full(p.shape, np.nan)
    order = [i for i in np.argsort(p, kind='stable') if not np.isnan(p[i])]
    if order:
        raised = np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1))
        corrected[order] = np.minimum(raised, 1)
    return corrected


def bootstrap_interval(values, groups=None, *, level=0.95, resamples=9999, seed=0, method='bca'):
    """Confidence interval of a mean, by drawing whole groups (patients) with replacement [Efron 1987].

    The mean is that over cases, and then over columns. 'bca' corrects the percentiles for bias and skewness, which distances have;
    where it is not defined, as for values that are all alike, the interval is that of the 'percentile' method.

    Args:
        values: (cases,) or (cases, columns).
        groups: (cases,) names; default each case by itself.
        level: share of such intervals that hold the true mean.
        resamples: how often groups are drawn.
        seed: of the draws.
        method: 'bca' or 'percentile'.

    Returns:
        (low, high); NaN where fewer than two groups have a value.
    """
    if method not in INTERVALS:
        raise ValueError(f'method={method!r} is no kind of interval; known: {", ".join(INTERVALS)}')
    sums, counts = _per_group(values, groups)
    if len(sums) < 2:
        return np.nan, np.nan
    weights = _draws(len(sums), resamples, seed)
    drawn = _mean_of_columns(weights @ sums, weights @ counts)
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    if method == 'bca':
        corrected = _bca_tails(tails, drawn, _mean_of_columns(sums.sum(0), counts.sum(0)),
                               _mean_of_columns(sums.sum(0) - sums, counts.sum(0) - counts))
        tails = corrected if np.isfinite(corrected).all() else tails
    low, high = np.percentile(drawn, 100 * tails)
    return float(low), float(high)


def ranks(values, *, better='higher'):
    """Ranks of methods on each unit, 1 the best; equal ones share their mean rank.

    Args:
        values: (units, methods). Units for which a method has no value are left out.

    Returns:
        (complete units, methods).
    """
    complete = _complete(values)
    if not complete.size:
        return complete
    return stats.rankdata(-complete if better == 'higher' else complete, axis=1)


def friedman(values):
    """p of Friedman's test that methods rank alike [Friedman 1937]; that of ``scipy.stats.friedmanchisquare``.

    Args:
        values: (units, methods), as for ``ranks``.

    Returns:
        p; NaN with fewer than three methods or two complete units, 1 where no unit tells the methods apart.
    """
    complete = _complete(values)
    if complete.shape[1] < 3 or len(complete) < 2:
        return np.nan
    if (complete == complete[:, :1]).all():
        return 1.0
    return float(stats.friedmanchisquare(*complete.T).pvalue)


def mean_per_group(values, groups):
    """Means of the groups, in the order of their names: (groups,) of (cases,); NaN of a group without any value."""
    groups = np.asarray(groups)
    return np.array([_nanmean(np.asarray(values, float)[groups == name]) for name in np.unique(groups)])


def _common(a, b):
    a, b = np.asarray(a, float), np.asarray(b, float)
    both = ~(np.isnan(a) | np.isnan(b))
    return a[both], b[both]


def _steady(a, b):
    """Differences as shares of the largest number, without their rounding errors: means of equal distances must tie."""
    largest = np.abs([a, b]).max(initial=0)
    return np.round((a - b) / (largest or 1), 12)


def _complete(values):
    """Rows without NaN, likewise."""
    values = np.asarray(values, float)
    complete = values[~np.isnan(values).any(1)]
    return np.round(complete / (np.abs(complete).max(initial=0) or 1), 12)


def _nanmean(values):
    values = values[~np.isnan(values)]
    return values.mean() if values.size else np.nan


def _per_group(values, groups):
    """Sums and numbers of values, both (groups, columns), of the groups and columns that have any."""
    values = np.asarray(values, float).reshape(len(values), -1)
    present = ~np.isnan(values)
    names, index = np.unique(np.arange(len(values)) if groups is None else np.asarray(groups), return_inverse=True)
    sums, counts = np.zeros((2, len(names), values.shape[1]))
    np.add.at(sums, index, np.where(present, values, 0))
    np.add.at(counts, index, present)
    rows, columns = counts.any(1), counts.any(0)
    return sums[rows][:, columns], counts[rows][:, columns]


def _mean_of_columns(sums, counts):
    """Means of (…, columns), and their mean (…,); a column that a draw has no value of is left out of that draw."""
    present = counts > 0
    means = np.divide(sums, counts, out=np.zeros(sums.shape), where=present)
    return means.sum(-1) / present.sum(-1)


@functools.lru_cache(maxsize=4)
def _draws(groups, resamples, seed):
    """(resamples, groups): how often each group is drawn."""
    drawn = np.random.default_rng(seed).integers(0, groups, (resamples, groups))
    drawn += groups * np.arange(resamples)[:, None]
    return np.bincount(drawn.ravel(), minlength=resamples * groups).reshape(resamples, groups).astype(float)


def _bca_tails(tails, drawn, whole, without_one):
    """Which percentiles of the draws are the ends of the interval, by bias and acceleration."""
    below = ((drawn < whole).mean() + (drawn <= whole).mean()) / 2
    distance = without_one.mean() - without_one
    with np.errstate(invalid='ignore', divide='ignore'):
        bias, acceleration = stats.norm.ppf(below), (distance ** 3).sum() / (6 * (distance ** 2).sum() ** 1.5)
        z = bias + stats.norm.ppf(tails)
        return stats.norm.cdf(bias + z / (1 - acceleration * z))

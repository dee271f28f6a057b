import itertools
import math

import numpy as np
import pytest
from scipy import stats

from scarceseg.components.evaluators.comparisons.statistics import (
    bootstrap_interval,
    friedman,
    holm,
    mean_per_group,
    paired_t_test,
    ranks,
    wilcoxon_signed_rank,
)

NAN = math.nan


@pytest.mark.parametrize('n', [2, 5, 6, 20, 60])
@pytest.mark.parametrize('step', [2.0 ** -45, 2.0 ** -4])  # with the longer one there are ties and zeros
def test_tests_are_those_of_scipy(rng, n, step):
    a = rng.normal(0.8, 0.1, n)
    a, b = (step * np.round(x / step) for x in (a, a + rng.normal(0.02, 0.1, n)))
    t, expected = paired_t_test(a, b), stats.ttest_rel(a, b)
    if np.any(a != b):
        assert (t.statistic, t.p, t.pairs) == (pytest.approx(expected.statistic), pytest.approx(expected.pvalue), n)
        w, expected = wilcoxon_signed_rank(a, b), stats.wilcoxon(a, b)
        assert (w.statistic, w.p, w.pairs) == (pytest.approx(expected.statistic), pytest.approx(expected.pvalue), n)


def test_wilcoxon_is_the_share_of_all_signs_that_are_as_extreme(rng):
    d = rng.normal(0.3, 1, 9)
    rank = stats.rankdata(abs(d))
    sums = [abs(sum(r * s for r, s in zip(rank, signs))) for signs in itertools.product((-1, 1), repeat=9)]
    expected = np.mean([s >= abs((rank * np.sign(d)).sum()) - 1e-9 for s in sums])
    assert wilcoxon_signed_rank(d, np.zeros(9)).p == pytest.approx(expected)


def test_differences_of_zero_are_dropped_and_ties_share_their_rank():
    """Differences 0, 0, 1, -1, 3: of the last three, ranks 1.5, 1.5 and 3; the smaller sum of ranks is 1.5."""
    found = wilcoxon_signed_rank([5, 5, 6, 5, 9], [5, 5, 5, 6, 6])
    assert found.statistic == 1.5 and found.pairs == 5
    assert found.p == wilcoxon_signed_rank([6, 5, 9], [5, 6, 6]).p


def test_rounding_errors_neither_break_ties_nor_make_differences():
    """Means of equal distances in another order: 0.1 + 0.2 is not 0.3."""
    a, b = np.array([0.1 + 0.2, 0.3, 5, 4, 7, 9]), np.array([0.3, 0.1 + 0.2, 4, 5 - 1e-15, 6, 7])
    assert wilcoxon_signed_rank(a, b).p == wilcoxon_signed_rank(a.round(9), b.round(9)).p
    assert wilcoxon_signed_rank(a[:2], b[:2]).p == paired_t_test(a[:2], b[:2]).p == 1.0
    assert ranks([[0.3, 0.1 + 0.2]]).tolist() == [[1.5, 1.5]]


def test_only_pairs_with_both_values_are_compared(rng):
    a, b = rng.normal(0, 1, (2, 10))
    with_gaps = np.r_[a, NAN, 3.0, NAN], np.r_[b, 1.0, NAN, NAN]
    assert paired_t_test(*with_gaps) == paired_t_test(a, b)
    assert wilcoxon_signed_rank(*with_gaps) == wilcoxon_signed_rank(a, b)


def test_too_few_pairs_say_nothing_and_equal_ones_are_not_different():
    for test in (paired_t_test, wilcoxon_signed_rank):
        assert math.isnan(test([], []).p) and math.isnan(test([NAN, 1], [1, NAN]).p)
        assert test([1, 2, 3], [1, 2, 3]).p == 1.0
    assert math.isnan(paired_t_test([1], [2]).p)
    assert wilcoxon_signed_rank([1.0] * 5, [2, 3, 4, 5, 6]).p == 2 / 2 ** 5  # five pairs never come below 0.0625


def test_holm_by_hand():
    """Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1: 0.02, 0.03, 0.06, 0.04, of which the last may not be below 0.06."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.6]) == pytest.approx([1.0, 1.0])


def test_holm_passes_over_what_is_no_test():
    assert holm([0.01, NAN, 0.02]) == pytest.approx([0.02, NAN, 0.02], nan_ok=True)
    assert len(holm([])) == 0 and np.isnan(holm([NAN])).all()


@pytest.mark.parametrize('method', ['bca', 'percentile'])
def test_interval_is_that_of_scipy(rng, method):
    values = rng.gamma(2, 2, 15)
    expected = stats.bootstrap((values,), np.mean, n_resamples=2000, method=method, vectorized=True, paired=True,
                               random_state=np.random.default_rng(3)).confidence_interval
    assert bootstrap_interval(values, resamples=2000, seed=3, method=method) == pytest.approx(tuple(expected))


def test_interval_by_patient_is_that_of_scipy_for_a_ratio_of_sums(rng):
    values, patients = rng.gamma(2, 2, 20), np.repeat(np.arange(8), (1, 2, 3, 4, 1, 2, 3, 4))
    sums, counts = np.bincount(patients, values), np.bincount(patients)
    expected = stats.bootstrap((sums, counts), lambda s, n, axis=-1: s.sum(axis) / n.sum(axis), n_resamples=2000, paired=True,
                               vectorized=True, random_state=np.random.default_rng(0)).confidence_interval
    assert bootstrap_interval(values, patients, resamples=2000) == pytest.approx(tuple(expected))


def test_cases_of_a_patient_that_are_alike_tell_no_more_than_one(rng):
    values = rng.normal(0, 1, 8)
    twice = bootstrap_interval(np.repeat(values, 2), np.repeat(np.arange(8), 2))
    assert twice == pytest.approx(bootstrap_interval(values))
    assert np.ptp(bootstrap_interval(np.repeat(values, 2))) < 0.8 * np.ptp(twice)


def test_interval_holds_the_true_mean_as_often_as_it_says(rng):
    hits = 0
    for _ in range(300):
        low, high = bootstrap_interval(rng.normal(5, 2, 30), resamples=999)
        hits += low <= 5 <= high
    assert 0.89 <= hits / 300 <= 0.98


def test_interval_of_several_columns_is_of_the_mean_of_their_means(rng):
    values = rng.normal(0, 1, (12, 3))
    assert bootstrap_interval(values) == pytest.approx(bootstrap_interval(values.mean(1)), abs=1e-3)
    gaps = values.copy()
    gaps[:5, 1] = NAN
    low, high = bootstrap_interval(gaps)
    assert low < np.nanmean(gaps, 0).mean() < high


def test_interval_of_nothing_or_of_equal_values():
    assert np.isnan(bootstrap_interval([1.0, NAN, NAN])).all() and np.isnan(bootstrap_interval([1.0, 2.0], ['p', 'p'])).all()
    assert bootstrap_interval([0.5, 0.5, 0.5]) == (0.5, 0.5)


def test_ranks_share_ties_and_pass_over_incomplete_units():
    values = [[0.9, 0.8, 0.8], [0.1, 0.2, 0.3], [NAN, 0.5, 0.6]]
    assert ranks(values).tolist() == [[1, 2.5, 2.5], [3, 2, 1]]
    assert ranks(values, better='lower').tolist() == [[3, 1.5, 1.5], [1, 2, 3]]
    assert ranks([[NAN, 1.0]]).shape == (0, 2)


def test_friedman_is_that_of_scipy(rng):
    values = rng.normal(0, 1, (12, 4)).round(1)
    assert friedman(values) == pytest.approx(stats.friedmanchisquare(*values.T).pvalue)
    assert friedman(np.vstack([values, [NAN] * 4])) == pytest.approx(friedman(values))
    assert math.isnan(friedman(values[:, :2])) and friedman(np.ones((5, 3))) == 1.0


def test_means_of_patients_in_the_order_of_their_names():
    assert mean_per_group([1, 3, NAN, 5, NAN], ['b', 'b', 'b', 'a', 'c']) == pytest.approx([5, 2, NAN], nan_ok=True)

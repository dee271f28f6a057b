import csv
import math
import re
import time

import numpy as np
import pytest
from scipy import stats

from scarceseg.components.evaluators import summarise
from scarceseg.components.evaluators.comparisons.scores import Column, Scores
from scarceseg.components.evaluators.comparisons.statistics import bootstrap_interval, holm
from scarceseg.components.evaluators.comparisons.tables import compare_scores
from scarceseg.components.evaluators.tables import write_csv
from scarceseg.registry.errors import UserError

NAN = math.nan
CLASSES = ('RV', 'myocardium', 'LV')
DICE = Column('dice', 'average', (0, 1, 2))


def draw(rng, *, seeds=1, cases=20, better=0.0):
    """(seeds, cases, 3, 2) of Dice and HD95."""
    return np.stack([rng.normal(0.8 + better, 0.05, (seeds, cases, 3)), rng.gamma(2, 3 - 20 * better, (seeds, cases, 3))], -1)


def scores(values, *, patients=None, plain=3, classes=CLASSES, metrics=('dice', 'hd95_mm')):
    cases = next(iter(values.values())).shape[1]
    return Scores(values, tuple(f'case{k}' for k in range(cases)), classes, plain, metrics, patients)


@pytest.fixture
def three(rng):
    return scores({'base': draw(rng), 'good': draw(rng, better=0.05), 'same': draw(rng)}, patients=tuple(np.arange(20) // 2))


def test_a_cell_is_what_the_summary_of_one_result_says(rng):
    values = draw(rng)
    values[0, :5, 1] = NAN
    values[0, 7] = NAN
    rows = [{'case': str(n), 'class': name, 'dice': values[0, n, k, 0], 'hd95_mm': values[0, n, k, 1], 'state': 'both', 'fused': 0}
            for n in range(20) for k, name in enumerate(CLASSES)]
    table, summary = compare_scores(scores({'a': values}), layout='paper', resamples=9), summarise(rows)
    for column in table.columns:
        cell, entry = table.cells['a', column], summary['mean' if column.name == 'average' else column.name][column.metric]
        assert (cell.mean, cell.std, cell.counted) == (pytest.approx(entry['mean']), pytest.approx(entry['std']), entry['counted'])


def test_seeds_are_averaged_per_case_and_their_own_spread_is_apart(rng):
    values = draw(rng, seeds=3)
    cell = compare_scores(scores({'a': values}), resamples=999).cells['a', DICE]
    of_seeds = values[..., 0].mean((1, 2))
    assert cell.mean == pytest.approx(of_seeds.mean()) and cell.seeds_std == pytest.approx(of_seeds.std(ddof=1))
    assert cell.std == pytest.approx(values[..., 0].mean((0, 2)).std())
    assert (cell.low, cell.high) == pytest.approx(bootstrap_interval(values[..., 0].mean((0, 2)), resamples=999), abs=1e-4)
    text = compare_scores(scores({'a': values}), resamples=9).terminal()
    assert f'(±{100 * of_seeds.std(ddof=1):.2f})' in text and '3 seeds of each method' in text and '(n - 1)' in text


def test_tests_are_those_of_scipy_over_patients_and_corrected_together(three):
    table, per_patient = compare_scores(three, baseline='base', resamples=9), {}
    for method, values in three.values.items():
        per_patient[method] = values[0].mean(1).reshape(10, 2, 2).mean(1)  # classes, then the two cases of a patient
    keys = [(m, c) for m in ('good', 'same') for c in table.columns]
    p = {'t': [], 'wilcoxon': []}
    for method, column in keys:
        metric, contrast = three.metrics.index(column.metric), table.contrasts[method, column]
        pair = per_patient[method][:, metric], per_patient['base'][:, metric]
        p['t'].append(stats.ttest_rel(*pair).pvalue)
        p['wilcoxon'].append(stats.wilcoxon(*pair).pvalue)
        assert (contrast.t.p, contrast.wilcoxon.p) == (pytest.approx(p['t'][-1]), pytest.approx(p['wilcoxon'][-1]))
        assert contrast.difference == pytest.approx(np.mean(pair[0] - pair[1])) and contrast.t.pairs == 10
    assert list(table.contrasts) == keys
    assert [c.t_holm for c in table.contrasts.values()] == pytest.approx(holm(p['t']))
    assert [c.wilcoxon_holm for c in table.contrasts.values()] == pytest.approx(holm(p['wilcoxon']))
    assert [table.significant(*k) for k in keys] == [q < 0.05 for q in holm(p['wilcoxon'])] and table.significant(*keys[0])


def test_what_one_method_lacks_is_left_out_of_both_sides_of_a_pair(rng):
    base, other = draw(rng, cases=12), draw(rng, cases=12)
    other[0, 0, :, 1] = NAN  # no distance at all
    base[0, 1, 0, 1] = NAN  # none of one class
    table = compare_scores(scores({'base': base, 'other': other}), baseline='base', resamples=9)
    contrast = table.contrasts['other', Column('hd95_mm', 'average', (0, 1, 2))]
    a, b = other[0, 1:, :, 1].mean(1), base[0, 1:, :, 1].mean(1)
    a[0], b[0] = other[0, 1, 1:, 1].mean(), base[0, 1, 1:, 1].mean()
    assert contrast.t.pairs == contrast.wilcoxon.pairs == 11 and contrast.t.p == pytest.approx(stats.ttest_rel(a, b).pvalue)
    note = next(n for n in table.notes if 'no HD95' in n)
    assert '1 by base, 3 by other' in note and 'of the 36 pairs of case and class' in note and 'cannot be compared' in note
    assert ' 11 ' in next(line for line in table.terminal().splitlines() if line.startswith('other') and 'HD95 mm' in line)


def test_order_of_methods_and_cases_changes_no_number(three):
    table = compare_scores(three, baseline='base', resamples=99)
    order = np.random.default_rng(1).permutation(20)
    values = {m: three.values[m][:, order] for m in ('same', 'good', 'base')}
    cases, patients = (tuple(names[k] for k in order) for names in (three.cases, three.patients))
    turned = Scores(values, cases, CLASSES, 3, three.metrics, patients)
    again = compare_scores(turned, baseline='base', resamples=99)
    for key, cell in table.cells.items():
        assert list(cell) == pytest.approx(list(again.cells[key]), nan_ok=True)
    for key, contrast in table.contrasts.items():
        assert contrast.wilcoxon.p == pytest.approx(again.contrasts[key].wilcoxon.p)


def test_best_is_the_highest_dice_and_the_lowest_distance_and_ties_as_shown(rng):
    values = {name: np.full((1, 6, 1, 2), v) for name, v in (('a', (0.9, 3)), ('b', (0.90001, 2)), ('c', (0.8, 4)))}
    table = compare_scores(scores(values, plain=1, classes=('LV',)), resamples=9)
    assert [table.best(c) for c in table.columns] == [('a', 'b'), ('b',)]
    assert '**90.00 ± 0.00** ' in table.markdown() and table.latex().count(r'\textbf{90.00 $\pm$ 0.00}') == 2


def test_a_leak_is_shown_but_neither_best_nor_tested_nor_ranked(three):
    table = compare_scores(three, baseline='base', leaks={'good': 'was trained on 2 of the cases it is judged by'}, resamples=9)
    assert table.best(DICE) and 'good' not in table.best(DICE) and not any(m == 'good' for m, _ in table.contrasts)
    assert math.isnan(table.mean_rank('good')) and table.mean_rank('base') + table.mean_rank('same') == pytest.approx(3)
    for text in (table.terminal(), table.markdown(), table.latex()):
        assert 'LEAK good' in text and 'LEAK: good was trained on 2 of the cases' in text
    assert {row['leak'] for row in table.csv_rows() if row['method'] == 'good'} == {1}
    with pytest.raises(UserError, match="baseline 'good' is no measure for others: it was trained on 2"):
        compare_scores(three, baseline='good', leaks=table.leaks, resamples=9)


def test_too_few_cases_for_any_star_are_warned_of(rng):
    def warned(cases, methods):
        named = {'base': draw(rng, cases=cases), **{f'm{k}': draw(rng, cases=cases) for k in range(methods)}}
        return [n for n in compare_scores(scores(named), baseline='base', resamples=9).notes if 'smallest' in n]
    assert re.search(r'with 5 pairs the smallest p of a Wilcoxon test is 0.0625: with fewer than 6', *warned(5, 1))
    assert 'with 6 pairs and 2 comparisons the smallest corrected p of a Wilcoxon test is 0.062' in warned(6, 1)[0]
    assert warned(7, 1) == [] and len(warned(7, 2)) == 1


def test_ranks_are_of_those_cases_that_all_methods_have(rng):
    values = {m: draw(rng, cases=8) for m in 'abc'}
    values['a'][0, 0, :, 0] = NAN
    ranking = compare_scores(scores(values), resamples=9).rankings[DICE]
    dice = np.stack([values[m][0, 1:, :, 0].mean(1) for m in 'abc'], 1)
    assert ranking.units == 7 and [ranking.mean(m) for m in 'abc'] == pytest.approx(list(stats.rankdata(-dice, axis=1).mean(0)))
    assert ranking.p == pytest.approx(stats.friedmanchisquare(*dice.T).pvalue)


def test_layout_of_the_paper_has_the_classes_and_then_their_average(rng):
    fused = np.concatenate([draw(rng), draw(rng)[:, :, :1]], 2)
    table = compare_scores(scores({'a': fused, 'b': fused + 0.01}, classes=(*CLASSES, 'heart')), layout='paper', baseline='a',
                           resamples=9)
    assert [c.name for c in table.columns] == [*CLASSES, 'average', 'heart'] * 2
    lines = table.latex().splitlines()
    assert r' & \multicolumn{5}{c}{Dice \%} & \multicolumn{5}{c}{HD95 mm} \\' in lines
    assert r'\cmidrule(lr){2-6} \cmidrule(lr){7-11}' in lines
    assert r'method & RV & myocardium & LV & average & heart & RV & myocardium & LV & average & heart \\' in lines
    single = scores({'a': fused[:, :, :1]}, plain=1, classes=('LA',))
    assert [c.name for c in compare_scores(single, layout='paper', resamples=9).columns] == ['LA'] * 2


def test_tables_are_rectangular_and_names_are_escaped(rng):
    table = compare_scores(scores({'U_Net 50% & |x|': draw(rng, seeds=2), 'b': draw(rng)}), baseline='b', resamples=9)
    pipes = [re.sub(r'\\.', '', line).count('|') for line in table.markdown().splitlines() if line.startswith('|')]
    assert pipes[:4] == [7] * 4 and r'U\_Net 50% & \|x\|' in table.markdown()
    assert r'U\_Net 50\% \& \textbar{}x\textbar{} & ' in table.latex() and table.latex().isascii()
    assert all(line.count('&') == 5 for line in table.latex().replace(r'\&', '').splitlines() if line.endswith(r'\\'))
    plain = table.terminal().splitlines()
    assert '\ue000' not in table.terminal() and len({line.index('±') for line in plain[4:6]}) == 1
    assert '\033[1m' in table.terminal(bold=True) and '●' not in table.terminal(bold=True) and '\033' not in table.terminal()


def test_csv_has_a_row_for_each_method_and_column_in_full_precision(three, tmp_path):
    table = compare_scores(three, baseline='base', resamples=9)
    write_csv(table.csv_rows(), tmp_path / 'comparison.csv')
    rows = list(csv.DictReader((tmp_path / 'comparison.csv').open()))
    assert len(rows) == 3 * 2 and float(rows[2]['mean']) == table.cells['good', table.columns[0]].mean
    assert rows[0]['p_t_holm'] == '' and float(rows[2]['p_t_holm']) == table.contrasts['good', table.columns[0]].t_holm


def test_unknown_choices_are_answered(three):
    for settings, part in (({'baseline': 'goood'}, "did you mean 'good'"), ({'layout': 'papers'}, "layout 'papers' is unknown"),
                           ({'test': 'z'}, 'known: wilcoxon, t'), ({'interval': 'normal'}, 'known: bca, percentile')):
        with pytest.raises(UserError, match=re.escape(part)):
            compare_scores(three, resamples=9, **settings)


def test_five_methods_twenty_cases_and_three_classes_take_well_under_a_second(rng):
    many = scores({f'm{k}': draw(rng, seeds=3) for k in range(5)}, patients=tuple(np.arange(20) // 2))
    start = time.process_time()
    compare_scores(many, baseline='m0', layout='paper', resamples=99).terminal()
    assert time.process_time() - start < 0.8

"""Results folders as eval.py writes them, made by hand."""
import json

import numpy as np
import pytest

from scarceseg.components.datasets.layouts.split_lists import split_hash
from scarceseg.components.evaluators import write_csv
from scarceseg.methods.comparisons.comparison import compare, find_patients, load_result, save_comparison
from scarceseg.registry import UserError

CASES = tuple(f'patient{k // 2:03d}_frame{k % 2 + 1:02d}' for k in range(12))


@pytest.fixture
def write(tmp_path):
    """Write a results folder: ``write('name', seed=1, …)``."""
    def write(name, *, config='method', hash='1234', seed=0, fold=None, cases=CASES, classes=('RV', 'LV'), better=0.0, empty='skip',
              metrics=('dice', 'hd95_mm'), voxels=10, checkpoint=None, training=None, protocol=True, note='', folder=None):
        rng = np.random.default_rng([len(name), seed or 0])
        rows = [{'case': case, 'class': c, **{m: rng.normal(0.8 + better, 0.02) for m in metrics}, 'state': 'both',
                 'label_voxels': voxels + k, 'prediction_voxels': 12, 'fused': 0}
                for k, case in enumerate(cases) for c in classes]
        checkpoint = {'name': 'last.pth', 'selected': 'last', 'selected_on_test': 0, 'tta': False, **(checkpoint or {})}
        known = dict(cases=dict(count=len(cases), hash=split_hash(cases)), classes=['background', *classes], has_background=True,
                     metrics={'dice': {}, 'hd{unit}': dict(percent=95)}, code=dict(version='0.1.0', commit=None, changed=None),
                     config=dict(name=config, hash=hash), seed=seed, fold=fold, checkpoint=checkpoint,
                     training=dict(count=2, hash='', shared=training or []))
        made_by = dict(run='gone', checkpoint='gone/' + checkpoint['name'], tta=False)
        facts = dict(summary={}, empty=empty, note=note, made_by=made_by)
        folder = folder or tmp_path / name
        write_csv(rows, folder / 'cases.csv')
        (folder / 'summary.json').write_text(json.dumps({**facts, **({'protocol': known} if protocol else {})}))
        return folder
    return write


def table_of(*folders, **settings):
    return compare([load_result(f) for f in folders], resamples=9, **settings)


def test_results_of_one_config_are_seeds_of_one_method(write):
    table = table_of(write('a0'), write('a1', seed=1), write('b0', config='other', hash='5678'), baseline='other')
    assert table.methods == ('method', 'other') and table.scores.values['method'].shape == (2, 12, 2, 2)
    assert table.scores.units == 6 and '12 cases of 6 patients, 1 to 2 seeds of a method' in table.terminal()


def test_values_are_those_of_the_files_whatever_the_order_of_their_rows(write):
    folder = write('a')
    other = write('b', config='other')
    write_csv(load_result(other).rows[::-1], other / 'cases.csv')
    rows = {(r['case'], r['class']): r for r in load_result(other).rows}
    table = table_of(folder, other)
    assert table.scores.values['other'][0, 3, 1, 0] == rows[CASES[3], 'LV']['dice']


def test_configs_of_one_name_that_differ_are_told_apart(write):
    table = table_of(write('a'), write('b', hash='9999'), write('c', checkpoint=dict(name='best.pth')))
    old = table_of(write('a'), write('old', protocol=False, seed=None, folder=None))
    assert old.methods == ('method', 'old')
    assert table.methods == ('method (config 1234, last.pth)', 'method (config 9999, last.pth)', 'method (config 1234, best.pth)')


def test_a_name_of_the_users_own_makes_results_one_method(write):
    results = [load_result(write('a'), 'ours'), load_result(write('b', seed=1, hash='other'), 'ours'), load_result(write('c'))]
    table = compare(results, resamples=9)
    assert table.methods == ('ours', 'method') and 'ours is made of results of 2 different configs' in table.terminal()


def test_a_seed_that_is_there_twice_is_refused(write):
    with pytest.raises(UserError, match='method has seed 0 twice.*NAME=PATH'):
        table_of(write('a'), write('b'))
    with pytest.raises(UserError, match='is given twice'):
        table_of(write('a'), write('a'))


def test_folds_of_a_cross_validation_are_one_test_set(write):
    folds = [write(f'{m}{k}', config=m, fold=k, cases=CASES[6 * k:6 * k + 6], voxels=10 + 6 * k) for m in 'ab' for k in (0, 1)]
    table = table_of(*folds, baseline='a')
    assert table.methods == ('a', 'b') and len(table.scores.cases) == 12 and not np.isnan(table.scores.values['b']).any()
    with pytest.raises(UserError, match='folds of a .seed 0. share the test case'):
        table_of(folds[0], write('wrong', config='a', fold=3, cases=CASES[3:9]))


def test_other_cases_are_refused_unless_only_common_ones_are_compared(write):
    folders = write('a', config='a'), write('b', config='b', cases=CASES[:10])
    with pytest.raises(UserError, match="different cases.*a .seed 0. has 12, b .seed 0. 10.*'patient005_frame01'.*--common-cases"):
        table_of(*folders)
    table = table_of(*folders, common_cases=True)
    assert table.scores.cases == CASES[:10]
    for text in (table.terminal(), table.markdown(), table.latex()):
        assert 'WARNING: ONLY the 10 cases that all results have are compared, of 10 to 12' in text.replace('\n  ', ' ')
    with pytest.raises(UserError, match='no cases in common'):
        table_of(folders[0], write('c', config='c', cases=('x', 'y')), common_cases=True)


def test_other_classes_are_refused(write):
    folders = write('a', config='a'), write('b', config='b', classes=('RV', 'MYO', 'LV'))
    with pytest.raises(UserError, match="different classes.*'MYO'"):
        table_of(*folders)
    table = table_of(*folders, common_cases=True)
    assert table.scores.classes == ('RV', 'LV') and 'ONLY the 2 classes' in table.terminal()


@pytest.mark.parametrize('other, message', [
    (dict(empty='worst'), "another rule for empty masks, 'skip' and 'worst'"),
    (dict(voxels=11), 'different labels, 10 and 11 voxels of RV in case patient000_frame01'),
    (dict(metrics=('iou',)), 'no metric in common, but dice, hd95_mm; iou')])
def test_results_that_were_judged_otherwise_are_refused(write, other, message):
    with pytest.raises(UserError, match=message):
        table_of(write('a', config='a'), write('b', config='b', **other))


def test_metrics_of_other_settings_are_refused(write):
    folders = write('a', config='a'), write('b', config='b')
    facts = json.loads((folders[1] / 'summary.json').read_text())
    facts['protocol']['metrics']['hd{unit}'] = dict(percent=99)
    (folders[1] / 'summary.json').write_text(json.dumps(facts))
    with pytest.raises(UserError, match='another setting of hd{unit}, percent=95 and percent=99'):
        table_of(*folders)


def test_selection_on_the_test_cases_and_training_on_them_are_leaks(write):
    best = dict(name='best.pth', selected_on_test=12)
    table = table_of(write('a', config='clean'), write('b', config='selected', checkpoint=best),
                     write('c', config='trained', training=['patient000_frame01', 'patient001_frame02'], better=0.1))
    assert list(table.leaks) == ['selected', 'trained'] and table.best(table.columns[0]) == ()
    notes = ' '.join(table.notes)
    assert 'LEAK: selected has a checkpoint that was selected on 12 of the 12 cases it is judged by (best.pth)' in notes
    assert 'LEAK: trained was trained on 2 of the cases it is judged by (patient000_frame01, patient001_frame02)' in notes


def test_one_leaking_seed_marks_its_method(write):
    table = table_of(write('a0'), write('a1', seed=1, training=[CASES[0]]), write('b', config='b'))
    assert list(table.leaks) == ['method']


def test_results_without_protocol_are_marked_as_unknown(write):
    table = table_of(write('old', protocol=False, seed=None), write('new', config='new'))
    assert list(table.unknown) == ['old'] and 'old ?' in table.terminal()
    assert 'evaluated before protocols were recorded' in ' '.join(table.notes)
    flattering = table_of(write('old', protocol=False, note='best.pth was selected on …'), write('new', config='new'))
    assert list(flattering.leaks) == ['old']


def test_unknown_training_or_selection_is_marked(write):
    table = table_of(write('a', config='a', checkpoint=dict(selected='unknown', selected_on_test=None)), write('b', config='b'))
    assert table.unknown == {'a': 'with a checkpoint selected on unknown cases'} and not table.leaks


def test_other_code_is_said(write):
    folders = write('a', config='a'), write('b', config='b')
    facts = json.loads((folders[1] / 'summary.json').read_text())
    facts['protocol']['code'] = dict(version='0.1.0', commit='abcdef1234', changed=True)
    (folders[1] / 'summary.json').write_text(json.dumps(facts))
    assert 'WARNING: evaluated by different code: 0.1.0, 0.1.0 abcdef12 with changes' in table_of(*folders).notes


def test_flips_on_one_side_only_are_said(write):
    table = table_of(write('a', config='a'), write('b', config='b', checkpoint=dict(tta=True)), write('c', config='c'))
    assert 'WARNING: results differ in test-time flips: without: a, c; with: b' in table.notes


def test_patients_are_found_by_common_names_or_an_expression_or_not_at_all():
    assert find_patients(CASES)[:3] == ('patient000', 'patient000', 'patient001')
    assert find_patients(['patient1', 'patient2']) is None and find_patients(['a_1', 'a_2']) is None
    assert find_patients(['a_1', 'a_2', 'b_1'], '^[a-z]') == ('a', 'a', 'b') and find_patients(CASES, '') is None
    with pytest.raises(UserError, match='finds nothing'):
        find_patients(CASES, 'x+')


def test_metrics_are_chosen_by_name_column_or_title(write):
    folders = write('a', config='a'), write('b', config='b', metrics=('dice', 'hd95_mm', 'assd_mm'))
    assert table_of(*folders).scores.metrics == ('dice', 'hd95_mm')
    for wanted in ('hd95', 'hd95_mm', 'HD95'):
        assert table_of(*folders, metrics=[wanted]).scores.metrics == ('hd95_mm',)
    with pytest.raises(UserError, match="metric 'dise' is not in all results .did you mean 'dice'..; all have dice, hd95_mm"):
        table_of(*folders, metrics=['dise'])
    assert table_of(folders[1], layout='paper').scores.metrics == ('dice', 'hd95_mm')


def test_a_distance_of_empty_masks_is_explained(write):
    assert 'is the diagonal of the image' in table_of(write('a', empty='worst')).terminal()


def test_a_result_is_found_from_its_run_its_predictions_and_its_table(write, tmp_path):
    run = tmp_path / 'run'
    for name in ('last_iter10', 'last_iter20'):
        write(name, folder=run / 'predictions' / name / 'evaluation', better=0.1 * name.endswith('20'))
    newest = run / 'predictions' / 'last_iter20'
    for path in (run, newest, newest / 'evaluation', newest / 'evaluation' / 'cases.csv'):
        assert load_result(path).folder == newest / 'evaluation'


def test_what_is_no_result_is_answered_in_a_sentence(write, tmp_path):
    with pytest.raises(UserError, match='there is no folder'):
        load_result(tmp_path / 'nowhere')
    with pytest.raises(UserError, match='has no results; predict with test.py and evaluate with eval.py'):
        load_result(tmp_path)
    folder = write('a')
    for text in ('{', '[1]', '{"other": 1}'):
        (folder / 'summary.json').write_text(text)
        with pytest.raises(UserError, match='summary.json is no summary of results, or damaged'):
            load_result(folder)
    table = (folder / 'cases.csv').read_text().splitlines()
    broken = ['case,class,state,dice', 'a,b,c,x']
    for lines, what in ((table[:1], 'no cases'), ([*table, table[-1]], 'a case and class twice'), (broken, 'is damaged')):
        (folder / 'cases.csv').write_text('\n'.join(lines))
        with pytest.raises(UserError, match=what):
            load_result(folder)
    with pytest.raises(UserError, match='nothing to compare'):
        compare([])


def test_a_table_that_is_none_of_ours_is_not_written_over(write, tmp_path):
    (tmp_path / 'comparison.csv').write_text('precious')
    with pytest.raises(UserError, match='none of ours'):
        save_comparison(table_of(write('a')), tmp_path)
    assert (tmp_path / 'comparison.csv').read_text() == 'precious' and not (tmp_path / 'comparison.md').exists()


def test_everything_is_written_to_a_folder(write, tmp_path):
    pytest.importorskip('matplotlib')
    table = table_of(write('a', config='a'), write('b', config='b'), baseline='a')
    files = save_comparison(table, tmp_path / 'out')
    assert {f.name for f in (tmp_path / 'out').iterdir()} == {f.name for f in files} == {
        'comparison.md', 'comparison.tex', 'comparison.csv', 'boxes.png', 'ranks.png'}
    assert all(f.stat().st_size > 300 for f in files)
    single = save_comparison(table_of(write('a', config='a')), tmp_path / 'one')
    assert not (tmp_path / 'one' / 'ranks.png').exists() and len(single) == 4

"""The facts of a run folder, whatever of it there is."""
import json
import os
import shlex
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from scarceseg.components.datasets import load_image, save_image, write_nifti
from scarceseg.methods.assembly import assemble
from scarceseg.methods.evaluation import RunCases, evaluate
from scarceseg.methods.reports import reporting
from scarceseg.methods.reports.reporting import collect, entropy, refresh_report, write_report
from scarceseg.methods.reports.run_facts import duration
from scarceseg.methods.runs import new_record, write_json
from scarceseg.registry import UserError, load_config, use_data_root
from scarceseg.tools import eval as eval_tool
from scarceseg.tools import report as report_tool
from scarceseg.tools import test as test_tool
from scarceseg.tools import train as train_tool

from ..page_reader import Page

OPTIONS = {'train_cfg.max_iters': 100, 'transforms.0.size': [32, 32], 'a.b': ['x', 'y'], 'a.c': 'word', 'd': True, 'e': None}
CURVES = """iteration,name,value
50,train/loss,2.0
50,train/time,0.2
50,train/data_time,0.05
50,val/dice/mean,0.6
100,train/loss,1.0
100,train/time,0.4
100,train/data_time,0.1
100,train/memory,900
100,val/dice/mean,0.7
"""


@pytest.fixture
def run(small_folder, monkeypatch):
    """A finished run without predictions, as train.py leaves it, but that nothing was trained."""
    monkeypatch.chdir(small_folder)
    monkeypatch.delenv('SCARCESEG_DATA', raising=False)
    config = assemble(use_data_root(load_config('wsl/dmpls_acdc_cpu'), '.'))
    folder = Path('work_dirs/my run')
    folder.mkdir(parents=True)
    config.dump(str(folder / 'config.py'))
    network = dict(type='DualBranchUNet2D', parameters=1234567, trained=1234567)
    write_json(folder / 'run.json', dict(
        new_record(config, 3), status='finished', iterations=100, best_score=0.7, best_iteration=100, networks=dict(dual=network),
        options=OPTIONS,
        cases=dict(scribbled=dict(cases=2, samples=6), validation=dict(cases=2))))
    (folder / 'curves.csv').write_text(CURVES)
    return folder


def predict(run, name, *, checkpoint='last', images=None, prob=False, shift=1):
    """Predictions of the two validation cases: their labels, moved."""
    folder = run / 'predictions' / name
    folder.mkdir(parents=True)
    for case in ('case2', 'case3'):
        label, geometry = load_image(f'ACDC/labels/{case}.nii.gz', label=True)
        save_image(folder / f'{case}.nii.gz', np.roll(label, shift, -1), geometry)
        if prob:
            write_nifti(folder / f'{case}_prob.nii.gz', np.full((4, *label.shape), 0.25, np.float32), geometry)
    write_json(folder / 'predictions.json', dict(
        run=str(run.resolve()), checkpoint=str(run.resolve() / f'{checkpoint}.pth'), checkpoint_sha256='ab12', iteration=100,
        tta=True, cases=['case2', 'case3'], images=images, seconds={'case2': 1.0, 'case3': 3.0},
        peak_memory_mb=1500))
    return folder


def judge(folder, when=None, **settings):
    rows, summary, out = evaluate(RunCases(folder), processes=1, **settings)
    if when is not None:
        os.utime(out / 'summary.json', (when, when))
    return summary, out


def page_of(run, **settings):
    return Page(write_report(run, **settings).read_text(encoding='utf-8'))


def page_of_written(run):
    return Page((run / 'report.html').read_text(encoding='utf-8')).text


def test_a_run_that_was_only_trained_has_its_curves_and_says_what_is_next(run):
    page = page_of(run)
    sections = {'curves', 'about', 'checkpoint', 'timing', 'environment', 'reproduce', 'files'}
    assert {s['id'] for s in page.all('section')} == sections
    assert "nothing was predicted yet: python tools/test.py 'work_dirs/my run' --tta" in page.text
    assert '1\u202f234\u202f567' in page.text and 'scribbled training 2 6 images ACDC/images' in page.text
    assert '0.3 s (median of 2' in page.text and '25.0 % of that time' in page.text and '900 MB of the GPU' in page.text
    assert page.fetched() == []


def test_an_evaluated_run_shows_the_numbers_that_eval_wrote_and_its_cases(run):
    summary, _ = judge(predict(run, 'last_iter100_tta'))
    facts, page = collect(run), page_of(run)
    assert facts['result']['summary'] == summary and [p['case'] for p in facts['result']['panels']] != []
    assert f'{100 * summary["RV"]["dice"]["mean"]:.2f} ± {100 * summary["RV"]["dice"]["std"]:.2f}' in page.text
    assert len(page.all('image')) == 2 * 3 and '2 s a case (median of 2, 1 to 3 s)' in page.text
    assert 'Prediction memory at most 1\u202f500 MB of the process' in page.text
    assert 'LEAK' not in page.text and 'the last iteration' in page.text and 'Tested on the validation cases' in page.text


def test_a_best_checkpoint_judged_on_what_selected_it_is_marked_as_leak(run):
    judge(predict(run, 'best_iter100', checkpoint='best'))
    page = page_of(run)
    assert 'LEAK : best.pth was selected on these very cases' in page.text
    assert 'the highest validation dice/mean of 2 validations' in page.text


def test_what_a_protocol_says_of_shared_cases_is_a_leak_too(run):
    _, out = judge(predict(run, 'x'))
    content = json.loads((out / 'summary.json').read_text())
    protocol = dict(cases=dict(count=2, hash='c' * 64), training=dict(count=3, hash='d' * 64, shared=['case2']),
                    config=dict(name='x', hash='e' * 64), code=dict(version='0.1.0', commit='f' * 40, changed=True),
                    checkpoint=dict(selected_on_test=2))
    write_json(out / 'summary.json', dict(content, protocol=protocol))
    text = page_of(run).text
    assert 'LEAK : the checkpoint was selected on 2 of the cases it is judged by.' in text
    assert 'LEAK : the run was trained on 1 of the cases it is judged by: case2' in text
    assert 'ffffffffff with changes' in text and 'Config hash eeeeeeeeeeee ' in text
    unknown = dict.fromkeys(('cases', 'training', 'config', 'code', 'checkpoint'))
    write_json(out / 'summary.json', dict(content, protocol=unknown))
    assert 'LEAK' not in page_of(run).text


def test_an_ensemble_and_cases_that_failed_are_said(run):
    folder = predict(run, 'x')
    manifest = json.loads((folder / 'predictions.json').read_text())
    members = [dict(run=str(run.resolve())), dict(run='/other run')]
    write_json(folder / 'predictions.json', dict(manifest, ensemble=members, failed=['case7']))
    judge(folder)
    text = page_of(run).text
    assert 'the mean of 2 runs' in text and '2 times last.pth' in text
    assert '1 case could not be predicted and is in no number: case7' in text
    assert shlex.split(dict(collect(run)['commands'])['Predict'])[2:4] == [str(run), '/other run']


def test_of_several_predictions_the_newest_result_is_shown_and_the_others_are_listed(run):
    _, old = judge(predict(run, 'old', checkpoint='best'), when=1_000_000)
    summary, _ = judge(predict(run, 'new', shift=2), when=2_000_000)
    predict(run, 'not evaluated')
    facts = collect(run)
    assert facts['result']['summary'] == summary
    assert [row[0] for row in facts['others'][1]] == ['predictions/old/evaluation', 'predictions/not evaluated']
    assert '(LEAK)' in facts['others'][1][0][2] and facts['others'][1][1][2] == 'not evaluated'
    by_predictions, by_results = (collect(run, predictions=p)['result'] for p in (run / 'predictions' / 'old', old))
    assert by_predictions['rows'] == by_results['rows'] != facts['result']['rows']
    with pytest.raises(UserError, match='holds no predictions or results of work_dirs/my run'):
        collect(run, predictions='ACDC')


def test_results_elsewhere_below_the_run_are_found(run):
    judge(predict(run, 'x'), out=run / 'mine')
    assert collect(run)['result'] is not None
    assert f"--out '{run}/mine'" in dict(collect(run)['commands'])['Evaluate']


def test_without_the_data_there_are_numbers_and_no_pictures(run):
    judge(predict(run, 'x'))
    Path('ACDC').rename('gone')
    page = page_of(run)
    assert page.all('image') == [] and 'No pictures: ' in page.text and 'Distribution' in page.text


def test_a_run_that_was_moved_has_its_report(run):
    judge(predict(run, 'x'))
    run.rename('elsewhere')
    page = page_of('elsewhere')
    assert len(page.all('image')) == 6 and all(Path('elsewhere', unquote(a['href'])).is_file() for a in page.all('a')
                                               if not a['href'].startswith('#'))


def test_predictions_of_a_folder_of_images_do_not_ask_for_an_evaluation(run):
    predict(run, 'x', images='/some/images')
    page = page_of(run)
    assert 'not evaluated yet' not in page.text and 'the images of /some/images' in page.text


def test_predictions_older_than_the_run_are_pointed_out(run):
    predict(run, 'x')
    record = json.loads((run / 'run.json').read_text())
    write_json(run / 'run.json', dict(record, iterations=200))
    assert 'of iteration 100, but the run has 200 by now' in page_of(run).text


def test_saved_probabilities_become_a_map_of_uncertainty(run):
    judge(predict(run, 'x', prob=True))
    panels = collect(run)['result']['panels']
    assert all(p['uncertainty'].shape == p['label'].shape and np.allclose(p['uncertainty'], 1) for p in panels)
    assert len(page_of(run).all('image')) == 2 * 3 * 2


@pytest.mark.parametrize('seconds, text', [(2.46, '2.5 s'), (59.6, '59.6 s'), (245, '4 min 5 s'), (650, '11 min'),
                                           (3599, '1 h 0 min'), (12_030, '3 h 20 min')])
def test_durations_are_as_exact_as_one_wants_to_read_them(seconds, text):
    assert duration(seconds) == text


def test_entropy_is_a_share_of_the_most_there_can_be():
    prob = np.array([[1.0, 0.5, 0.25], [0.0, 0.5, 0.25], [0.0, 0.0, 0.25], [0.0, 0.0, 0.25]])
    assert entropy(prob) == pytest.approx([0, 0.5, 1], abs=1e-6)


def test_the_commands_are_ones_that_the_tools_take_and_mean_the_same(run):
    folder = predict(run, 'best_iter100_tta', checkpoint='best', prob=True)
    judge(folder, metrics=('dice', dict(type='surface_dice', tolerance=2.0)), fused={'whole heart': (1, 2, 3)}, empty='worst')
    lines = {what: shlex.split(command)[2:] for what, command in collect(run)['commands']}
    train = train_tool.parser().parse_args(lines['Train'])
    assert train.seed == 3 and train.cfg_options == OPTIONS
    assert Path(train.data) == Path.cwd() and Path(train.config).is_file()
    test = test_tool.parser().parse_args(lines['Predict'])
    assert (test.checkpoint, test.tta, test.save_prob, test.out) == ('best', True, True, None)
    assert np.atleast_1d(test.run).tolist() == [str(run)]
    evaluated = eval_tool.parser().parse_args(lines['Evaluate'])
    assert evaluated.metrics == [dict(type='dice'), dict(type='surface_dice', tolerance=2.0)]
    assert evaluated.fuse == [('whole heart', (1, 2, 3))]
    assert evaluated.empty == 'worst' and Path(evaluated.predictions) == folder and evaluated.labels is None
    assert report_tool.parser().parse_args(lines['This page']).run == str(run)


def test_a_run_that_noted_no_options_is_made_again_from_its_own_config(run):
    record = json.loads((run / 'run.json').read_text())
    write_json(run / 'run.json', {k: v for k, v in record.items() if k not in ('options', 'networks', 'cases')})
    line = shlex.split(dict(collect(run)['commands'])['Train'])
    assert line == ['python', 'tools/train.py', 'work_dirs/my run/config.py', '--work-dir', 'work_dirs/my run-again']
    assert 'not noted' in page_of(run).text


@pytest.mark.parametrize('file, content', [('curves.csv', 'iteration,name,value\nx,y,z\n'), ('curves.csv', 'a,b\n1,2\n'),
                                           ('config.py', 'classes = ('),
                                           ('run.json', '{'), ('predictions/x/evaluation/cases.csv', 'a,b\n')])
def test_a_damaged_file_is_left_out_and_the_rest_is_there(run, file, content):
    judge(predict(run, 'x'))
    (run / file).write_text(content)
    page = page_of(run)
    assert 'cannot be read' in page.text and 'Checkpoint' in page.text
    assert file.endswith('cases.csv') != ('Results' in page.text)


@pytest.mark.parametrize('file', ['predictions/x/predictions.json', 'predictions/x/evaluation/summary.json', 'curves.csv'])
def test_a_file_that_is_empty_is_as_good_as_none(run, file):
    judge(predict(run, 'x'))
    (run / file).write_text('')
    assert page_of(run).all('h1')


def test_a_training_that_is_still_going_on_says_so(run):
    record = json.loads((run / 'run.json').read_text())
    write_json(run / 'run.json', {k: v for k, v in record.items() if k != 'iterations'} | {'status': 'running'})
    assert 'the training has not finished; 100 iterations were logged' in page_of(run).text


def test_a_folder_that_is_no_run_is_an_error_of_the_user(tmp_path):
    with pytest.raises(UserError, match='is no run folder'):
        write_report(tmp_path)


def test_refreshing_never_fails_and_says_in_one_line_what_went_wrong(run, monkeypatch):
    said = []
    monkeypatch.setattr(reporting.logger, 'warning', lambda text, *parts: said.append(text % parts))
    assert refresh_report('ACDC') is None and not said  # below no run: nothing to do
    _, out = judge(predict(run, 'x'), when=1_000_000)
    judge(predict(run, 'y'), when=2_000_000)
    assert refresh_report(out) == run / 'report.html'
    assert 'predictions/y/evaluation' in page_of_written(run)  # the newer ones are the others
    assert refresh_report(predict(run, 'z', images='/some/images')) == run / 'report.html'
    assert 'predictions/x/evaluation 2 Dice' in page_of_written(run)

    def fail(*_, **__):
        raise RuntimeError('no\nfonts')
    monkeypatch.setattr(reporting, 'collect', fail)
    before = (run / 'report.html').read_bytes()
    assert refresh_report(run) is None and (run / 'report.html').read_bytes() == before
    assert said == ['no report of work_dirs/my run was written: RuntimeError: no fonts']


def test_nothing_but_the_report_is_written(run):
    judge(predict(run, 'x'))
    before = {p: p.stat().st_mtime_ns for p in run.rglob('*') if p.is_file()}
    write_report(run)
    after = {p: p.stat().st_mtime_ns for p in run.rglob('*') if p.is_file()}
    assert after.pop(run / 'report.html') and after == before

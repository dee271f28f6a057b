"""The report as a user meets it: written by train, test and eval, by the tool, and read in a browser."""
import json
import re
import shutil
import subprocess

import pytest

from scarceseg.components.evaluators.report import report_page
from scarceseg.methods.reports import reporting
from scarceseg.tools import eval as eval_tool
from scarceseg.tools import report as report_tool
from scarceseg.tools import test as test_tool
from scarceseg.tools import train as train_tool

from ..components.test_report import HOSTILE, make_facts, make_result
from ..page_reader import Page
from .test_tools import TRAIN, at_work, call  # noqa: F401

CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')
QUIET = ('--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
         '--disable-component-update', '--disable-sync', '--enable-logging=stderr')


def page_of(run):
    return Page((run / 'report.html').read_text(encoding='utf-8'))


def test_train_test_and_eval_each_leave_a_report_of_what_there_is(at_work, capsys):  # noqa: F811
    run = at_work / 'work_dirs' / 'dmpls_acdc_cpu'
    assert call(train_tool, *TRAIN, '--data', '.') == 0
    assert 'report: work_dirs/dmpls_acdc_cpu/report.html' in capsys.readouterr().out
    record, page = json.loads((run / 'run.json').read_text()), page_of(run)
    assert record['cases'] == {'scribbled': {'cases': 2, 'samples': 6}, 'validation': {'cases': 2}}
    assert record['networks']['dual']['parameters'] > 1000 and record['options']['train_cfg.max_iters'] == 2
    assert record['finished'] >= record['started'] and record['machine']['threads'] >= 1 and record['peak_memory_mb'] > 50
    assert 'scribbled training 2 6' in page.text and 'MB of the process' in page.text and 'nothing was predicted yet' in page.text
    assert '--cfg-options train_cfg.max_iters=2' in page.text and "'transforms.0.size=[32, 32]'" in page.text
    assert call(test_tool, '--tta') == 0
    seconds = json.loads((run / 'predictions/last_iter2_tta/predictions.json').read_text())['seconds']
    assert set(seconds) == {'case2', 'case3'} and all(0 < s < 60 for s in seconds.values())
    assert 'the predictions were not evaluated yet' in page_of(run).text
    assert call(eval_tool) == 0
    assert 'report: work_dirs/dmpls_acdc_cpu/report.html' in capsys.readouterr().out
    page = page_of(run)
    assert 'Every case as a table' in page.text and len(page.all('image')) > 0 and page.fetched() == []


def test_a_report_that_cannot_be_written_stops_neither_training_nor_evaluation(at_work, capsys, monkeypatch):  # noqa: F811
    def fail(*_, **__):
        raise ImportError('matplotlib is broken')
    monkeypatch.setattr(reporting, 'write_report', fail)
    assert call(train_tool, *TRAIN, '--data', '.') == 0
    record = json.loads((at_work / 'work_dirs/dmpls_acdc_cpu/run.json').read_text())
    assert record['status'] == 'finished' and not (at_work / 'work_dirs/dmpls_acdc_cpu/report.html').exists()
    assert 'no report of' in (at_work / 'work_dirs/dmpls_acdc_cpu/train.log').read_text()
    assert '\nreport: ' not in capsys.readouterr().out


def make_run(folder):
    folder.mkdir(parents=True)
    (folder / 'run.json').write_text(json.dumps(dict(name='x', config='x.py', status='running', started='2026-01-01T10:00')))
    return folder


def test_the_tool_writes_the_report_of_a_run_that_holds_next_to_nothing(tmp_path, capsys):
    run = make_run(tmp_path / 'run')
    assert call(report_tool, str(run)) == 0
    assert f'report: {run}/report.html' in capsys.readouterr().out and 'has not finished' in page_of(run).text


@pytest.mark.parametrize('argv, part', [([], 'no run with a checkpoint'), (['runn'], "did you mean 'run'"),
                                        (['.'], 'no run folder'), (['run', '--predictions', '.'], 'holds no predictions')])
def test_a_mistake_ends_in_one_sentence_and_status_two(tmp_path, capsys, monkeypatch, argv, part):
    monkeypatch.chdir(tmp_path)
    make_run(tmp_path / 'run')
    assert call(report_tool, *argv) == 2
    error = capsys.readouterr().err
    assert part in error and error.count('\n') == 1


@pytest.mark.skipif(CHROMIUM is None, reason='chromium is not installed')
def test_a_browser_shows_all_of_it_and_complains_of_nothing(tmp_path):
    page = report_page(make_facts(title='<b>x</b>', result=make_result(['a', HOSTILE, 'c'])))
    (tmp_path / 'page.html').write_text(page, encoding='utf-8')
    command = [CHROMIUM, *QUIET, f'--user-data-dir={tmp_path / "profile"}', '--dump-dom', (tmp_path / 'page.html').as_uri()]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert 'CONSOLE' not in answer.stderr
    shown, written = Page(re.sub('^.*?<html', '<html', answer.stdout, flags=re.DOTALL)), Page(page)
    assert [tag for tag, _ in shown.elements] == [tag for tag, _ in written.elements]  # nothing was closed or moved by the browser
    assert shown.text.strip() == written.text.strip()

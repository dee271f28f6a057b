"""A suite as a user runs it: stopped, given again, with a member that fails."""
import importlib
import json
import os
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from scarceseg.methods.suites.jobs import Jobs
from scarceseg.tools import run_suite

SUITE = '''
cases = dict(count=2, shape=(3, 32, 32))
small = {{'train_cfg.max_iters': {iterations}, 'train_cfg.val_interval': 1000, 'transforms.0.size': (32, 32),
         'train_dataloader.dataset.parts.scribbled': cases, 'val_dataloader.dataset.cases': cases,
         'test_dataloader.dataset.cases': dict(cases, count=3), 'visualizer.vis_backends': [],
         'default_hooks.checkpoint.interval': 5, 'default_hooks.logger.interval': 1}}
suite = dict(metrics=('dice',), baseline='partial CE', members=[
    dict(config='wsl/partial_ce_phantom', name='partial CE', options={{**small, 'model.networks.net.channels': (4, 8)}}),
    dict(config='wsl/dmpls_phantom', name='DMPLS', options={{**small, 'model.networks.dual.channels': (4, 8)}})][:{members}])
'''


@pytest.fixture
def at_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv('SCARCESEG_DATA', raising=False)
    (tmp_path / 'small.py').write_text(SUITE.format(iterations=2, members=2))
    return tmp_path


@pytest.fixture
def in_this_process(monkeypatch):
    """Steps are run here, one after another, which spares the start of processes; commands that hold ``broken`` fail."""
    failing, stages = [], []

    class Here:
        def __init__(self, command, **_):
            self.pid, stages[:] = len(stages), [*stages, (command[2].rpartition('.')[2], command[3])]
            try:
                if any(word in part for word in failing for part in command):
                    raise SystemExit(1)
                importlib.import_module(command[2]).main(command[3:])
                self.returncode = 0
            except SystemExit as stop:
                self.returncode = stop.code or 0

        def poll(self):
            return self.returncode
    monkeypatch.setattr('scarceseg.methods.suites.jobs.subprocess', SimpleNamespace(Popen=Here, DEVNULL=None, STDOUT=None))
    monkeypatch.setattr(Jobs, '__enter__', lambda self: self)
    monkeypatch.setattr(Jobs, '__exit__', lambda *_: None)
    monkeypatch.setattr(Jobs, '_tell', lambda *_: None)
    return failing, stages


def call(*argv):
    with pytest.raises(SystemExit) as stop:
        run_suite.main(list(argv))
    return stop.value.code or 0


def test_a_member_that_fails_is_named_the_others_are_compared_and_the_next_time_it_goes_on(at_work, in_this_process, capsys):
    failing, stages = in_this_process
    failing.append('dmpls')
    assert call('small.py') == 1
    out = capsys.readouterr().out
    assert 'DMPLS, seed 0: FAILED, train ended with status 1' in out and 'logs/dmpls_seed0.log' in out
    assert 'partial CE, seed 0: train, test, eval done' in out and 'without DMPLS, seed 0' in out
    folder = at_work / 'work_dirs' / 'suites' / 'small'
    before = {p: p.stat().st_mtime_ns for p in (folder / 'runs' / 'partial_ce_seed0').rglob('*') if p.is_file()}
    failing.clear()
    stages.clear()
    assert call('small.py', '--jobs', '2') == 0
    assert [stage for stage, _ in stages] == ['train', 'test', 'eval']
    assert before == {p: p.stat().st_mtime_ns for p in (folder / 'runs' / 'partial_ce_seed0').rglob('*') if p.is_file()}
    out = capsys.readouterr().out
    assert 'partial CE, seed 0: done before' in out and 'without' not in out
    text = (folder / 'comparison.md').read_text()
    assert 'DMPLS' in text and 'partial CE' in text
    assert (folder / 'comparison.csv').is_file() and (folder / 'comparison.tex').is_file()


def test_a_dry_run_lists_and_does_nothing(at_work, capsys):
    run_suite.main(['small.py', '--dry-run'])
    assert capsys.readouterr().out.splitlines() == ['partial CE, seed 0: train, test, eval', 'DMPLS, seed 0: train, test, eval']
    assert not (at_work / 'work_dirs').exists()


@pytest.mark.parametrize('argv, part', [
    (['wsl_acdcc'], "did you mean 'wsl_acdc'"), (['small.py', '--jobs', '0'], '1 or more'), (['empty.py'], 'is no suite'),
    (['wsl_acdc', '--data', 'nowhere'], 'nowhere')])
def test_a_users_mistake_ends_in_one_sentence(at_work, capsys, argv, part):
    (at_work / 'empty.py').write_text('suit = dict(members=[])')
    assert call(*argv) == 2
    error = capsys.readouterr().err
    assert error.startswith('error: ') and error.count('\n') == 1 and part in error


def test_a_suite_that_is_killed_takes_its_training_along_and_goes_on_when_given_again(at_work, request):
    """The first time processes and all, the second time in this one."""
    (at_work / 'small.py').write_text(SUITE.format(iterations=60, members=1))
    run = at_work / 'work_dirs' / 'suites' / 'small' / 'runs' / 'partial_ce_seed0'
    environment = {**os.environ, 'OMP_NUM_THREADS': '1', 'MKL_NUM_THREADS': '1'}
    with subprocess.Popen([sys.executable, '-m', 'scarceseg.tools.run_suite', 'small.py'], env=environment) as process:
        deadline = time.monotonic() + 120
        while not (run / 'last.pth').exists():
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        process.kill()
    time.sleep(0.5)
    log = (run / 'train.log').read_text()
    assert '[60/60]' not in log and json.loads((run / 'run.json').read_text())['status'] == 'running'
    stages = request.getfixturevalue('in_this_process')[1]
    assert (run / 'train.log').read_text() == log  # nobody trains any more
    assert call('small.py') == 0 and [stage for stage, _ in stages] == ['train', 'test', 'eval']
    log = (run / 'train.log').read_text()
    assert json.loads((run / 'run.json').read_text())['status'] == 'finished' and log.count('Iter(train) [ 1/60]') == 1
    assert '[60/60]' in log and ' --resume' in (run.parents[1] / 'logs' / 'partial_ce_seed0.log').read_text()

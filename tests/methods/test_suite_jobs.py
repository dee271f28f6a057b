"""Processes of a suite, with commands that do nothing much."""
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from scarceseg.methods.suites.jobs import Jobs, environment, last_words, only_one, share_of_cores
from scarceseg.methods.suites.planning import Step
from scarceseg.registry import UserError


class Files:
    """A plan whose tasks are done when all their files are there; each step is a script that may make the next."""

    def __init__(self, folder, **scripts):
        self.folder, self.scripts = folder, scripts
        self.tasks = [SimpleNamespace(key=key) for key in scripts]

    def file(self, task, k):
        return self.folder / f'{task.key}{k}'

    def next_step(self, task):
        for k, script in enumerate(self.scripts[task.key]):
            if not self.file(task, k).exists():
                code = f'import os, sys, time; from pathlib import Path; own = Path({str(self.file(task, k))!r})\n{script}'
                return Step(f'step{k}', [sys.executable, '-S', '-c', code])

    def log(self, task):
        return self.folder / f'{task.key}.log'


def run(plan, **settings):
    with Jobs(plan, **settings) as jobs:
        seen = list(jobs.run(plan.tasks, every=0.02))
    return {end.task.key: end for ended, _ in seen for end in ended}, seen


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f'/proc/{pid}/stat').read_text().split()[2] != 'Z' if Path('/proc').is_dir() else True


def wait_for(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_steps_follow_each_other_and_what_is_done_is_not_run(tmp_path):
    plan = Files(tmp_path, a=['own.touch()'] * 3, b=['own.touch()'] * 2)
    (tmp_path / 'a0').touch()
    ends, _ = run(plan)
    assert [ends[k].steps for k in 'ab'] == [('step1', 'step2'), ('step0', 'step1')] and not ends['a'].error
    ends, _ = run(plan)
    assert [ends[k].steps for k in 'ab'] == [(), ()]


def test_one_that_fails_is_named_with_its_last_words_and_the_others_go_on(tmp_path):
    plan = Files(tmp_path, a=['print("error: no such thing"); print("bye"); sys.exit(2)', 'own.touch()'], b=['1 / 0'],
                 c=['own.touch()'], d=['pass'], e=['os.kill(os.getpid(), 9)'])
    ends, _ = run(plan, jobs=2)
    assert ends['a'].error == 'step0 ended with status 2: error: no such thing'
    assert ends['b'].error == 'step0 ended with status 1: ZeroDivisionError: division by zero'
    assert ends['c'].error is None and 'nothing complete' in ends['d'].error and 'killed by SIGKILL' in ends['e'].error


def test_last_words_are_those_of_the_last_command(tmp_path):
    log = tmp_path / 'log'
    log.write_text('\n$ train\nerror: old\n\n$ train\nnew\n\n')
    assert last_words(log) == 'new'
    log.write_text('\n$ train\n')
    assert last_words(log) == 'it said nothing'


@pytest.mark.parametrize('jobs', [1, 2, 3])
def test_so_many_run_at_once_and_no_more(tmp_path, jobs):
    ends, seen = run(Files(tmp_path, **dict.fromkeys('abcd', ['time.sleep(0.2); own.touch()'])), jobs=jobs)
    assert len(ends) == 4 and max(len(running) for _, running in seen) == jobs
    assert all(len({job.slot for job in running}) == len(running) for _, running in seen)


def test_each_process_has_its_threads(tmp_path):
    script = 'assert os.environ["OMP_NUM_THREADS"] == os.environ["MKL_NUM_THREADS"] == "3"; own.touch()'
    ends, _ = run(Files(tmp_path, a=[script]), threads=3)
    assert ends['a'].error is None


def test_gpus_are_dealt_out_in_turn_and_cores_shared():
    assert [environment(slot, 2, gpus=['4', '7'])['CUDA_VISIBLE_DEVICES'] for slot in range(3)] == ['4', '7', '4']
    assert 'CUDA_VISIBLE_DEVICES' not in environment(0, 2, gpus=[])
    assert share_of_cores(1) >= 1 and share_of_cores(10_000) == 1
    with pytest.raises(UserError, match='1 or more'):
        share_of_cores(0)


WITH_CHILD = """import subprocess
child = subprocess.Popen(["sleep", "60"])
own.with_suffix(".pids").write_text(f"{os.getpid()} {child.pid}\\n")
"""


def pids(file):
    wait_for(lambda: file.exists() and file.read_text().endswith('\n'))
    return [int(p) for p in file.read_text().split()]


@pytest.mark.parametrize('ignored', ['', 'import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n'])
def test_an_interrupted_command_ends_its_processes_and_theirs(tmp_path, ignored):
    plan = Files(tmp_path, a=[f'{ignored}{WITH_CHILD}time.sleep(60)'])
    with pytest.raises(KeyboardInterrupt), Jobs(plan) as jobs:
        next(jobs.run(plan.tasks))
        known = pids(tmp_path / 'a0.pids')
        if ignored:
            jobs.patience = 0.2
        raise KeyboardInterrupt
    wait_for(lambda: not any(map(alive, known)))
    assert not (tmp_path / 'a0').exists()


@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_command_ends_its_processes_and_theirs(tmp_path, number):
    script = tmp_path / 'main.py'
    script.write_text(f'''
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from test_suite_jobs import Files, Jobs
plan = Files(Path({str(tmp_path)!r}), a=[{WITH_CHILD + 'time.sleep(60)'!r}])
with Jobs(plan) as jobs:
    list(jobs.run(plan.tasks))
''')
    with subprocess.Popen([sys.executable, str(script)]) as main:
        known = pids(tmp_path / 'a0.pids')
        main.send_signal(number)
    wait_for(lambda: not any(map(alive, known)))


def test_two_commands_do_not_work_on_one_suite(tmp_path):
    with only_one(tmp_path / 'suite'), pytest.raises(UserError, match='another run_suite.py'), only_one(tmp_path / 'suite'):
        pass
    with only_one(tmp_path / 'suite'):
        pass

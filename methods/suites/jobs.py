"""Commands in processes of their own, N at a time, that end with the one who started them."""
from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from scarceseg.registry import UserError

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None

GUARD = """
import os, signal, sys
alive = set()
for line in sys.stdin:
    what, group = line.split()
    (alive.add if what == 'start' else alive.discard)(int(group))
for group in alive:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass
"""


class Ended(NamedTuple):
    """A task whose last step has ended.

    Attributes:
        steps: the stages that were run; none where nothing was to be done.
        error: None, or what went wrong, in a line.
    """

    task: object
    steps: tuple
    error: str | None


class Running(NamedTuple):
    """A process at work on a step of a task."""

    task: object
    step: object
    process: subprocess.Popen
    started: float
    slot: int
    before: tuple


class Jobs:
    """The processes of a suite. As a context manager it ends them, however the block ends; if this very process is killed, a
    guard ends them.

    Args:
        plan: a ``Plan``: ``next_step(task)`` is asked again after every step, so that what is on disk alone decides.
        jobs: how many processes run at once.
        threads: of each process.
    """

    patience = 10  # seconds that a process has to end after it was asked to

    def __init__(self, plan, *, jobs=1, threads=1):
        self.plan, self.jobs, self.threads, self.running = plan, jobs, threads, []

    def __enter__(self):
        self._guard = subprocess.Popen([sys.executable, '-S', '-E', '-c', GUARD], stdin=subprocess.PIPE, text=True,
                                       start_new_session=True)
        return self

    def __exit__(self, *error):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            for job in self.running:
                with suppress(ProcessLookupError):
                    os.killpg(job.process.pid, number)
            deadline = time.monotonic() + self.patience
            for job in self.running:
                with suppress(subprocess.TimeoutExpired):
                    job.process.wait(max(deadline - time.monotonic(), 0))
            self.running = [job for job in self.running if job.process.poll() is None]
        self._guard.stdin.close()
        self._guard.wait()

    def run(self, tasks, *, every=0.2):
        """Bring every task to its end. Yields, every so many seconds, the tasks that have ended since, and what is running.

        A task that fails does not stop the others.
        """
        waiting = deque(tasks)
        while waiting or self.running:
            ended = []
            for job in [job for job in self.running if job.process.poll() is not None]:
                self.running.remove(job)
                self._tell('end', job)
                ended += self._go_on(job)
            while waiting and len(self.running) < self.jobs:
                free = min(set(range(self.jobs)) - {job.slot for job in self.running})
                ended += self._start(waiting.popleft(), free)
            yield ended, tuple(self.running)
            if self.running:
                time.sleep(every)

    def _start(self, task, slot, done=()):
        """Start the next step of a task; returns [``Ended``] where there is none."""
        try:
            step = self.plan.next_step(task)
        except Exception as error:  # what is wrong with one task is nothing to the others
            kind = '' if isinstance(error, UserError) else f'{type(error).__name__}: '
            return [Ended(task, done, f'{kind}{error}')]
        if step is None:
            return [Ended(task, done, None)]
        if done and step.stage == done[-1]:
            return [Ended(task, done, f'{step.stage} ended without an error, but left nothing complete behind')]
        if step.remove is not None:
            shutil.rmtree(step.remove)
        log = Path(self.plan.log(task))
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open('a', encoding='utf-8') as handle:
            handle.write(f'\n$ {shlex.join(step.command)}\n')
            handle.flush()
            process = subprocess.Popen(step.command, stdin=subprocess.DEVNULL, stdout=handle, stderr=subprocess.STDOUT,
                                       start_new_session=True, env={**os.environ, **environment(slot, self.threads)})
        self.running.append(Running(task, step, process, time.monotonic(), slot, done))
        self._tell('start', self.running[-1])
        return []

    def _go_on(self, job):
        status = job.process.returncode
        done = (*job.before, job.step.stage)
        if status:
            ending = f'ended with status {status}' if status > 0 else f'was killed by {signal.Signals(-status).name}'
            return [Ended(job.task, done, f'{job.step.stage} {ending}: {last_words(self.plan.log(job.task))}')]
        return self._start(job.task, job.slot, done)

    def _tell(self, what, job):
        self._guard.stdin.write(f'{what} {job.process.pid}\n')
        self._guard.stdin.flush()


def environment(slot, threads, *, gpus=None):
    """Variables of a process: its threads, and, where there are GPUs, the one of its slot, in turn."""
    variables = dict.fromkeys(('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS'), str(threads))
    gpus = visible_gpus() if gpus is None else gpus
    return {**variables, 'CUDA_VISIBLE_DEVICES': gpus[slot % len(gpus)]} if gpus else variables


def visible_gpus():
    """Names of the GPUs that this process may use, as CUDA_VISIBLE_DEVICES has them."""
    import torch
    named = [name for name in os.environ.get('CUDA_VISIBLE_DEVICES', '').split(',') if name.strip()]
    return named[:torch.cuda.device_count()] or [str(k) for k in range(torch.cuda.device_count())]


def cores():
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1


def share_of_cores(jobs):
    """Threads of each of so many processes."""
    if jobs < 1:
        raise UserError(f'--jobs {jobs} must be 1 or more')
    return max(cores() // jobs, 1)


@contextmanager
def only_one(folder):
    """Keep other processes from working on the same suite; where the system cannot, nothing is kept.

    Raises:
        UserError: another one does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / '.lock').open('w') as handle:
        if fcntl is not None:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise UserError(f'another run_suite.py is at work in {folder}; wait, or choose another --work-dir') from error
        yield


def last_words(log):
    """What the last command in a log said last; a line that starts with 'error:' comes before others."""
    lines = [line.strip() for line in tail(log).rpartition('\n$ ')[2].splitlines()[1:] if line.strip()]
    said = [line for line in lines if line.startswith('error:')]
    return (said or lines or ['it said nothing'])[-1]


def tail(file, length=8192):
    """The end of a text file."""
    with Path(file).open('rb') as handle:
        handle.seek(0, os.SEEK_END)
        handle.seek(max(handle.tell() - length, 0))
        return handle.read().decode('utf-8', errors='replace')

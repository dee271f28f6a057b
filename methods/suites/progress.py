"""What a suite is doing, in a line for each process."""
from __future__ import annotations

import re
import time

from ..runs import LOG
from .jobs import tail

STAGES = ('train', 'test', 'eval')
TRAINING = re.compile(r'Iter\(train\) \[ *(\d+)/(\d+)\].*? eta: ([\w:, ]*\d)  .*? loss: ([\d.e+-]+)')


def line_of(job):
    """'DMPLS, seed 0: train 350 of 1000, loss 0.1085, 0:01:23 to go'."""
    what = f'{title(job.task)}: {job.step.stage}'
    if job.step.stage == 'train':
        found = training_progress(job.task.runs[0] / LOG)
        if found:
            iteration, of, eta, loss = found
            return f'{what} {iteration} of {of}, loss {loss}, {eta} to go'
        what += f' 0 of {job.task.iterations}'
    minutes, seconds = divmod(int(time.monotonic() - job.started), 60)
    return f'{what}, for {minutes}:{seconds:02d}'


def title(task):
    """'DMPLS, seed 0, fold 1'."""
    fold = f', fold {task.fold}' if task.fold is not None else f', {len(task.runs)} folds' if len(task.runs) > 1 else ''
    return f'{task.name}, seed {task.seed}{fold}'


def training_progress(log):
    """(iteration, iterations, time to go, loss) as texts from the last line of a train.log that has them, or None."""
    try:
        found = TRAINING.findall(tail(log))
    except OSError:
        return None
    return (found[-1][0], found[-1][1], found[-1][2].strip(), found[-1][3]) if found else None


def still_to_do(plan, task):
    """'done', or the stages that are left: 'train, test, eval'."""
    step = plan.next_step(task)
    stages = STAGES if task.judged else STAGES[:1]
    done = 'done' if task.judged else 'trained'
    if step is None:
        return done
    return ', '.join([f'{"go on with " * step.resumes}{step.stage}', *stages[stages.index(step.stage) + 1:]])


def outcome(ended, log):
    """What became of a task, in a line."""
    if ended.error:
        return f'{title(ended.task)}: FAILED, {ended.error} (log: {log})'
    return f'{title(ended.task)}: ' + (f'{", ".join(ended.steps)} done' if ended.steps else 'done before')

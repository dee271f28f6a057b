"""What is to be done for a suite, given what is on disk: nothing here changes a file or starts a process.

    work_dirs/suites/NAME/runs/MEMBER_seed0/              a run as train.py writes it, with predictions and their evaluation
    work_dirs/suites/NAME/runs/MEMBER_seed0_fold1/        the same of one fold
    work_dirs/suites/NAME/folds/MEMBER_seed0/             folds as one: results of a cross-validation, or of the ensemble
    work_dirs/suites/NAME/logs/MEMBER_seed0.log           what its commands said
    work_dirs/suites/NAME/comparison.md, .tex, .csv
"""
from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

from scarceseg.components.datasets.checks import check_before_training
from scarceseg.registry import MODELS, UserError

from ..evaluation import RESULT
from ..prediction import case_names, test_cases
from .identity import identity, member_config
from .reading import option_text
from .states import evaluated, find_predictions, training_state

ROOT = 'work_dirs/suites'


class Step(NamedTuple):
    """A command of tools/ that comes next.

    Attributes:
        stage: 'train', 'test' or 'eval'.
        command: the process's arguments.
        remove: a folder that a training without checkpoint has left behind, to be removed before.
    """

    stage: str
    command: list
    remove: Path | None = None

    resumes = property(lambda self: '--resume' in self.command)


class Task(NamedTuple):
    """One training of a member, or, with several ``runs``, the ensemble of its folds.

    Attributes:
        key: name of its run folder and of its log.
        identity: see ``identity``; None for an ensemble.
        judged: whether its predictions are evaluated; the folds of a config with test cases are not, their ensemble is.
        iterations: of the training.
        runs: run folders.
    """

    key: str
    name: str
    seed: int
    fold: int | None
    config: str
    options: dict
    identity: dict | None
    judged: bool
    iterations: int
    runs: tuple


class Plan:
    """The tasks of a suite, each with its next step.

    Args:
        suite: from ``load_suite``.
        folder: of the suite; default work_dirs/suites/NAME.
        data: folder that data paths are relative to; default as for train.py.
        threads: of each process.

    Raises:
        UserError: what is wrong in a member's config, its data folder is missing, or a run in the folder is another one.
    """

    def __init__(self, suite, folder=None, *, data=None, threads=1):
        self.suite, self.folder = suite, Path(folder or Path(ROOT) / suite.name)
        self.data, self.threads = data, threads
        self.tasks, self.ensembles, self.joined, grounds = [], [], {}, {}
        for member in suite.members:
            try:
                grounds[member.name] = self._add(member)
            except UserError as error:
                raise UserError(f'suite {suite.name}, {member.name}: {error}') from error
        check_grounds(grounds)
        for task in self.tasks:
            training_state(task.runs[0], task.identity)

    def _add(self, member):
        """Add the tasks of a member; returns its classes and the names of the cases it is judged by."""
        names, folds = [], member.folds or (None,)
        for seed in member.seeds:
            key, of_folds = f'{member.slug}_seed{seed}', []
            for fold in folds:
                config = member_config(member.config, options=member.options, seed=seed, fold=fold, data=self.data)
                judged = fold is None or not config.get('test_dataloader')
                if seed == member.seeds[0] and (judged or fold == folds[0]):
                    names += check_member(config, self.data)
                own = key if fold is None else f'{key}_fold{fold}'
                of_folds.append(Task(own, member.name, seed, fold, member.config, member.options, identity(config), judged,
                                     config.train_cfg.max_iters, (self.folder / 'runs' / own,)))
            self.tasks += of_folds
            if member.folds and judged:
                self.joined[key] = tuple(of_folds)
            elif member.folds:
                runs = tuple(task.runs[0] for task in of_folds)
                self.ensembles.append(of_folds[0]._replace(key=key, fold=None, identity=None, judged=True, runs=runs))
        return tuple(config.classes), names

    def next_step(self, task):
        """The ``Step`` that comes next, or None where a task is done."""
        run, suite = task.runs[0], self.suite
        if task.identity is not None:
            state = training_state(run, task.identity)
            if state != 'finished':
                return Step('train', self._train(task, resume=state == 'begun'), run if state == 'lost' else None)
        if not task.judged:
            return None
        predictions = find_predictions(task.runs, self._predictions(task), suite)
        if predictions is None:
            return Step('test', self._test(task))
        return None if evaluated(predictions, suite.metrics) else Step('eval', self._eval(predictions))

    def result(self, task):
        """The folder with the evaluation of a task, or None as long as there is none."""
        if self.next_step(task) is not None or not task.judged:
            return None
        return find_predictions(task.runs, self._predictions(task), self.suite) / RESULT

    def log(self, task):
        """The file that keeps what the commands of a task say."""
        return self.folder / 'logs' / f'{task.key}.log'

    def _predictions(self, task):
        """The folder of folders of predictions of a task."""
        return self.folder / 'folds' / task.key if task.identity is None else task.runs[0] / 'predictions'

    def _command(self, tool, *arguments):
        data = ['--data', str(self.data)] if self.data else []
        return [sys.executable, '-m', f'scarceseg.tools.{tool}', *map(str, arguments), *data]

    def _train(self, task, *, resume):
        options = {**task.options, **({} if task.fold is None else {'fold': task.fold})}
        texts = [f'{key}={option_text(value)}' for key, value in options.items()]
        command = self._command('train', task.config, '--work-dir', task.runs[0], '--seed', task.seed, *['--resume'] * resume)
        return [*command, '--cfg-options', *texts] if texts else command

    def _test(self, task):
        test = self.suite.test
        out = ['--out', self._predictions(task) / 'predictions'] if task.identity is None else []
        return self._command('test', *task.runs, '--checkpoint', test['checkpoint'], *['--tta'] * test['tta'],
                             *['--save-prob'] * self.suite.needs_prob, *out)

    def _eval(self, predictions):
        return self._command('eval', predictions, '--processes', self.threads, *self._metrics())

    def _metrics(self):
        metrics = [m if isinstance(m, str) else ':'.join([m['type'], *(f'{k}={v}' for k, v in m.items() if k != 'type')])
                   for m in self.suite.metrics or ()]
        return ['--metrics', *metrics] if metrics else []


def check_member(config, data=None):
    """The names of the cases that an assembled config is judged by.

    Raises:
        UserError: the parts of the config do not fit together, or its data are missing.
    """
    MODELS.build(config.model)
    check_before_training(config)
    return case_names(test_cases(config, data=data))


def check_grounds(grounds):
    """Raise UserError where members, ``{name: (classes, cases)}``, could be trained but not compared."""
    (first, (classes, cases)), *others = grounds.items()
    for name, (own_classes, own_cases) in others:
        if own_classes != classes:
            raise UserError(f'{first} and {name} cannot be compared: their classes are {", ".join(classes)} and '
                            f'{", ".join(own_classes)}; make a suite of each')
        if set(own_cases) != set(cases):
            raise UserError(f'{first} and {name} cannot be compared: they are judged by {len(cases)} and {len(own_cases)} cases '
                            'that are not the same; make a suite of each, or give them the same test cases')

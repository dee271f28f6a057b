"""All cases, in parallel."""
from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field

from scarceseg.registry import UserError

from .across import class_problems, shared_cases, shared_content, shared_patients, unlike_cases
from .examine import examine
from .kinds import ERROR, by_weight
from .sources import build_source, class_names

_data = []  # of a worker: the data sets, given to it once


@dataclass
class Report:
    """What was found.

    Attributes:
        sources: list of ``Source``.
        classes: names of the classes.
        facts: list of ``Facts``, one for each case.
        problems: list of ``Problem``, errors first.
    """

    sources: list
    classes: tuple
    facts: list = field(default_factory=list)
    problems: list = field(default_factory=list)

    @property
    def errors(self):
        """Problems with which training would be wrong."""
        return [p for p in self.problems if p.level == ERROR]


def check_sources(sources, *, patient=None, picture_px=0, has_background=True, processes=None, progress=None):
    """Read every case of data sets and say what is wrong; a ``Report``.

    Args:
        sources: list of ``Source``.
        patient: regular expression that tells a patient from a case's name; see ``shared_patients``.
        picture_px: longer side of the picture of each case; 0 makes none.
        has_background: whether class 0 is background.
        processes: how many read at once; default one per core.
        progress: ``progress(done, total)``, called after each case.

    Raises:
        UserError: there is nothing to check, ``patient`` is no regular expression or finds nothing in a name, or a process that
            reads was killed.
    """
    if not sources:
        raise UserError('there is no data set to check: the config needs a train_dataloader or a val_dataloader whose dataset has '
                        'parts or cases')
    built = [build_source(source) for source in sources]
    data = [(source, cases) for source, (cases, _) in zip(sources, built) if cases is not None]
    problems = [p for _, found in built for p in found] + shared_cases(data) + shared_patients(data, patient)
    report = Report(sources, class_names(sources, [cases for _, cases in data]))
    jobs = [(k, i) for k, (_, cases) in enumerate(data) for i in range(len(cases))]
    settings = dict(picture_px=picture_px, has_background=has_background)
    for done, facts in enumerate(_examined(jobs, data, settings, processes or os.cpu_count() or 1), 1):
        report.facts.append(facts)
        if progress:
            progress(done, len(jobs))
    problems += [p for facts in report.facts for p in facts.problems]
    problems += shared_content(sources, report.facts) + unlike_cases(report.facts)
    report.problems = by_weight(problems + class_problems(sources, report.facts, report.classes))
    return report


def _examined(jobs, data, settings, processes):
    """``Facts`` of every job (data set, case), in order."""
    processes = min(processes, len(jobs))
    if processes <= 1:
        _take(data, settings)
        yield from map(_examine, jobs)
        return
    try:
        with ProcessPoolExecutor(processes, initializer=_take, initargs=(data, settings)) as pool:
            yield from pool.map(_examine, jobs)
    except BrokenProcessPool as error:
        raise UserError('a process that reads cases has been killed, perhaps because memory ran out; read with fewer, --processes 1'
                        ) from error


def _take(data, settings):
    _data[:] = [data, settings]


def _examine(job):
    data, settings = _data
    return examine(*data[job[0]], job[1], **settings)

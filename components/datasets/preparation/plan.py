"""What is to be prepared, and doing it: case by case, in parallel, again after an interruption, over nothing that is there."""
from __future__ import annotations

import json
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import NamedTuple

from scarceseg.components.drafts import draft_of
from scarceseg.registry import UserError

from ..layouts.split_lists import write_lists

RECORD = 'prepared.json'
VERSION = 2  # of what preparations do; raise it where their files become others
UNPACKED = 'give the folder that the download was unpacked to'


class Plan(NamedTuple):
    """A data set to be.

    Attributes:
        folder: its name, below the data folder.
        record: what it is made from and how, as JSON-able values.
        cases: {case: {file relative to the folder: ``step(target)``, which writes it}}.
        lists: {file name of a split list: case names}.
        facts: {key: value} of how the lists were made.
        notes: sentences on what was found otherwise than expected.
    """

    folder: str
    record: dict
    cases: dict
    lists: dict
    facts: dict
    notes: tuple = ()


class Outcome(NamedTuple):
    """What became of a plan.

    Attributes:
        place: the folder.
        made, kept: how many cases were written, and how many were there.
        failed: {case: sentence} of those that could not be made.
    """

    place: Path
    made: int
    kept: int
    failed: dict


def carry_out(plan, out, *, processes=None, progress=None):
    """Write what a ``Plan`` says below the folder ``out``; an ``Outcome``.

    A case that is there is kept, so that an interrupted preparation goes on where it stopped. Split lists are written once all
    cases are there.

    Args:
        processes: how many work at once; default one per core.
        progress: ``progress(done, total)``, called after each case.

    Raises:
        UserError: the folder is there and is not this preparation, a split list is there with other names, or a process was killed.
    """
    place = Path(out) / plan.folder
    claim(place, {'version': VERSION, **plan.record})
    jobs = {}
    for name, files in plan.cases.items():
        missing = {place / file: step for file, step in files.items() if not (place / file).exists()}
        if missing:
            jobs[name] = missing
    failed, kept = {}, len(plan.cases) - len(jobs)
    for done, (name, error) in enumerate(_written(jobs, processes or os.cpu_count() or 1), 1):
        if error:
            failed[name] = error
        if progress:
            progress(kept + done, len(plan.cases))
    if not failed:
        write_lists(place / 'splits', plan.lists, plan.facts)
    return Outcome(place, len(jobs) - len(failed), kept, failed)


def check_folder(folder):
    """Raise UserError unless a download was unpacked to ``folder``."""
    if not Path(folder).is_dir():
        raise UserError(f'there is no folder {folder}; unpack the download, and {UNPACKED}')


def check_outside(out, source):
    """Raise UserError where what is written would lie in the download, and be found there the next time."""
    if Path(out).resolve().is_relative_to(Path(source).resolve()):
        raise UserError(f'--out {out} lies in {source}; nothing is written into a download, so choose a folder outside of it')


def renamed(plan, name):
    """The ``Plan`` of the folder ``name``; None keeps its own."""
    if name is not None and (not name or Path(name).name != name or name == '..'):
        raise UserError(f'--name {name!r} must be the name of one folder; the folder that it is made in is --out')
    return plan if name is None else plan._replace(folder=name)


def claim(place, record):
    """Make the folder ``place`` for what ``record`` describes; a UserError where it holds something else."""
    file = place / RECORD
    if file.is_file():
        try:
            known = json.loads(file.read_text(encoding='utf-8'))
        except ValueError:
            known = None
        if known != json.loads(json.dumps(record)):
            raise UserError(f'{place} was prepared otherwise ({_differences(known, record)}); choose another --out, or remove it')
        return
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise UserError(f'{place} is there already and was not made by this program; nothing is overwritten: choose another --out')
    try:
        with draft_of(file) as draft:
            draft.write_text(json.dumps(record, indent=1), encoding='utf-8')
    except OSError as error:
        raise UserError(f'{place} cannot be made ({error.strerror}); choose another --out') from error


def _differences(known, record):
    if not isinstance(known, dict):
        return f'its {RECORD} is damaged'
    keys = [k for k in {**known, **record} if known.get(k) != record.get(k)]
    return '; '.join(f'{k} was {known.get(k)} and is {record.get(k)} now' for k in keys)


def _written(jobs, processes):
    """(case, sentence or None) as the cases get done."""
    processes = min(processes, len(jobs))
    if processes <= 1:
        yield from map(_write, jobs.items())
        return
    with ProcessPoolExecutor(processes) as pool:
        tasks = [pool.submit(_write, job) for job in jobs.items()]
        try:
            yield from (task.result() for task in as_completed(tasks))
        except BrokenProcessPool as error:
            raise UserError('a process has been killed, perhaps because memory ran out; the same command with --processes 1 goes on'
                            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _write(job):
    name, files = job
    try:
        for target, step in files.items():
            step(target)
    except UserError as error:
        return name, str(error)
    except OSError as error:
        return name, f'{error.filename or name}: {error.strerror or error}'
    return name, None

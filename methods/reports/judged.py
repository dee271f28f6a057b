"""The predictions below a run, and their results where they were evaluated."""
from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from scarceseg.registry import UserError

from ..prediction import MANIFEST
from ..runs import read_json


class Judged(NamedTuple):
    """Predictions below a run, and their results where they were evaluated.

    Attributes:
        predictions: their folder, or None where it is gone.
        manifest: what made them; empty where that was not this program.
        results: the folder of their results, or None.
        summary: the content of its summary.json, or empty.
        changed: when, in seconds.
    """

    predictions: Path | None
    manifest: dict
    results: Path | None
    summary: dict
    changed: float


NOTHING = Judged(None, {}, None, {}, 0.0)


def find_judged(run):
    """``[Judged]`` of all predictions below a run, the newest first, those that were evaluated before the others."""
    members, seen = [], set()
    manifests = {path.parent: manifest for path, manifest in _read_all(run, MANIFEST) if 'checkpoint' in manifest}
    for path, content in _read_all(run, 'summary.json'):
        if 'summary' not in content or not (path.parent / 'cases.csv').is_file():
            continue
        near = [f for f in path.parents if f in manifests]
        folder = near[0] if near else Path(content.get('predictions', ''))
        seen.add(folder.resolve())
        manifest = manifests[near[0]] if near else content.get('made_by') or {}
        members.append(Judged(folder if folder.is_dir() else None, manifest, path.parent, content, path.stat().st_mtime))
    for folder, manifest in manifests.items():
        if folder.resolve() not in seen:
            members.append(Judged(folder, manifest, None, {}, (folder / MANIFEST).stat().st_mtime))
    return sorted(members, key=lambda m: (m.results is None, -m.changed))


def leaks(judged):
    """Sentences on why the numbers of a ``Judged`` cannot be trusted: its note, and what its protocol says of shared cases."""
    protocol = judged.summary.get('protocol') or {}
    training, checkpoint = (protocol.get(key) or {} for key in ('training', 'checkpoint'))
    shared, selected = training.get('shared'), checkpoint.get('selected_on_test')
    sentences = [judged.summary['note']] if judged.summary.get('note') else []
    if selected and not sentences:
        sentences.append(f'the checkpoint was selected on {selected} of the cases it is judged by.')
    if shared:
        more = ', …' if len(shared) > 3 else ''
        sentences.append(f'the run was trained on {len(shared)} of the cases it is judged by: {", ".join(shared[:3])}{more}')
    return sentences


def _read_all(run, name):
    """(path, content) of every file of this name below a run that holds a dict; others are passed over."""
    for path in sorted(run.rglob(name)):
        try:
            content = read_json(path)
        except (OSError, ValueError):
            continue
        if isinstance(content, dict):
            yield path, content


def choose(members, wanted, run):
    """The ``Judged`` that is shown at length: the first, or the one in the folder ``wanted``; ``NOTHING`` without any.

    Raises:
        UserError: ``wanted`` is none of them.
    """
    if wanted is None:
        return members[0] if members else NOTHING
    wanted = Path(wanted).resolve()
    found = [m for m in members if wanted in {f.resolve() for f in (m.predictions, m.results) if f is not None}]
    if not found:
        there = ', '.join(str(m.predictions or m.results) for m in members)
        raise UserError(f'{wanted} holds no predictions or results of {run}; it has {there or "none yet"}')
    return found[0]

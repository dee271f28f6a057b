"""The protocol of a result: on which cases, by what, and with which checkpoint it came about; stored with it, and checked later."""
from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from scarceseg.components.datasets.layouts.split_lists import split_hash
from scarceseg.components.evaluators import make_measures

from ..hooks import BEST, LAST
from ..prediction import MANIFEST
from ..runs import read_json, versions
from .provenance import member_of, union

UNKNOWN, BEST_UNKNOWN = 'unknown', 'best on validation (unknown cases)'


def protocol_of(cases, metrics):
    """What is stored as 'protocol' with the results of ``RunCases`` or ``FolderCases``.

    Args:
        metrics: names or configs of metrics.

    Returns:
        A dict of plain values. What cannot be found out, such as all about a checkpoint that is gone, is None.
    """
    names = list(cases.names)
    manifest = cases.manifest or _manifest(cases.folder)
    return dict(cases=dict(count=len(names), hash=split_hash(names)), classes=list(cases.class_names),
                has_background=cases.has_background, code=code_version(),
                metrics={m.traits.column.format(**m.settings, unit='{unit}'): m.settings for m in make_measures(metrics)},
                **_origin(manifest, Path(cases.folder), names, getattr(cases, 'config', None)))


def leaks(protocol):
    """Why the numbers of a result cannot be trusted: clauses such as 'was trained on 2 of the cases it is judged by (a, b)'."""
    checkpoint, training = protocol.get('checkpoint') or {}, protocol.get('training') or {}
    found = []
    if checkpoint.get('selected_on_test'):
        found.append(f'has a checkpoint that was selected on {checkpoint["selected_on_test"]} of the '
                     f'{protocol["cases"]["count"]} cases it is judged by ({checkpoint["name"]})')
    shared = training.get('shared') or []
    if shared:
        more = ', …' if len(shared) > 3 else ''
        found.append(f'was trained on {len(shared)} of the cases it is judged by ({", ".join(shared[:3])}{more})')
    return found


def gaps(protocol):
    """What a result does not know of itself, and could hide a leak: clauses such as 'trained on unknown cases'."""
    if protocol is None:
        return ['evaluated before protocols were recorded: unknown whether the test cases leaked; evaluate again with eval.py']
    if protocol.get('checkpoint') is None:
        return ['made by an unknown run and checkpoint: unknown whether the test cases leaked']
    selection = protocol['checkpoint']['selected'] in (UNKNOWN, BEST_UNKNOWN)
    return [*['with a checkpoint selected on unknown cases'] * selection,
            *['trained on unknown cases'] * (protocol['training'] is None)]


def code_version():
    """The library's version, and its git commit where it runs from a repository: 'changed' says that it has more than that."""
    here = Path(__file__).resolve().parent
    tracked = _git(here, 'ls-files', '--error-unmatch', Path(__file__).name) is not None  # or the repository is somebody else's
    commit = _git(here, 'rev-parse', 'HEAD') if tracked else None
    changed = bool(_git(here, 'status', '--porcelain', '--untracked-files=no')) if commit else None
    return dict(version=versions()['scarceseg'], commit=commit, changed=changed)


def _git(folder, *command):
    """What git says, or None where there is no git, or it fails."""
    try:
        said = subprocess.run(['git', *command], cwd=folder, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return said.stdout.strip()


def _manifest(folder):
    file = Path(folder) / MANIFEST
    return read_json(file) if file.is_file() else None


def _origin(manifest, folder, names, evaluated):
    """Config, seed, checkpoint and training of a result; ``evaluated`` is a config that knows where the data are."""
    each = (manifest or {}).get('ensemble') or [{}]
    members = [member_of(dict(manifest, **one), folder, evaluated) for one in each] if manifest else [None]
    if None in members:
        return dict(config=None, seed=None, fold=None, checkpoint=None, training=None)
    first, train = members[0], union(m.train for m in members)
    training = train and dict(count=len(train), hash=split_hash(train), shared=sorted(set(train) & set(names)))
    hashes, seeds = sorted({m.config['hash'] for m in members}), {m.record.get('seed') for m in members}
    config = first.config if len(hashes) == 1 else dict(first.config, hash=hashlib.sha256(''.join(hashes).encode()).hexdigest())
    files = first.file.name if len(members) == 1 else f'{len(members)} checkpoints'
    return dict(config=config, seed=seeds.pop() if len(seeds) == 1 else None, training=training or None,
                fold=first.record.get('fold') if len(members) == 1 else None,
                trained_with=first.record.get('versions', {}).get('scarceseg'),
                checkpoint=dict(name=files, sha256=manifest['checkpoint_sha256'], iteration=manifest.get('iteration'),
                                tta=manifest.get('tta'), **_selection(members, names)))


def _selection(members, names):
    """How checkpoints were selected, and on how many of the test cases."""
    kinds, valid = {m.kind for m in members}, union(m.selected_on for m in members)
    if kinds == {LAST}:
        return dict(selected='last', selected_on_test=0)
    if valid is None or not valid:
        return dict(selected=BEST_UNKNOWN if kinds <= {LAST, BEST} else UNKNOWN, selected_on_test=None)
    shared = len(set(valid) & set(names))
    which = 'same' if shared == len(names) else f'{shared} of the {len(names)}' if shared else 'other'
    return dict(selected=f'best on validation ({which} cases)', selected_on_test=shared)

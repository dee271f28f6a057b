"""The protocol of a result: on which cases, by what, and with which checkpoint it came about; stored with it, and checked later."""
from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import NamedTuple

from scarceseg.components.datasets.checks.sources import sources_of_config
from scarceseg.components.datasets.layouts.split_lists import split_hash
from scarceseg.components.datasets.parts.datasets import build
from scarceseg.components.evaluators import make_measures
from scarceseg.registry import UserError, use_data_root
from scarceseg.registry.paths import data_root

from .hooks import BEST, LAST
from .prediction import MANIFEST, case_names
from .runs import CONFIG, RECORD, load_run_config, read_checkpoint, read_json, versions

# what of a config may differ between two runs of one method, beside the seed and, where there are folds, the split lists
PASSING = ('work_dir', 'experiment_name', 'launcher', 'resume', 'visualizer', 'log_level', 'log_processor', 'default_scope',
           'env_cfg', 'import_paths', 'fold', 'metrics', 'fused')
ANYWHERE = ('data_root', 'num_workers', 'persistent_workers', 'pin_memory')
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
    """Why the numbers of a result cannot be trusted: clauses such as 'has training cases among its test cases (2: a, b)'."""
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


def config_hash(config):
    """Hash of all in a config that decides on what is learned and predicted: not of the seed and the fold."""
    plain = json.loads(json.dumps({k: config[k] for k in config if k not in PASSING}, default=str))
    if isinstance(plain.get('randomness'), dict):
        plain['randomness'].pop('seed', None)
    left_out = ANYWHERE if config.get('fold') is None else (*ANYWHERE, 'split')
    return hashlib.sha256(json.dumps(_without(plain, left_out), sort_keys=True).encode()).hexdigest()


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


def _without(node, keys):
    if isinstance(node, dict):
        return {k: _without(v, keys) for k, v in node.items() if k not in keys}
    return [_without(v, keys) for v in node] if isinstance(node, list) else node


def _manifest(folder):
    file = Path(folder) / MANIFEST
    return read_json(file) if file.is_file() else None


class _Member(NamedTuple):
    """A run that predicted, alone or with others.

    Attributes:
        config: name and hash.
        file: its checkpoint.
        train: names of all training cases, or None where they cannot be listed.
        kind: what the checkpoint was saved as, whatever its name is now; '' where nobody knows.
        selected_on: names of the cases it was selected on, none of the last; or None.
    """

    config: dict
    record: dict
    file: Path
    train: list | None
    kind: str
    selected_on: list | None


def _origin(manifest, folder, names, evaluated):
    """Config, seed, checkpoint and training of a result; ``evaluated`` is a config that knows where the data are."""
    each = (manifest or {}).get('ensemble') or [{}]
    members = [_member(dict(manifest, **one), folder, evaluated) for one in each] if manifest else [None]
    if None in members:
        return dict(config=None, seed=None, fold=None, checkpoint=None, training=None)
    first, train = members[0], _union(m.train for m in members)
    training = train and dict(count=len(train), hash=split_hash(train), shared=sorted(set(train) & set(names)))
    hashes, seeds = sorted({m.config['hash'] for m in members}), {m.record.get('seed') for m in members}
    config = first.config if len(hashes) == 1 else dict(first.config, hash=hashlib.sha256(''.join(hashes).encode()).hexdigest())
    files = first.file.name if len(members) == 1 else f'{len(members)} checkpoints'
    return dict(config=config, seed=seeds.pop() if len(seeds) == 1 else None, training=training or None,
                fold=first.record.get('fold') if len(members) == 1 else None,
                trained_with=first.record.get('versions', {}).get('scarceseg'),
                checkpoint=dict(name=files, sha256=manifest['checkpoint_sha256'], iteration=manifest.get('iteration'),
                                tta=manifest.get('tta'), **_selection(members, names)))


def _member(manifest, folder, evaluated):
    """The ``_Member`` that a manifest speaks of, where its checkpoint is still the same; else None."""
    found = _run_and_checkpoint(manifest, folder)
    if found is None:
        return None
    run, file = found
    record, config, kind = read_json(run / RECORD), load_run_config(run), _kind(file)
    identity = dict(name=record['name'], hash=config_hash(config))
    use_data_root(config, evaluated and data_root(evaluated))
    selected_on = {LAST: [], BEST: _names_of(config, 'valid')}.get(kind)
    return _Member(identity, record, file, _names_of(config, 'train'), kind, selected_on)


def _union(lists):
    """All names of several lists; None where one of them is."""
    lists = list(lists)
    return None if None in lists else list(dict.fromkeys(name for names in lists for name in names))


def _selection(members, names):
    """How checkpoints were selected, and on how many of the test cases."""
    kinds, valid = {m.kind for m in members}, _union(m.selected_on for m in members)
    if kinds == {LAST}:
        return dict(selected='last', selected_on_test=0)
    if valid is None or not valid:
        return dict(selected=BEST_UNKNOWN if kinds <= {LAST, BEST} else UNKNOWN, selected_on_test=None)
    shared = len(set(valid) & set(names))
    which = 'same' if shared == len(names) else f'{shared} of the {len(names)}' if shared else 'other'
    return dict(selected=f'best on validation ({which} cases)', selected_on_test=shared)


def _run_and_checkpoint(manifest, folder):
    """(run folder, file) of the checkpoint that made predictions, where it is still the same; else None."""
    file = Path(manifest['checkpoint'])
    for run in (file.parent, Path(manifest['run']), *folder.resolve().parents[1:2]):  # the last where the run was moved
        for there in (file, run / file.name):
            if all(f.is_file() for f in (run / RECORD, run / CONFIG, there)) and _sha256(there) == manifest['checkpoint_sha256']:
                return run, there
    return None


def _sha256(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _kind(file):
    """What a checkpoint was saved as; '' of one that says nothing."""
    try:
        meta = read_checkpoint(file).get('meta')
    except UserError:
        return ''
    return meta.get('checkpoint', '') if isinstance(meta, dict) else ''


def _names_of(config, side):
    """Names of all cases of training or of validation; None where they cannot be listed."""
    try:
        found = [case_names(build(source.config)) for source in sources_of_config(config) if source.side == side]
    except UserError:
        return None
    return list(dict.fromkeys(name for names in found for name in names)) or None

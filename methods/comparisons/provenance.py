"""Which run and checkpoint made predictions, and what cases both have seen."""
from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

from scarceseg.components.datasets.checks.sources import sources_of_config
from scarceseg.components.datasets.parts.datasets import build
from scarceseg.registry import UserError, use_data_root
from scarceseg.registry.paths import data_root

from ..hooks import BEST, LAST
from ..prediction import case_names
from ..runs import CONFIG, RECORD, load_run_config, read_checkpoint, read_json

# what of a config may differ between two runs of one method, beside the seed and, where there are folds, the split lists
PASSING = ('work_dir', 'experiment_name', 'launcher', 'resume', 'visualizer', 'log_level', 'log_processor', 'default_scope',
           'env_cfg', 'import_paths', 'fold', 'metrics', 'fused')
ANYWHERE = ('data_root', 'num_workers', 'persistent_workers', 'pin_memory')


class Member(NamedTuple):
    """A run that predicted, alone or with others.

    Attributes:
        config: name and hash.
        record: its run.json.
        file: its checkpoint.
        train: names of all cases that it, or a run that its weights started from, was trained on; None where nobody knows.
        kind: what the checkpoint was saved as, whatever its name is now; '' where nobody knows.
        selected_on: names of the cases it was selected on, none of the last; None where nobody knows.
    """

    config: dict
    record: dict
    file: Path
    train: list | None
    kind: str
    selected_on: list | None


def member_of(manifest, folder, evaluated=None):
    """The ``Member`` that the manifest of predictions speaks of, where its checkpoint is still the same; else None.

    Args:
        folder: of the predictions.
        evaluated: a config that knows where the data are, or None.
    """
    found = _run_and_checkpoint(manifest, folder)
    if found is None:
        return None
    run, file = found
    try:
        record, config, kind = read_json(run / RECORD), load_run_config(run), _kind(file)
    except UserError:
        return None
    identity, root = dict(name=record['name'], hash=config_hash(config)), evaluated and data_root(evaluated)
    selected_on = {LAST: [], BEST: _names_of(config, 'valid', root)}.get(kind)
    return Member(identity, record, file, _trained_on(config, root), kind, selected_on)


def config_hash(config):
    """Hash of all in a config that decides on what is learned and predicted: not of the seed and the fold."""
    plain = json.loads(json.dumps({k: config[k] for k in config if k not in PASSING}, default=str))
    if isinstance(plain.get('randomness'), dict):
        plain['randomness'].pop('seed', None)
    left_out = ANYWHERE if config.get('fold') is None else (*ANYWHERE, 'split')
    return hashlib.sha256(json.dumps(_without(plain, left_out), sort_keys=True).encode()).hexdigest()


def union(lists):
    """All names of several lists; None where one of them is."""
    lists = list(lists)
    return None if None in lists else list(dict.fromkeys(name for names in lists for name in names))


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


def _trained_on(config, root, seen=()):
    """Names of the training cases of a run and of those that its weights started from; None where they cannot be listed."""
    networks = config.get('model', {}).get('networks', {}).values()
    files = [config.get('load_from'), *((network.get('pretrained') or {}).get('checkpoint') for network in networks)]
    files = [Path(file) for file in files if file]
    before = {file.resolve().parent for file in files} - set(seen)
    found = [_names_of(config, 'train', root), *(None for file in files if not file.is_file())]
    for run in sorted(before):
        if (run / RECORD).is_file():  # weights that are of no run are of no data of ours
            try:
                found.append(_trained_on(load_run_config(run), root, (*seen, *before)))
            except UserError:
                found.append(None)
    return union(found)


def _names_of(config, side, root):
    """Names of all cases of training or of validation; None where they cannot be listed."""
    use_data_root(config, root)
    try:
        return union(case_names(build(source.config)) for source in sources_of_config(config) if source.side == side) or None
    except UserError:
        return None


def _without(node, keys):
    if isinstance(node, dict):
        return {k: _without(v, keys) for k, v in node.items() if k not in keys}
    return [_without(v, keys) for v in node] if isinstance(node, list) else node

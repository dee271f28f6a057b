"""Run folders: where a training writes, which one is the newest, which checkpoint is meant."""
from __future__ import annotations

import json
import pickle
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from scarceseg.components.drafts import draft_of
from scarceseg.registry import UserError, load_config
from scarceseg.registry.binding import nearest

from .hooks import BEST, LAST

RECORD, CONFIG, LOG = 'run.json', 'config.py', 'train.log'


def write_json(path, content):
    """Write a JSON file that appears whole or not at all."""
    with draft_of(path) as draft:
        draft.write_text(json.dumps(content, indent=2, default=str), encoding='utf-8')


def read_json(path):
    return json.loads(Path(path).read_text(encoding='utf-8'))


def new_folder(wanted, stem, root):
    """The folder of a new run: ``wanted``, or ``root/stem``, or the first free of ``root/stem-2``, ``root/stem-3``, …

    Raises:
        UserError: ``wanted`` already holds a run.
    """
    if wanted is None:
        folder, k = Path(root) / stem, 2
        while folder.exists():
            folder, k = Path(root) / f'{stem}-{k}', k + 1
        return folder
    if (Path(wanted) / RECORD).exists():
        raise UserError(f'{wanted} already holds a run; continue it with --resume, choose another --work-dir, or remove it')
    if Path(wanted).exists() and (not Path(wanted).is_dir() or any(Path(wanted).iterdir())):
        raise UserError(f'{wanted} is there already and not empty; choose another --work-dir')
    return Path(wanted)


def find_run(name=None, *, root='work_dirs', stem=None, fold=None):
    """A run folder: ``name`` itself, or the newest run under ``root`` (of config ``stem`` and ``fold``) that has a checkpoint.

    Raises:
        UserError: there is none.
    """
    if name is not None:
        folder = Path(name)
        if not (folder / RECORD).is_file():
            near = nearest(folder.name, [p.parent.name for p in folder.parent.glob(f'*/{RECORD}')])
            raise UserError(f'{name} is no run folder{near}: it has no {RECORD}; train first, or give the folder that holds {LAST}')
        return folder
    runs = [p.parent for p in Path(root).glob(f'*/{RECORD}') if (p.parent / LAST).is_file()]
    records = {run: read_json(run / RECORD) for run in runs}
    runs = [r for r in runs if stem in (None, records[r]['name']) and fold in (None, records[r].get('fold'))]
    if not runs:
        what = f'run of config {stem!r}' if stem else 'run'
        raise UserError(f'there is no {what} with a checkpoint under {Path(root).resolve()}; train one first, or name its folder')
    return max(runs, key=lambda r: (r / LAST).stat().st_mtime)


def find_checkpoint(run, which):
    """The file meant by 'last', 'best' or a path."""
    names = {'last': LAST, 'best': BEST, LAST: LAST, BEST: BEST}
    path = Path(run) / names[which] if which in names else Path(which)
    if not path.is_file():
        there = sorted(p.name for p in Path(run).glob('*.pth'))
        raise UserError(f'there is no checkpoint {path}; {run} has {", ".join(there) or "none yet"}')
    return path


def load_run_config(run):
    """The config a run was trained with."""
    return load_config(str(Path(run) / CONFIG))


def tests_on_validation(config):
    """Whether the cases that a run is tested on are those that its validation judged."""
    test = config.get('test_dataloader')
    return not test or test['dataset'] == (config.get('val_dataloader') or {}).get('dataset')


def read_checkpoint(path):
    """The content of a checkpoint, read as data: nothing in the file is executed.

    Raises:
        UserError: the file is damaged, or holds more than tensors and plain values.
    """
    try:
        content = torch.load(path, map_location='cpu', weights_only=True)
    except pickle.UnpicklingError as error:
        if 'GLOBAL' not in str(error):  # the opcode by which a pickle imports something
            raise UserError(f'{path} is no checkpoint of torch.save') from error
        raise UserError(f'checkpoint {path} holds more than tensors and plain values, and is refused because loading it could run '
                        'code; save its state_dict again with torch.save') from error
    except (RuntimeError, EOFError, OSError, KeyError, ValueError) as error:
        raise UserError(f'checkpoint {path} cannot be read; is it complete? ({type(error).__name__})') from error

    if not isinstance(content, dict):
        raise UserError(f'checkpoint {path} holds a {type(content).__name__}; expected a dict of weights, or with a state_dict')
    return content


def load_weights(model, path):
    """Load a checkpoint's weights into a model, all of them.

    Returns:
        The checkpoint's ``meta``.

    Raises:
        UserError: names or shapes differ from the model's.
    """
    checkpoint = read_checkpoint(path)
    weights = checkpoint.get('state_dict', checkpoint)
    own = model.state_dict()
    missing, extra = [k for k in own if k not in weights], [k for k in weights if k not in own]
    if missing or extra:
        raise UserError(f'checkpoint {path} does not fit the model: it lacks {len(missing)} entries ({", ".join(missing[:2])}…) '
                        f'and has {len(extra)} unknown ones ({", ".join(extra[:2])}…); was it trained with this config?')
    for key, value in own.items():
        if value.shape != weights[key].shape:
            raise UserError(f'checkpoint {path}: {key} has shape {tuple(weights[key].shape)}, the model expects '
                            f'{tuple(value.shape)}; was it trained with this config?')
    model.load_state_dict(weights)
    return checkpoint.get('meta', {})


def new_record(config, seed):
    """What is noted of a run when it starts."""
    return dict(name=Path(config.filename).stem, config=str(config.filename), fold=config.get('fold'), seed=seed, status='running',
                started=time.strftime('%Y-%m-%dT%H:%M:%S'), versions=versions())


def versions():
    """Versions of what computes the result."""
    found = {'python': platform.python_version()}
    for package in ('scarceseg', 'torch', 'numpy', 'scipy', 'mmengine', 'nibabel'):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = 'not installed'
    return found

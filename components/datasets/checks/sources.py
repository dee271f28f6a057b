"""The data sets of whole cases that a config, or a pair of folders, speaks of."""
from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from scarceseg.registry import UserError

from ..formats.images import ending
from ..layouts.case_files import CaseFiles
from ..layouts.complaints import collecting
from ..layouts.described import is_described
from ..layouts.split_lists import read_notes
from ..parts.preparing import build, unlabelled
from .kinds import Problem

SIDES = {'train_dataloader': 'train', 'val_dataloader': 'valid', 'test_dataloader': 'test'}


class Source(NamedTuple):
    """A data set to be checked.

    Attributes:
        name: such as 'train.labeled'.
        side: 'train', 'valid' or 'test'; what is on one may not be on another.
        config: of the data set.
        guessed: nobody says what the classes are, so that any small whole number may be one.
        simulate: what training makes of the labels of its files, as names of transforms.
    """

    name: str
    side: str
    config: dict
    guessed: bool = False
    simulate: tuple = ()


def sources_of_config(config):
    """The ``Source`` of every part of training, of validation and of test, as far as the config has them.

    Classes, and the fold in names of split lists, are filled in as they are for training. Of a loader whose data set is neither
    of parts nor of cases, such as one of another library, nothing is known.
    """
    sources = []
    for loader, side in SIDES.items():
        dataset = (config.get(loader) or {}).get('dataset') or {}
        parts = {f'{side}.{name}': cases for name, cases in (dataset.get('parts') or {}).items()}
        parts.update({side: dataset['cases']} if dataset.get('cases') else {})
        simulate = {f'{side}.{part}': tuple(str(step.get('type')) for step in steps)
                    for part, steps in (dataset.get('simulate') or {}).items()}
        sources += [Source(name, side, _completed(config, cases), simulate=simulate.get(name, ())) for name, cases in parts.items()]
    valid = [source.config for source in sources if source.side == 'valid']
    return [s for s in sources if s.side != 'test' or s.config not in valid]


def _completed(config, cases):
    if not isinstance(cases, dict):
        return cases
    cases = _with_fold(cases, config.get('fold'))
    if cases.get('classes') is None and config.get('classes'):
        cases['classes'] = config['classes']
    return cases


def _with_fold(cases, fold):
    """A copy with the number of the fold in every split list, of data sets within data sets too."""
    return {key: _with_fold(value, fold) if isinstance(value, dict) else
            value.replace('{fold}', str(fold)) if key == 'split' and isinstance(value, str) and fold is not None else value
            for key, value in cases.items()}


def sources_of_folders(images, labels=None, *, splits=(), classes=None, unannotated=None, channels=('',)):
    """The ``Source`` of a folder of images, or of each of its split lists.

    Args:
        images: folder of images, or one with a ``dataset.json``.
        labels: folder of labels, or None.
        splits: split lists; one with 'val' or 'test' in its name is of validation or test, another of training.
        classes: names of the classes; None takes every small whole number for one.
        unannotated, channels: as in ``FolderDataset``.

    Raises:
        UserError: the folder of images has none, but folders that may.
    """
    kind, guessed = is_described(images), False
    inside = [] if kind else list(Path(images).iterdir())
    folders = sorted(p.name for p in inside if p.is_dir())
    if folders and all(ending(p) is None for p in inside):
        raise UserError(f'{images} has no images, but the folders {", ".join(folders[:6])}; give the folder of the images itself, '
                        'and that of the labels')
    if kind:
        config = dict(type=kind, folder=str(images), classes=classes)
    else:
        guessed = classes is None
        unknown = () if unannotated is None else (unannotated,) if isinstance(unannotated, int) else tuple(unannotated)
        values = [v for v in range(254) if v not in unknown]
        settings = dict(classes=[f'value {v}' for v in values], label_values=values) if guessed else dict(classes=classes)
        config = dict(type='FolderDataset', images=str(Path(images).resolve()), labels=labels and str(Path(labels).resolve()),
                      unannotated=unannotated, channels=tuple(channels), **settings)
    lists = [(Path(split).stem, {'split': str(Path(split).resolve())}) for split in splits] or [(Path(images).resolve().name, {})]
    return [Source(name, _side(name) if splits else 'train', {**config, **split}, guessed) for name, split in lists]


def _side(name):
    return 'valid' if 'val' in name.lower() else 'test' if 'test' in name.lower() else 'train'


def build_source(source):
    """The data set of a source with the cases that have all their files, or None, and the problems of the others."""
    try:
        with collecting() as notes:
            cases = build(source.config)
            cases = unlabelled(cases) if source.name.endswith('.unlabeled') else cases
            len(cases)
    except Exception as error:  # of a data set of one's own it may be any
        found = [Problem('missing', source.name, name, text) for name, text in notes]
        return None, found or [Problem('missing', source.name, '', described(error))]
    return cases, [Problem('missing', source.name, name, text) for name, text in notes]


def described(error):
    """An exception in one line."""
    text = str(error) if isinstance(error, UserError) else f'{type(error).__name__}: {error}'
    return ' '.join(line.strip() for line in text.splitlines())


def names_of(cases):
    """Names of the cases of a data set; none where it does not tell them before they are read."""
    return list(getattr(cases, 'names', None) or ())


def noted_patient(source):
    """The regular expression by which the split list of a source keeps patients together, or None where it has no such note."""
    config = source.config
    while isinstance(config, dict) and not config.get('split'):
        config = config.get('cases')
    if not isinstance(config, dict):
        return None
    return read_notes(Path(config.get('data_root', '.')) / config['split']).get('patient')


def identity(source, cases, i):
    """What tells case i of a source's data set from every other case: its first image file, or what it is made from.

    Names do not: cases that are numbered in two data sets have the same ones.
    """
    if has_files(cases):
        return os.path.realpath(next(file for file in cases.files[cases.names[i]][0] if file is not None))
    return repr(cases.key(i)) if hasattr(cases, 'key') else f'{source.name} {i}'


def has_files(cases):
    """Whether the cases of a data set are files that can be looked at one by one."""
    return isinstance(cases, CaseFiles)


def class_names(sources, built):
    """Names of all classes, in order, of the first data set that has some."""
    return next((tuple(cases.classes) for cases in built if cases is not None and hasattr(cases, 'classes')), ())


"""``dataset.json`` files, which describe a data set: of the Medical Segmentation Decathlon and of nnU-Net, both versions.

The keys are those of nnU-Net's documentation of its data set format, of ignore labels and of regions, and of the files that the
Decathlon's tasks come with: ``channel_names`` or ``modality`` {"0": name}, ``labels`` {name: value} or {"value": name},
``file_ending``, ``training`` [{"image", "label"}], ``test`` [file], ``dataset`` {case: {"images": [...], "label"}}.
"""
from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from scarceseg.registry import UserError

from ..formats.images import ENDINGS

NAME, IGNORED = 'dataset.json', 'ignore'


class Description(NamedTuple):
    """What a ``dataset.json`` says.

    Attributes:
        path: the file.
        classes: their names, by the values that stand for them, background first.
        label_values: for each class its value, or several.
        unannotated: the value that means "not annotated", or None.
        modalities: names of the channels.
        ending: of its files.
        content: all of the file.
    """

    path: Path
    classes: tuple
    label_values: tuple
    unannotated: int | None
    modalities: tuple
    ending: str
    content: dict


def read_description(folder):
    """The ``Description`` in a folder.

    Raises:
        UserError: there is none, it is no JSON, or what it lacks or says otherwise than expected.
    """
    path = Path(folder) / NAME
    if not path.is_file():
        raise UserError(f'there is no {path}, which a data set of nnU-Net or the Decathlon has; give the folder that data paths '
                        'are relative to with --data or $SCARCESEG_DATA, and for other layouts use FolderDataset')
    try:
        content = json.loads(path.read_text(encoding='utf-8-sig'))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(f'{path} is no JSON: {error}; mend it or copy it again') from error
    if not isinstance(content, dict):
        raise UserError(f'{path} holds a {type(content).__name__}, but expected was an object with "labels" and "channel_names"')
    values, unannotated = _label_values(path, content.get('labels'))
    ending = content.get('file_ending', '.nii.gz')
    if not isinstance(ending, str) or ending.lower() not in ENDINGS:
        raise UserError(f'{path} says "file_ending": {ending!r}, which cannot be read; known: {", ".join(ENDINGS)}')
    return Description(path, tuple(values), tuple(v[0] if len(v) == 1 else v for v in values.values()), unannotated,
                       _modalities(path, content), ending.lower(), content)


def check_class_names(description, classes):
    """The classes of a description; a UserError where ``classes`` are given and others."""
    if classes is None or tuple(classes) == description.classes:
        return description.classes
    raise UserError(f'classes={tuple(classes)} are others than those of {description.path}, {description.classes}; give these, in '
                    'this order, or none')


def _label_values(path, labels):
    """``{class: its values}``, background first, and the value that means "not annotated" or None."""
    if not isinstance(labels, dict) or not labels:
        raise UserError(f'{path} has "labels": {labels!r}, but expected was an object such as {{"background": 0, "tumour": 1}}')
    if all(str(k).isdecimal() and isinstance(v, str) for k, v in labels.items()):
        labels = {name: int(value) for value, name in labels.items()} if len(set(labels.values())) == len(labels) else None
        if labels is None:
            raise UserError(f'{path} gives one name to several labels; give each its own')
    values = {name: tuple(v) if isinstance(v, list) else (v,) for name, v in labels.items()}
    for name, numbers in values.items():
        if not numbers or any(not isinstance(n, int) or isinstance(n, bool) for n in numbers):
            raise UserError(f'{path} gives label {name!r} the value {labels[name]!r}; expected a whole number, or a list of them')
    ignored = values.pop(IGNORED, (None,))
    if len(ignored) > 1:
        raise UserError(f'{path} gives the label {IGNORED!r} the values {list(ignored)}; expected one whole number')
    every = sorted(n for numbers in values.values() for n in numbers)
    shared = sorted({n for n in every if every.count(n) > 1})
    if shared:
        both = [name for name, numbers in values.items() if shared[0] in numbers]
        raise UserError(f'{path} has labels that overlap: value {shared[0]} belongs to {", ".join(both)}; regions are not '
                        'supported, so give every class values of its own, and join classes when results are judged')
    if 0 not in every:
        raise UserError(f'{path} has no label with value 0, the background, but only {", ".join(map(repr, values))}')
    return dict(sorted(values.items(), key=lambda item: min(item[1]))), ignored[0]


def _modalities(path, content):
    named = content.get('channel_names', content.get('modality'))
    places = [str(k) for k in range(len(named))] if isinstance(named, dict) else []
    if not places or sorted(named, key=str) != sorted(places):
        raise UserError(f'{path} has "channel_names": {named!r}, but expected was an object such as {{"0": "T2", "1": "ADC"}}')
    return tuple(str(named[k]) for k in places)

"""Data sets in the layouts of nnU-Net and of the Medical Segmentation Decathlon, read as they are."""
from __future__ import annotations

from pathlib import Path

from scarceseg.registry import DATASETS, UserError
from scarceseg.registry.binding import nearest

from ..formats.images import case_name, ending
from ..formats.pictures import ENDINGS as PICTURES
from .case_files import CaseFiles, check_missing, make_values
from .complaints import noted
from .dataset_json import NAME, check_class_names, read_description
from .files import cases_from_folders, list_folder
from .split_lists import read_split

SUBSETS = {'training': 'Tr', 'test': 'Ts'}


@DATASETS.register_module()
class NnUNetDataset(CaseFiles):
    """Cases of a folder in the raw layout of nnU-Net [Isensee 2021], of its second or first version.

    The folder holds ``dataset.json``, ``imagesTr/NAME_0000.nii.gz`` with a four-digit number for each channel,
    ``labelsTr/NAME.nii.gz`` and perhaps ``imagesTs`` and ``labelsTs``; files end as ``file_ending`` says. Three channels of one
    colour picture are NAME_0000.png alone. Where ``dataset.json`` lists files under ``dataset``, those are the training cases. The
    label "ignore" is "not annotated"; labels that join several values become one class, and regions that overlap are refused.
    Items are as in ``CaseFiles``.

    Args:
        folder: of the data set, relative to ``data_root``.
        classes: names of the classes, which must be those of ``dataset.json``; None takes those.
        split: a .txt with one case name a line; None takes every case.
        subset: 'training' or 'test'.
        labelled: read labels; False for an unlabelled part.
        data_root: folder that all paths are relative to.
        missing: what a channel without file is, 'error' or 'zeros'; see ``FolderDataset``.

    Raises:
        UserError: the folder is none of this layout, the classes differ, or a case is incomplete.
    """

    def __init__(self, folder, classes=None, split=None, subset='training', labelled=True, data_root='.', missing='error'):
        check_missing(missing)
        root, suffix = Path(data_root), _suffix(subset)
        description = read_description(root / folder)
        channels = _channels(description, root / folder / f'images{suffix}')
        if subset == 'training' and 'dataset' in description.content:
            files = _listed_channels(root, description, split, labelled)
        else:
            labels = (f'{folder}/labels{suffix}',) if labelled else None
            files = cases_from_folders(root, (f'{folder}/images{suffix}',), labels, split, channels=channels, label_suffix='',
                                       missing=missing, only=(description.ending,))
        _check_found(files, description, f'no image in {root / folder / f"images{suffix}"} ends with {channels[0]}'
                     f'{description.ending}; where each case is one file, as in the Decathlon, use MSDDataset')
        super().__init__(files, _values(description, classes), channels=channels, missing=missing,
                         modalities=description.modalities)


@DATASETS.register_module()
class MSDDataset(CaseFiles):
    """Cases of a task of the Medical Segmentation Decathlon [Antonelli 2022].

    The folder holds ``dataset.json``, which lists the files: under ``training`` pairs of image and label, under ``test`` images.
    The channels of an image are the fourth axis of its file. Items are as in ``CaseFiles``.

    Args:
        folder: of the task, relative to ``data_root``.
        classes, split, labelled, data_root: as in ``NnUNetDataset``.
        subset: 'training', or 'test', which has no labels.

    Raises:
        UserError: the folder is none of this layout, the classes differ, or a file is missing.
    """

    def __init__(self, folder, classes=None, split=None, subset='training', labelled=True, data_root='.'):
        _suffix(subset)
        description = read_description(Path(data_root) / folder)
        entries, labelled = description.content.get(subset), labelled and subset == 'training'
        if not isinstance(entries, list):
            raise UserError(f'{description.path} has no list {subset!r} of cases; where images end with _0000, as in nnU-Net, use '
                            'NnUNetDataset')
        found = {}
        for k, entry in enumerate(entries):
            pair = entry if isinstance(entry, dict) else {'image': entry}
            if not all(isinstance(pair.get(key), str) for key in ('image', 'label')[:1 + labelled]):
                raise UserError(f'{description.path}: entry {k} of {subset!r} is {entry!r}, but expected was '
                                f'{"an image and a label" if labelled else "an image"}')
            name = case_name(pair['image']) or pair['image']
            with noted(name):
                if name in found:
                    raise UserError(f'{description.path} lists case {name!r} twice under {subset!r}')
                found[name] = ((pair['image'],), pair['label'] if labelled else None)
        files = _existing(_chosen(found, split, Path(data_root), description), description)
        _check_found(files, description, f'its list {subset!r} is empty')
        super().__init__(files, _values(description, classes), modalities=description.modalities)


def describe(cases):
    """What the ``dataset.json`` of a data set says, as settings of a ``FolderDataset``.

    Args:
        cases: config of an ``NnUNetDataset`` or ``MSDDataset``.

    Returns:
        ``classes``, ``channels``, ``label_values`` and ``unannotated``; of any other data set's config an empty dict.
    """
    if cases.get('type') not in ('NnUNetDataset', 'MSDDataset'):
        return {}
    folder = Path(cases.get('data_root', '.')) / cases['folder']
    description = read_description(folder)
    nnunet = cases['type'] == 'NnUNetDataset'
    channels = _channels(description, folder / f'images{_suffix(cases.get("subset", "training"))}') if nnunet else ('',)
    return dict(classes=description.classes, channels=channels, label_values=description.label_values,
                unannotated=description.unannotated)


def is_described(folder):
    """The type of data set that a folder with a ``dataset.json`` is, or None where it has none."""
    if not (Path(folder) / NAME).is_file():
        return None
    images = Path(folder) / 'imagesTr'
    numbered = images.is_dir() and any((case_name(p) or '').endswith('_0000') for p in images.iterdir())
    return 'NnUNetDataset' if numbered or 'dataset' in read_description(folder).content else 'MSDDataset'


def _suffix(subset):
    if subset not in SUBSETS:
        raise UserError(f'subset={subset!r} is unknown{nearest(str(subset), SUBSETS)}; known: {", ".join(SUBSETS)}')
    return SUBSETS[subset]


def _channels(description, images):
    """What the file names of a case end with: a number for each channel, or one where a picture holds all colours."""
    channels = tuple(f'_{k:04d}' for k in range(len(description.modalities)))
    if len(channels) == 3 and description.ending in PICTURES and images.is_dir():
        stems = list_folder(images, only=(description.ending,))
        channels = channels if any(stem.endswith(channels[1:]) for stem in stems) else channels[:1]
    return channels


def _listed_channels(root, description, split, labelled):
    """Training cases whose files ``dataset.json`` lists under ``dataset``."""
    listed, found = description.content['dataset'], {}
    for name, entry in listed.items() if isinstance(listed, dict) else [('dataset', None)]:
        images = entry.get('images') if isinstance(entry, dict) else None
        if not isinstance(images, list) or not images or not isinstance(entry.get('label'), str):
            raise UserError(f'{description.path}: entry {name!r} of "dataset" is {entry!r}, but expected was a list of images and '
                            'a label')
        found[name] = (tuple(images), entry['label'] if labelled else None)
    return _existing(_chosen(found, split, root, description), description)


def _chosen(found, split, root, description):
    """The cases of a split list, or all."""
    if split is None:
        return found
    chosen = {}
    for name in read_split(root / split):
        with noted(name):
            if name not in found:
                raise UserError(f'case {name!r}, listed in {root / split}, is none of the {len(found)} cases of {description.path}'
                                f'{nearest(name, list(found), numbered=True)}')
            chosen[name] = found[name]
    return chosen


def _existing(found, description):
    """Cases with paths in the place of file names, which must be there."""
    folder, files = description.path.parent, {}
    for name, (images, label) in found.items():
        with noted(name):
            for file in (*images, *([label] if label else [])):
                if ending(file) is None or not (folder / file).is_file():
                    numbered = (folder / file).with_name(f'{name}_0000{description.ending}').is_file()
                    hint = '; its images are numbered as in nnU-Net, so use NnUNetDataset' if numbered else ''
                    raise UserError(f'case {name!r}, listed in {description.path}, has no image file {folder / file}{hint}')
            files[name] = (tuple(folder / file for file in images), folder / label if label else None)
    return files


def _values(description, classes):
    return make_values(check_class_names(description, classes), description.label_values, description.unannotated)


def _check_found(files, description, reason):
    if not files:
        raise UserError(f'no case was found with {description.path}: {reason}')

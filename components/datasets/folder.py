"""Cases that lie in folders."""
from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from torch.utils.data import Dataset

from scarceseg.components.labels import IGNORE
from scarceseg.registry import DATASETS, UserError
from scarceseg.registry.binding import nearest

from .nifti import SUFFIXES, check_same_grid, read_nifti
from .store import file_key


@DATASETS.register_module()
class FolderDataset(Dataset):
    """Whole cases from a folder of images and a folder of labels, chosen by a split list or a CSV.

    Item i is a sample: ``name``, ``image`` (C, *space) float32, ``label`` (*space) uint8 with 255 where not annotated (if
    there are labels), ``spacing_mm`` in the order of space, ``geometry`` of the file, ``image_file``, ``label_file``.

    Args:
        images: folder of images, relative to ``data_root``.
        labels: folder of labels, or None. A label has the file name of its image.
        split: a .txt with one case name a line, or a .csv with a column ``image`` and, where there are labels, ``label``
            (files relative to ``data_root``); None takes every file of ``images``.
        classes: names of the classes, background first; a label may hold their indices and nothing else.
        unannotated: the value that means "not annotated" in the label files, or None where every voxel is annotated.
        data_root: folder that all paths are relative to.

    Raises:
        UserError: a missing folder, file, split or column, or no case at all; on reading a case, what is wrong with it.
    """

    def __init__(self, images, classes, labels=None, split=None, unannotated=None, data_root='.'):
        self.classes, self.unannotated = tuple(classes), unannotated
        if unannotated is not None and (not isinstance(unannotated, int) or 0 <= unannotated < len(self.classes)):
            raise UserError(f'unannotated={unannotated!r} must be a whole number that is no class; the classes are 0 to '
                            f'{len(self.classes) - 1} ({", ".join(self.classes)})')
        root = Path(data_root)
        if split is not None and str(split).endswith('.csv'):
            self.files = _from_csv(root, root / split, labelled=labels is not None)
        else:
            self.files = _from_folders(root, images, labels, split)
        if not self.files:
            raise UserError(f'no case was found: images {root / images}, split {split}')
        self.names = list(self.files)

    def __len__(self):
        return len(self.names)

    def __getitem__(self, i):
        name = self.names[i]
        image_file, label_file = self.files[name]
        image, geometry = read_nifti(image_file)
        if not np.isfinite(image.min() + image.max()):
            raise UserError(f'case {name}: {image_file} holds NaN or Inf')
        sample = dict(name=name, image=image, spacing_mm=geometry.spacing_mm, geometry=geometry, image_file=str(image_file))
        if label_file is not None:
            label, grid = read_nifti(label_file, label=True)
            check_same_grid(grid, geometry, f'case {name}: the label {label_file} and its image')
            sample.update(label=self._checked(label, name, label_file), label_file=str(label_file))
        return sample

    def key(self, i):
        """What case i is made from, for a store."""
        return [file_key(*self.files[self.names[i]]), self.unannotated, len(self.classes)]

    def _checked(self, label, name, file):
        known = set(range(len(self.classes))) | ({self.unannotated} - {None})
        strange = sorted(set(np.unique(label).tolist()) - known)
        if strange:
            hint = '' if self.unannotated is not None else '; if one of them means "not annotated", set unannotated in the dataset'
            raise UserError(f'case {name}: the label {file} holds {strange}, but the classes are 0 to {len(self.classes) - 1} '
                            f'({", ".join(self.classes)}){hint}')
        if self.unannotated is None:
            return label.astype(np.uint8)
        return np.where(label == self.unannotated, IGNORE, label).astype(np.uint8)


def case_name(path):
    """File name without its NIfTI ending."""
    return next((path.name[:-len(s)] for s in SUFFIXES if path.name.endswith(s)), None)


def list_folder(folder):
    """``{case name: file}`` of a folder's NIfTI files, sorted; one case twice is an error."""
    if not folder.is_dir():
        raise UserError(f'there is no folder {folder}; give the folder that data paths are relative to with --data or '
                        '$SCARCESEG_DATA')
    found = {}
    for path in sorted(folder.iterdir()):
        name = case_name(path)
        if name is None or name.startswith('.'):
            continue
        if name in found:
            raise UserError(f'{folder} holds case {name!r} twice: {found[name].name} and {path.name}; remove one')
        found[name] = path
    return found


def _from_folders(root, images, labels, split):
    images = list_folder(root / images)
    labels = list_folder(root / labels) if labels is not None else None
    return {name: (_find(name, images, root, split), None if labels is None else _find(name, labels, root, split))
            for name in (list(images) if split is None else read_split(root / split))}


def _find(name, files, root, split):
    if name not in files:
        folder = next(iter(files.values())).parent if files else root
        origin = f'listed in {root / split}' if split else 'found among the images'
        raise UserError(f'case {name!r}, {origin}, has no file in {folder}{nearest(name, list(files))}')
    return files[name]


def check_split(path):
    """Raise UserError where there is no file ``path``."""
    if not path.is_file():
        near = nearest(path.name, [p.name for p in path.parent.glob('*')]) if path.parent.is_dir() else ''
        raise UserError(f'there is no split list {path}{near}; give the folder that data paths are relative to with --data or '
                        '$SCARCESEG_DATA')


def read_split(path):
    """Case names of a split list, one a line; empty lines are passed over, a name twice is an error."""
    check_split(path)
    try:
        lines = path.read_text(encoding='utf-8-sig').split('\n')
    except UnicodeDecodeError as error:
        raise UserError(f'split list {path} is not UTF-8 text ({error.reason}); save it as UTF-8') from error
    names = [case_name(Path(line.strip())) or line.strip() for line in lines if line.strip()]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise UserError(f'split list {path} names {", ".join(twice[:3])} more than once')
    return names


def _from_csv(root, path, labelled):
    check_split(path)
    with path.open(newline='', encoding='utf-8-sig') as handle:
        table = csv.DictReader(handle)
        rows, columns = list(table), table.fieldnames or []
    for column in ('image', 'label') if labelled else ('image',):
        if column not in columns:
            raise UserError(f'{path} has no column {column!r}{nearest(column, columns)}; its columns: {", ".join(columns)}')
    files = {}
    for row in rows:
        paths = [root / (row[c] or '') if labelled or c == 'image' else None for c in ('image', 'label')]
        for file in filter(None, paths):
            if not file.is_file():
                raise UserError(f'{path} names {file}, which is no file')
        name = case_name(paths[0])
        if name is None:
            raise UserError(f'{path} names {paths[0]}, which is not NIfTI ({", ".join(SUFFIXES)})')
        if name in files:
            raise UserError(f'{path} has case {name!r} twice')
        files[name] = tuple(paths)
    return files

"""Which files make a case: folders, split lists and tables."""
from __future__ import annotations

import csv
from pathlib import Path

from scarceseg.registry import UserError
from scarceseg.registry.binding import nearest

from .images import ENDINGS, FORMATS, case_name, ending


def list_folder(folder, *, skip=''):
    """``{case name: file}`` of a folder's image files, sorted; one case twice is an error.

    The files of one format count, NIfTI before pictures: previews beside volumes are no cases.

    Args:
        skip: names that end so are left out; the empty string leaves out none.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f'there is no folder {folder}; give the folder that data paths are relative to with --data or '
                        '$SCARCESEG_DATA')
    files = [p for p in sorted(folder.iterdir()) if ending(p) and not p.name.startswith('.')]
    files = [p for p in files if not (skip and case_name(p).endswith(skip))]
    chosen = next((form for form in FORMATS if any(ending(p) in form.endings for p in files)), None)
    found = {}
    for path in files:
        name = case_name(path)
        if ending(path) not in chosen.endings:
            continue
        if name in found:
            raise UserError(f'{folder} holds case {name!r} twice: {found[name].name} and {path.name}; remove one')
        found[name] = path
    return found


def cases_from_folders(root, images, labels, split, *, channels, label_suffix):
    """``{case: ((image file of each channel, …), label file or None)}`` of folders, all cases or those of a split list.

    Args:
        root: what the other paths are relative to.
        images: folders.
        labels: a folder for each of ``images``, or None.
        split: a split list, or None.
        channels, label_suffix: what the file names of a case end with.
    """
    found, drawn = {}, {}
    for i, folder in enumerate(images):
        together = labels is not None and labels[i] == folder
        for name, files in group_channels(list_folder(root / folder, skip=label_suffix if together else ''), channels).items():
            if name in found:
                raise UserError(f'case {name!r} is in two folders, {root / found[name][0]} and {root / folder}; rename one')
            found[name] = (folder, files)
        if labels is not None:
            drawn[folder] = list_folder(root / labels[i])
    origin = f'listed in {root / split}' if split else 'found among the images'
    chosen = {}
    for name in list(found) if split is None else read_split(root / split):
        if name not in found:
            places = ', '.join(str(root / folder) for folder in images[:3])
            ends = f' (its files end with {", ".join(channels)})' if any(channels) else ''
            raise UserError(f'case {name!r}, {origin}, has no file in {places}{ends}{nearest(name, list(found))}')
        folder, files = found[name]
        where = dict(zip(images, labels or images))[folder]
        label = _find(name + label_suffix, drawn[folder], root / where, f'case {name!r}, {origin},') if labels else None
        chosen[name] = (tuple(_find(name + c, files, root / folder, f'case {name!r}, {origin},') for c in channels), label)
    return chosen


def group_channels(files, channels):
    """``{case: {file name without ending: file}}``; a name that ends with none of ``channels`` belongs to no case."""
    groups, longest = {}, sorted(channels, key=len, reverse=True)
    for stem, path in files.items():
        suffix = next((c for c in longest if stem.endswith(c) and len(stem) > len(c)), None)
        if suffix is not None:
            groups.setdefault(stem[:len(stem) - len(suffix)], {})[stem] = path
    return groups


def _find(stem, files, folder, what):
    if stem not in files:
        raise UserError(f'{what} has no file {stem} in {folder}{nearest(stem, list(files))}')
    return files[stem]


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
    names = [case_name(line.strip()) or line.strip() for line in lines if line.strip()]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise UserError(f'split list {path} names {", ".join(twice[:3])} more than once')
    return names


def cases_from_csv(root, path, *, labelled, channels):
    """``{case: ((image file of each channel, …), label file or None)}`` of a table of files relative to ``root``."""
    check_split(path)
    with path.open(newline='', encoding='utf-8-sig') as handle:
        table = csv.DictReader(handle)
        rows, columns = list(table), table.fieldnames or []
    wanted = [f'image{c}' for c in channels] + ['label'] * labelled
    for column in wanted:
        if column not in columns:
            raise UserError(f'{path} has no column {column!r}{nearest(column, columns)}; its columns: {", ".join(columns)}')
    chosen = {}
    for row in rows:
        files = [root / (row[column] or '') for column in wanted]
        for file in files:
            if not file.is_file():
                raise UserError(f'{path} names {file}, which is no file')
            if ending(file) is None:
                raise UserError(f'{path} names {file}, which is no image file ({", ".join(ENDINGS)})')
        name = case_name(files[0]).removesuffix(channels[0])
        if name in chosen:
            raise UserError(f'{path} has case {name!r} twice')
        chosen[name] = (tuple(files[:len(channels)]), files[-1] if labelled else None)
    return chosen

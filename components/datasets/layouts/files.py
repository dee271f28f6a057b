"""Which files make a case: folders, split lists and tables."""
from __future__ import annotations

import csv
import logging
import re
from pathlib import Path

from scarceseg.registry import UserError
from scarceseg.registry.binding import nearest

from ..formats.images import ENDINGS, FORMATS, case_name, ending
from ..formats.pictures import ENDINGS as PICTURES
from .complaints import noted
from .split_lists import check_split, read_split

logger = logging.getLogger(__name__)


def list_folder(folder, *, skip='', only=None):
    """``{case name: file}`` of a folder's image files, and folders with a DICOM series each, sorted; one case twice is an error.

    The files of one format count, volumes before pictures: previews beside volumes are no cases. Volumes of another format, which
    may have been meant, are named in a warning.

    Args:
        skip: names that end so are left out; the empty string leaves out none.
        only: endings that count, instead of those of one format.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f'there is no folder {folder}; give the folder that data paths are relative to with --data or '
                        '$SCARCESEG_DATA')
    files = [p for p in sorted(folder.iterdir()) if not p.name.startswith('.') and ending(p) is not None]
    files = [p for p in files if not (skip and case_name(p).endswith(skip))]
    counted = only or next((form.endings for form in FORMATS if any(ending(p) in form.endings for p in files)), ())
    found = {}
    for path in (p for p in files if ending(p) in counted):
        name = case_name(path)
        with noted(name):
            if name in found:
                raise UserError(f'{folder} holds case {name!r} twice: {found[name].name} and {path.name}; remove one')
            found[name] = path
    others = [] if only else [p.name for p in files if ending(p) not in (*counted, *PICTURES) and case_name(p) not in found]
    if others:
        logger.warning('%s: %d files, such as %s, are left out, since files of one format are the cases, such as %s', folder,
                       len(others), others[0], next(iter(found.values())).name)
    return found


def cases_from_folders(root, images, labels, split, *, channels, label_suffix, missing='error', only=None):
    """``{case: ((image file of each channel, …), label file or None)}`` of folders, all cases or those of a split list.

    Args:
        root: what the other paths are relative to.
        images: folders.
        labels: a folder for each of ``images``, or None.
        split: a split list, or None.
        channels, label_suffix: what the file names of a case end with.
        missing: 'zeros' gives None in the place of a channel without file, which is an error otherwise.
        only: as in ``list_folder``.
    """
    found, drawn = {}, {}
    for i, folder in enumerate(images):
        together = labels is not None and labels[i] == folder
        listed = list_folder(root / folder, skip=label_suffix if together else '', only=only)
        for name, files in group_channels(listed, channels).items():
            with noted(name):
                if name in found:
                    raise UserError(f'case {name!r} is in two folders, {root / found[name][0]} and {root / folder}; rename one')
                found[name] = (folder, files)
        if labels is not None:
            drawn[folder] = list_folder(root / labels[i], only=only)
    origin = f'listed in {root / split}' if split else 'found among the images'
    chosen = {}
    for name in list(found) if split is None else read_split(root / split):
        with noted(name):
            if name not in found:
                places = ', '.join(str(root / folder) for folder in images[:3])
                ends = f' (its files end with {", ".join(channels)})' if any(channels) else ''
                near = nearest(name, list(found), numbered=True)
                raise UserError(f'case {name!r}, {origin}, has no file in {places}{ends}{near}')
            folder, files = found[name]
            where = dict(zip(images, labels or images))[folder]
            what = f'case {name!r}, {origin},'
            label = _find(name + label_suffix, drawn[folder], root / where, what) if labels else None
            chosen[name] = (tuple(None if missing == 'zeros' and name + c not in files else
                                  _find(name + c, files, root / folder, what) for c in channels), label)
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
        raise UserError(f'{what} has no file {stem} in {folder}{nearest(stem, list(files), numbered=True)}')
    return files[stem]


def cases_from_csv(root, path, *, labelled, channels, missing='error'):
    """``{case: ((image file of each channel, …), label file or None)}`` of a table of files relative to ``root``.

    A case is called what stands in the column ``name``, where there is one, else what its first image is called.

    Args:
        labelled: there is a column ``label``.
        channels: what the columns of images are called more than ``image``.
        missing: 'zeros' gives None for an empty field of an image, which is an error otherwise.
    """
    rows, columns = read_table(path)
    wanted = [f'image{c}' for c in channels] + ['label'] * labelled
    for column in wanted:
        if column not in columns:
            raise UserError(f'{path} has no column {column!r}{nearest(column, columns)}; its columns: {", ".join(columns)}')
    chosen = {}
    for line, row in rows:
        with noted(f'line {line}'):
            what = f'{path}, line {line},'
            name, files = _row_files(root, what, row, wanted, missing)
            name = _row_name(what, row['name']) if 'name' in columns else name
            if name in chosen:
                raise UserError(f'{path} has case {name!r} twice; where files of several folders have one name, give each case its '
                                'own in a column \'name\'')
            chosen[name] = (files[:len(channels)], files[-1] if labelled else None)
    return chosen


def read_table(path):
    """([(line number, {column: entry})], columns) of a CSV file, with commas, semicolons or tabs, whichever its first line has."""
    check_split(path)
    try:
        with path.open(newline='', encoding='utf-8-sig') as handle:
            first = re.sub(r'"[^"]*"', '', handle.readline())
            handle.seek(0)
            table = csv.DictReader(handle, delimiter=max(',;\t', key=first.count))
            return [(table.line_num, row) for row in table], table.fieldnames or []
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f'{path} cannot be read as a table ({error}); save it as CSV in UTF-8') from error


def _row_files(root, what, row, wanted, missing):
    """The case's name, and its files in the order of the columns ``wanted``."""
    if None in row:
        raise UserError(f'{what} has more fields than the first line has columns; put a field with a comma into quotes')
    files, named = [], {column: (row[column] or '').strip() for column in wanted}
    for column, entry in named.items():
        if not entry and not (missing == 'zeros' and column != 'label'):
            raise UserError(f'{what} has nothing in column {column!r}; name a file')
        if entry and not (root / entry).exists():
            raise UserError(f'{what} names {root / entry}, which is no file')
        if entry and ending(root / entry) is None:
            raise UserError(f'{what} names {root / entry}, which is no image file ({", ".join(ENDINGS)})')
        files.append(root / entry if entry else None)
    first = next(((column, entry) for column, entry in named.items() if entry and column != 'label'), None)
    if first is None:
        raise UserError(f'{what} names no image; name at least one')
    return case_name(first[1]).removesuffix(first[0].removeprefix('image')), tuple(files)


def _row_name(what, entry):
    name = (entry or '').strip()
    if not name or name != Path(name).name:
        raise UserError(f'{what} has {name!r} in column \'name\', but predictions become files of that name; give one without /')
    return name

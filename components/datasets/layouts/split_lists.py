"""Split lists: text files with one case a line, which tell when they were changed by hand.

Lines that begin with '#' are notes. The first note of a list that was written here is the hash of its names, so that no list
changes unseen and two can be compared at a glance; notes of how it was made follow. Lists without notes are read too.
"""
from __future__ import annotations

import hashlib
from pathlib import Path

from scarceseg.registry import UserError
from scarceseg.registry.binding import nearest

from ..formats.images import case_name
from ..formats.writing import named_draft

HASH = 'sha256 of the names'


def split_hash(names):
    """Hexadecimal SHA-256 of case names, whatever their order: of the sorted names, UTF-8, one a line without a last line end."""
    return hashlib.sha256('\n'.join(sorted(names)).encode()).hexdigest()


def check_split(path):
    """Raise UserError where there is no file ``path``."""
    if not path.is_file():
        near = nearest(path.name, [p.name for p in path.parent.glob('*') if p.is_file()]) if path.parent.is_dir() else ''
        raise UserError(f'there is no split list {path}{near}; give the folder that data paths are relative to with --data or '
                        '$SCARCESEG_DATA')


def read_split(path):
    """Case names of a split list, one a line; empty lines and notes are passed over.

    Raises:
        UserError: there is no such list, it is no text, has a name twice, or has other names than its hash says.
    """
    path = Path(path)
    check_split(path)
    lines = _lines(path)
    names = [case_name(line) or line for line in lines if not line.startswith('#')]
    twice = sorted({n for n in names if names.count(n) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise UserError(f'split list {path} names {", ".join(twice[:3])} more than once')
    known = _notes(lines).get(HASH)
    if known not in (None, split_hash(names)):
        raise UserError(f'split list {path} has been changed since it was written: the hash of its {len(names)} names is '
                        f'{split_hash(names)[:12]}…, but its first line says {known[:12]}…; restore it, or, where the change is '
                        'meant, remove that line')
    return names


def read_notes(path):
    """``{key: text}`` of the notes '# key: text' in a split list: its hash and how it was made."""
    check_split(Path(path))
    return _notes(_lines(Path(path)))


def write_lists(folder, lists, facts=None):
    """Write split lists, none where one of them is there already with other names: results may depend on it.

    Args:
        folder: where; made when needed.
        lists: {file name: case names}.
        facts: {key: value} of how they were made, which become notes.

    Raises:
        UserError: a list is there with other names, or a name cannot stand in a list.
    """
    folder = Path(folder)
    for file, names in lists.items():
        odd = [n for n in names if n != n.strip() or n.startswith('#') or '\n' in n or not n]
        if odd:
            raise UserError(f'case {odd[0]!r} cannot stand in a split list: a name may not begin with # or have spaces at its ends')
        if (folder / file).exists() and sorted(read_split(folder / file)) != sorted(names):
            raise UserError(f'{folder / file} is there already and names other cases; choose another folder, or remove it')
    for file, names in lists.items():
        if not (folder / file).exists():
            notes = ''.join(f'# {key}: {value}\n' for key, value in {HASH: split_hash(names), **(facts or {})}.items())
            with named_draft(folder / file, 'a split list') as draft:
                draft.write_bytes((notes + ''.join(f'{n}\n' for n in names)).encode())


def _lines(path):
    try:
        return [line.strip() for line in path.read_text(encoding='utf-8-sig').split('\n') if line.strip()]
    except UnicodeDecodeError as error:
        raise UserError(f'split list {path} is not UTF-8 text ({error.reason}); save it as UTF-8') from error


def _notes(lines):
    pairs = (line[1:].partition(':') for line in lines if line.startswith('#'))
    return {key.strip(): text.strip() for key, colon, text in pairs if colon}

"""Whose cases are whose: the patient of each case, told by its name or by a table."""
from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from scarceseg.registry import UserError
from scarceseg.registry.binding import nearest

from ..formats.images import case_name
from .files import read_table


def patients_of(names, pattern):
    """For each name what the regular expression finds in it: its first group, or all that it matches.

    Raises:
        UserError: it is no regular expression, or finds nothing in a name.
    """
    try:
        found = [re.search(pattern, name) for name in names]
    except re.error as error:
        raise UserError(f'the expression for patients, {pattern!r}, is no regular expression: {error}') from error
    people = [match and match.group(1 if match.re.groups else 0) for match in found]
    for name, patient in zip(names, people):
        if not patient:
            raise UserError(f'the expression for patients, {pattern!r}, finds nothing in the name of case {name!r}')
    return people


def patients_in_table(names, table, column):
    """For each name what a CSV says of it: the entry in ``column`` of the line that begins with the name.

    Raises:
        UserError: the table lacks the column, or a case, or says two things of one.
    """
    rows, columns = read_table(Path(table))
    if column not in columns[1:]:
        raise UserError(f'{table} has no column {column!r} behind its first, the names of the cases{nearest(column, columns)}; its '
                        f'columns: {", ".join(columns)}')
    known = {}
    for line, row in rows:
        name, patient = ((row[key] or '').strip() for key in (columns[0], column))
        name = case_name(name) or name
        if known.setdefault(name, patient) != patient:
            raise UserError(f'{table}, line {line}, says {column} {patient!r} of case {name!r}, which was {known[name]!r} before')
    for name in names:
        if not known.get(name):
            raise UserError(f'{table} has no {column} of case {name!r}{nearest(name, list(known), numbered=True)}; add it')
    return [known[name] for name in names]


def likely_relatives(names):
    """Two names that differ in their last part alone, such as patient002_frame01 and patient002_frame12, or None.

    Parts are told by _ and -. What is before the last must have a number in it: names that are a word and a number, such as
    cxr_012, say nothing of patients.
    """
    first = defaultdict(list)
    for name in sorted(names):
        stem = re.match(r'(.*\d.*)[_-]', name)
        if stem:
            first[stem[1]].append(name)
    return next(((alike[0], alike[1]) for alike in first.values() if len(alike) > 1), None)

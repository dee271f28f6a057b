"""What was found, in numbers: rows for a terminal and for a page."""
from __future__ import annotations

from itertools import groupby

import numpy as np
from tabulate import tabulate

from .kinds import ERROR, counted

LINES = 20  # on problems of one kind in a terminal


def part_rows(report):
    """(header, rows): for each source its cases, sizes, voxel sizes and share of annotated voxels."""
    rows = []
    for source in report.sources:
        own = [f for f in report.facts if f.part == source.name]
        read = [f for f in own if f.space is not None]
        annotated = [f.annotated for f in own if f.annotated is not None]
        axes = ', '.join(sorted({f.orientation or '–' for f in read}))
        rows.append([source.name, len(own), len(annotated), _span([f.space for f in read]),
                     _span([f.spacing_mm[::-1] for f in read if f.spacing_mm]), axes,
                     f'{100 * np.mean(annotated):.3g}' if annotated else '–'])
    return ['part', 'cases', 'labels', 'voxels', 'mm', 'axes to', 'annotated %'], rows


def class_rows(report):
    """(header, rows): for each source and class its share of the annotated voxels, and in how many labels it is."""
    rows = []
    for source in report.sources:
        labels = [f.voxels for f in report.facts if f.part == source.name and f.voxels]
        total = sum(sum(voxels.values()) for voxels in labels)
        for k, name in enumerate(report.classes) if labels else ():
            cases = [voxels[k] for voxels in labels if k in voxels]
            if cases or not source.guessed:
                rows.append([source.name, name, f'{100 * sum(cases) / total:.3g}', sum(cases), f'{len(cases)} of {len(labels)}'])
    return ['part', 'class', 'voxels %', 'voxels', 'labels'], rows


def notes_on(report):
    """Sentences on what the numbers do not say."""
    return [f'{source.name}: the labels are looked at as they are in their files, of which training makes others by '
            f'{", ".join(source.simulate)}' for source in report.sources if source.simulate]


def verdict(report):
    """One line: how many cases, errors and warnings."""
    errors = len(report.errors)
    warnings = len(report.problems) - errors
    return (f'{counted(len(report.facts), "case")} read: {counted(errors, "error")}, {counted(warnings, "warning")}'
            f'{"; training would be wrong" if errors else ""}')


def terminal_report(report):
    """All of it as text: tables, a line for each problem, up to twenty of a kind, and the verdict."""
    tables = [tabulate(rows, header, tablefmt='simple', disable_numparse=True) for header, rows in
              (part_rows(report), class_rows(report)) if rows]
    lines = []
    for kind, found in groupby(report.problems, lambda problem: problem.kind):
        *several, = (f'{p.level + ":":<8} {p.kind + ",":<18} {p.part}: {p.text}' for p in found)
        rest = len(several) - LINES
        lines += several if rest <= 0 else [*several[:LINES], f'{"":<8} {kind + ",":<18} and {rest} more; --html lists them all']
    return '\n\n'.join([*tables, *('\n'.join(several) for several in (notes_on(report), lines) if several), verdict(report)])


def is_error(problem):
    """Whether training would be wrong."""
    return problem.level == ERROR


def _span(sizes):
    """'92×70×44 to 96×73×44' of tuples of numbers."""
    if not sizes or len({len(s) for s in sizes}) > 1:
        return '–' if not sizes else 'different axes'
    low, high = (tuple(f(column) for column in zip(*sizes)) for f in (min, max))
    texts = ['×'.join(f'{n:.4g}' for n in size) for size in (low, high)]
    return texts[0] if texts[0] == texts[1] else ' to '.join(texts)

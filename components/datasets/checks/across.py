"""What is wrong between cases, though each is well by itself."""
from __future__ import annotations

from collections import Counter
from itertools import combinations

from ..layouts.splits import patients_of
from .kinds import UNLIKE, VALUES, Problem

SHOWN = 4  # names in a sentence


def shared_names(names):
    """Problems of cases that are on two sides by their names.

    Args:
        names: [(source, names of its cases)].
    """
    problems = []
    for (first, own), (second, others) in combinations(names, 2):
        both = [n for n in own if n in set(others)]
        if both:
            problems.append(_shared(first, second, both, both[0]))
    return problems


def shared_voxels(sources, facts):
    """Problems of cases that have the voxels of another one, of another name.

    Args:
        sources: all sources.
        facts: of all cases.
    """
    named, groups, pairs = {source.name: source for source in sources}, {}, {}
    for fact in facts:
        if fact.content is not None:
            groups.setdefault(fact.content, []).append(fact)
    for group in groups.values():
        for one, other in combinations(group, 2):
            if one.case != other.case:
                pairs.setdefault((one.part, other.part), []).append((one.case, other.case))
    problems = []
    for (one, other), found in pairs.items():
        if one == other:
            text = f'{len(found)} pairs of cases have' if len(found) > 1 else 'two cases have'
            pairs_named = _listed(f'{a} and {b}' for a, b in found)
            problems.append(Problem('duplicate', one, found[0][0], f'{text} the same voxels: {pairs_named}'))
        else:
            same = [f'{a} is {b}' for a, b in found]
            problems.append(_shared(named[one], named[other], same, found[0][0], ' under another name'))
    return problems


def shared_patients(names, pattern):
    """Problems of patients who are on two sides.

    Args:
        names: [(source, names of its cases)].
        pattern: regular expression that tells a patient from a case's name.
    """
    problems = []
    for (first, own), (second, others) in combinations([(s, set(patients_of(own, pattern))) for s, own in names], 2):
        both = sorted(own & others)
        if both and first.side != second.side:
            problems.append(Problem('patient', f'{first.name}+{second.name}', '', f'{_counted(both, "patient")} of {first.name} in '
                                    f'{second.name} too: {_listed(both)}'))
    return problems


def unlike_cases(facts):
    """Problems of cases of one part that are unlike the others."""
    known, parts = [f for f in facts if f.space is not None], {}
    problems = _odd_ones('channels', known, lambda f: f'{f.channels} channels and {len(f.space)} axes')
    for fact in known:
        parts.setdefault(fact.part, []).append(fact)
    for own in parts.values():
        problems += _odd_ones('orientation', own, lambda f: f'orientation {f.orientation}')
        problems += _odd_spacing(own)
    return problems


def class_problems(sources, facts, classes):
    """Problems of classes that nobody drew.

    Args:
        sources: all sources.
        facts: of all cases.
        classes: names of the classes.
    """
    problems, seen = [], {}
    for source in sources:
        own = [f for f in facts if f.part == source.name and f.voxels is not None]
        labels = [f.voxels for f in own]
        if source.guessed:
            text = 'case {} has a label with {} different values; is it an image?'
            problems += [Problem('values', f.part, f.case, text.format(f.case, len(f.voxels)))
                         for f in own if len(f.voxels) > VALUES]
        elif labels and not any(labels):
            problems.append(Problem('no annotation', source.name, '', f'not one voxel of the {len(labels)} labels is annotated'))
        elif labels:
            seen.setdefault(source.side, set()).update(*labels)
    for side, indices in seen.items():
        absent = [name for k, name in enumerate(classes) if k not in indices]
        if absent:
            kind = 'no annotation' if side == 'train' else 'absent class'
            problems.append(Problem(kind, side, '', f'no label has a voxel of {_listed(absent)}'))
    return problems


def _shared(first, second, both, case, how=''):
    """The problem of cases that two sources share."""
    sides = {first.side, second.side}
    kind = 'leak' if 'train' in sides and len(sides) > 1 else 'duplicate'
    where = f'{first.name}+{second.name}'
    return Problem(kind, where, case, f'{_counted(both, "case")} of {first.name} in {second.name} too{how}: {_listed(both)}')


def _odd_ones(kind, facts, what):
    """Problems of the cases of which ``what`` says something else than of most."""
    counts = Counter(map(what, facts)).most_common()
    problems = []
    for other, _ in counts[1:]:
        odd = [f for f in facts if what(f) == other]
        text = f'{_counted(odd, "case")} of {other}, but {counts[0][1]} of {counts[0][0]}: {_listed(f.case for f in odd)}'
        problems.append(Problem(kind, odd[0].part, odd[0].case, text))
    return problems


def _odd_spacing(facts):
    known, unknown = ([f for f in facts if (f.spacing_mm is None) == none] for none in (False, True))
    if known and unknown:
        yield Problem('spacing', unknown[0].part, unknown[0].case, f'{_counted(unknown, "case")} without a voxel size, but '
                      f'{len(known)} with one: {_listed(f.case for f in unknown)}')
    for axis in range(1, 1 + min((len(f.spacing_mm) for f in known), default=0)):
        small, *_, large = sorted([*known, *known], key=lambda f: f.spacing_mm[-axis])
        if large.spacing_mm[-axis] >= UNLIKE * small.spacing_mm[-axis]:
            yield Problem('spacing', large.part, large.case, f'along {"xyz"[axis - 1]} a voxel of case {large.case} has '
                          f'{large.spacing_mm[-axis]:.3g} mm, but one of case {small.case} {small.spacing_mm[-axis]:.3g} mm')


def _counted(items, what):
    return f'1 {what}' if len(items) == 1 else f'{len(items)} {what}s'


def _listed(items):
    items = list(items)
    return f'{", ".join(items[:SHOWN])}{f" and {len(items) - SHOWN} more" if len(items) > SHOWN else ""}'

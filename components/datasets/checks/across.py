"""What is wrong between cases, though each is well by itself."""
from __future__ import annotations

from collections import Counter
from itertools import combinations

from ..formats.geometry import in_mm
from ..layouts.patients import patients_of
from .kinds import UNLIKE, VALUES, Problem, counted
from .sources import identity, names_of, noted_patient

SHOWN = 4  # names in a sentence


def shared_cases(data):
    """Problems of cases that are in two parts; of the same name in two folders they are two cases.

    Args:
        data: [(source, its data set)].
    """
    problems = []
    names = [(source, {identity(source, cases, i): name for i, name in enumerate(names_of(cases))}) for source, cases in data]
    for (first, own), (second, others) in combinations(names, 2):
        both = [name for key, name in own.items() if key in others]
        if both:
            problems.append(_shared(first, second, both, both[0]))
    return problems


def shared_content(sources, facts):
    """Problems of cases that have the voxels of another one, or its label only.

    Args:
        sources: all sources.
        facts: of all cases.
    """
    named, alike = {source.name: source for source in sources}, _pairs(facts, lambda fact: fact.content)
    problems = []
    for (one, other), found in alike.items():
        if one == other:
            text = f'{len(found)} pairs of cases have' if len(found) > 1 else 'two cases have'
            problems.append(Problem('duplicate', one, found[0][0], f'{text} the same voxels: {_paired(found)}'))
        else:
            same = [a if a == b else f'{a} is {b}' for a, b in found]
            problems.append(_shared(named[one], named[other], same, found[0][0], ' with the same voxels'))
    known = {pair for found in alike.values() for pair in found}
    drawn = [pair for found in _pairs(facts, lambda fact: (fact.drawing,)).values() for pair in found]
    drawn = [pair for pair in dict.fromkeys(drawn) if not known & {pair, pair[::-1]}]
    if drawn:
        part = next(fact.part for fact in facts if fact.case == drawn[0][0])
        text = f'{len(drawn)} pairs of cases have' if len(drawn) > 1 else 'two cases have'
        problems.append(Problem('duplicate', part, drawn[0][0], f'{text} the same label, but different images: {_paired(drawn)}'))
    return problems


def _pairs(facts, keys):
    """``{(part, part): [(case, case)]}`` of different cases that share a key other than None, each with the first."""
    groups, pairs = {}, {}
    for fact in facts:
        for key in keys(fact):
            if key is not None:
                groups.setdefault(key, []).append(fact)
    for one, *others in groups.values():
        for other in others:
            if one.identity != other.identity:
                pairs.setdefault((one.part, other.part), {})[one.case, other.case] = None
    return {parts: list(found) for parts, found in pairs.items()}


def shared_patients(data, pattern=None):
    """Problems of patients who are on two sides.

    Args:
        data: [(source, its data set)].
        pattern: regular expression that tells a patient from a case's name; None takes the one that a split list was made by.

    Raises:
        UserError: ``pattern`` is no regular expression, or finds nothing in a name.
    """
    known = []
    for source, cases in data:
        noted = pattern or noted_patient(source)
        known += [(source, set(patients_of(names_of(cases), noted)))] if noted else []
    problems = []
    for (first, own), (second, others) in combinations(known, 2):
        both = sorted(own & others)
        if both and first.side != second.side:
            problems.append(Problem('patient', f'{first.name}+{second.name}', '', f'{counted(both, "patient")} of {first.name} in '
                                    f'{second.name} too: {_listed(both)}; all cases of a patient belong on one side'))
    return problems


def unlike_cases(facts):
    """Problems of cases that are unlike the others, in whatever part they are."""
    known = [f for f in facts if f.space is not None and not any(p.kind == 'grid' for p in f.problems)]
    problems = _odd_ones('channels', known, lambda f: f'{counted(f.channels, "channel")} and {len(f.space)} axes')
    if not problems:  # of images and volumes together no more is to be said
        problems = _odd_ones('orientation', known, lambda f: f'orientation {f.orientation or "unknown"}') + _odd_spacing(known)
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
            problems.append(Problem(kind, side, '', f'no label that could be read has a voxel of {_listed(absent)}'))
    return problems


def _shared(first, second, both, case, how=''):
    """The problem of cases that two sources share."""
    sides = {first.side, second.side}
    kind = 'leak' if 'train' in sides and len(sides) > 1 else 'duplicate'
    remedy = f'; {"it" if len(both) == 1 else "each"} may be in one of them only' if kind == 'leak' else ''
    return Problem(kind, f'{first.name}+{second.name}', case,
                   f'{counted(both, "case")} of {first.name} in {second.name} too{how}: {_listed(both)}{remedy}')


def _odd_ones(kind, facts, what):
    """Problems of the cases of which ``what`` says something else than of most."""
    counts = Counter(map(what, facts)).most_common()
    problems = []
    for other, _ in counts[1:]:
        odd = [f for f in facts if what(f) == other]
        text = f'{counted(odd, "case")} of {other}, but {counts[0][1]} of {counts[0][0]}: {_listed(f.case for f in odd)}'
        problems.append(Problem(kind, odd[0].part, odd[0].case, text))
    return problems


def _odd_spacing(facts):
    """Problems of voxel sizes that are not known of all cases, or very different."""
    known, unknown = ([f for f in facts if (f.spacing_mm is None) == none] for none in (False, True))
    if known and unknown:
        return [Problem('spacing', unknown[0].part, unknown[0].case, f'{counted(unknown, "case")} without a voxel size, but '
                        f'{len(known)} with one: {_listed(f.case for f in unknown)}')]
    worst = (1.0, None, None)
    for axis in range(min((len(f.spacing_mm) for f in known), default=0)):
        small, middle, large = (sorted(known, key=lambda f: f.spacing_mm[axis])[k] for k in (0, len(known) // 2, -1))
        sizes = [f.spacing_mm[axis] for f in (small, middle, large)]
        odd, other = (large, small) if sizes[2] / sizes[1] > sizes[1] / sizes[0] else (small, large)
        worst = max(worst, (sizes[2] / sizes[0], odd, other), key=lambda found: found[0])
    times, odd, other = worst
    if times < UNLIKE:
        return []
    return [Problem('spacing', odd.part, odd.case, f'voxels of case {odd.case} have {in_mm(odd.spacing_mm)}, but those of case '
                    f'{other.case} {in_mm(other.spacing_mm)}')]


def _paired(pairs):
    return _listed(f'{a} and {b}' for a, b in pairs)


def _listed(items):
    items = list(items)
    return f'{", ".join(items[:SHOWN])}{f" and {len(items) - SHOWN} more" if len(items) > SHOWN else ""}'

"""What results must agree on before they may stand in one table: cases, classes, labels, and the rules they were judged by."""
from __future__ import annotations

from itertools import chain

from scarceseg.registry import UserError


def check_rules(methods):
    """Raise UserError where results were judged by different rules.

    Args:
        methods: {name: [Result]}.
    """
    first, *others = chain(*methods.values())
    for other in others:
        rules = [('rule for empty masks', first.empty, other.empty)]
        if first.protocol and other.protocol:
            rules.append(('background', *(r.protocol['has_background'] for r in (first, other))))
            mine, theirs = (r.protocol['metrics'] for r in (first, other))
            rules += [(f'setting of {column}', mine[column], theirs[column]) for column in mine if column in theirs]
        for what, one, two in rules:
            if one != two:
                raise UserError(f'{first.folder} and {other.folder} were judged by another {what}, {_plain(one)} and '
                                f'{_plain(two)}; evaluate them alike with eval.py')


def shared_ground(methods, common):
    """(cases, {class: whether it is made of several}, warnings) of all results; the folds of a seed are taken together.

    Args:
        methods: {name: [Result]}.
        common: take the cases and classes that all have, and warn, where they differ.

    Raises:
        UserError: cases or classes differ and ``common`` does not allow it, or nothing is common.
    """
    cases, classes = {}, {}
    for name, members in methods.items():
        for result in members:
            own, seed = dict.fromkeys(row['case'] for row in result.rows), _of(name, result.seed)
            twice = next((case for case in own if case in cases.get(seed, ())), None)
            if twice is not None:
                raise UserError(f'folds of {seed} share the test case {twice!r}; give the folds of one cross-validation')
            cases.setdefault(seed, {}).update(own)
            classes[f'{seed} in {result.folder}'] = {row['class']: bool(row.get('fused')) for row in result.rows}
    (cases, first), (classes, second) = (_shared(*pair, common) for pair in (('cases', cases), ('classes', classes)))
    return list(cases), classes, [*first, *second]


def check_labels(methods, cases, classes):
    """Raise UserError where labels of a case differ between results, by their number of voxels."""
    known = {}
    for result in chain(*methods.values()):
        for row in result.rows:
            name, case = row['class'], row['case']
            if case not in cases or name not in classes or 'label_voxels' not in row:
                continue
            voxels, first = known.setdefault((case, name), (row['label_voxels'], result))
            if voxels != row['label_voxels']:
                raise UserError(f'{first.folder} and {result.folder} were judged by different labels, {voxels} and '
                                f'{row["label_voxels"]} voxels of {name} in case {case}; evaluate them with the same labels')


def differences(methods):
    """Sentences on what differs between results and need not be wrong."""
    known = [r.protocol for r in chain(*methods.values()) if r.protocol]
    codes = {f'{p["code"]["version"]} {(p["code"]["commit"] or "")[:8]}{" with changes" * bool(p["code"]["changed"])}'.strip()
             for p in known}
    if len(codes) > 1:
        yield f'evaluated by different code: {", ".join(sorted(codes))}'
    for name, members in methods.items():
        configs = {r.protocol['config']['hash'] for r in members if r.protocol and r.protocol['config']}
        if len(configs) > 1:
            yield f'{name} is made of results of {len(configs)} different configs'
    for key, what in (('tta', 'test-time flips'), ('selected', 'how the checkpoint was selected')):
        sides = {}
        for name, result in ((name, r) for name, members in methods.items() for r in members):
            facts = (result.protocol or {}).get('checkpoint')
            if facts:
                value = {True: 'with', False: 'without'}.get(facts.get(key), facts.get(key))
                sides.setdefault(value, {})[name] = None
        if len(sides) > 1:
            yield f'results differ in {what}: ' + '; '.join(f'{value}: {", ".join(names)}' for value, names in sides.items())


def _shared(what, sets, common):
    """(what all sets have, warnings)."""
    (first, mine), *others = sets.items()
    shared = {item: value for item, value in mine.items() if all(other.get(item, ...) == value for _, other in others)}
    unlike = next((k for k, other in others if other != mine), None)
    if unlike and not common:
        only = next(x for x in chain(mine, sets[unlike]) if mine.get(x, ...) != sets[unlike].get(x, ...))
        raise UserError(f'results of different {what} cannot be compared: {first} has {len(mine)}, {unlike} {len(sets[unlike])}, '
                        f'and they differ in {only!r}; evaluate them on the same, or give --common-cases')
    if not shared:
        raise UserError(f'the results have no {what} in common; evaluate them on the same test cases')
    sizes = sorted({len(s) for s in sets.values()})
    return shared, [f'ONLY the {len(shared)} {what} that all results have are compared, of {" to ".join(map(str, sizes))}; these '
                    'are not the numbers of the whole test set'] * bool(unlike)


def _of(name, seed):
    return name if seed is None else f'{name} (seed {seed})'


def _plain(setting):
    return ' '.join(f'{k}={v}' for k, v in setting.items()) if isinstance(setting, dict) else repr(setting)

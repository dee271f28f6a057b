"""Splits of cases: folds for cross-validation, shares for training, validation and test, and a labelled fraction.

Patients are dealt out in an order that depends on the seed and their names alone.
"""
from __future__ import annotations

import numpy as np

from scarceseg.registry import UserError
from scarceseg.registry.binding import nearest

from .files import group_channels, list_folder
from .split_lists import read_split


def k_folds(names, *, folds, seed, groups=None):
    """Training and validation names of each fold; every name is validated exactly once.

    The groups are dealt out in an order that depends on the seed and their names alone, so that the folds' numbers of groups
    differ by one at most.

    Args:
        names: of the cases, all different.
        folds: how many, 2 or more.
        seed: of the order.
        groups: for each name what it may not be separated from, such as its patient; None: every case by itself.

    Returns:
        [(training names, validation names)], each in the order of ``names``.

    Raises:
        UserError: fewer groups than folds, fewer than 2 folds, or a name twice.
    """
    names, groups, order = _dealt(names, seed, groups)
    if not 2 <= folds <= len(order):
        raise UserError(f'{_counted(names, groups, order)} cannot be split into {folds} folds; choose a number from 2 to '
                        f'{len(order)}')
    place = {group: i % folds for i, group in enumerate(order)}
    return [tuple([n for n, g in zip(names, groups) if (place[g] == k) == valid] for valid in (False, True)) for k in range(folds)]


def split_cases(names, *, shares, seed, groups=None):
    """Names of each part, whose numbers of groups come as near to the shares as whole numbers can; none is empty.

    Args:
        names, seed, groups: as in ``k_folds``.
        shares: {part: its share}, such as {'train': 0.7, 'valid': 0.1, 'test': 0.2}; together 1.

    Returns:
        {part: names in the order of ``names``}.

    Raises:
        UserError: shares that are not above 0 or not 1 together, fewer groups than parts, or a name twice.
    """
    names, groups, order = _dealt(names, seed, groups)
    if not shares or not all(s > 0 for s in shares.values()) or abs(sum(shares.values()) - 1) > 1e-6:
        raise UserError(f'the shares {_listed(shares)} must be above 0 and 1 together, but make {sum(shares.values()):g}')
    if len(order) < len(shares):
        raise UserError(f'{_counted(names, groups, order)} cannot be split into {len(shares)} parts ({", ".join(shares)}); '
                        'leave a part out')
    ends = np.cumsum(_whole([s * len(order) for s in shares.values()])).tolist()
    place = {group: part for part, end, start in zip(shares, ends, [0, *ends]) for group in order[start:end]}
    return {part: [n for n, g in zip(names, groups) if place[g] == part] for part in shares}


def labeled_share(names, *, share, seed, groups=None):
    """Names whose labels are used, and the others; a larger share holds all of a smaller one.

    Args:
        names, seed, groups: as in ``k_folds``.
        share: of the groups, between 0 and 1; at least one group is labelled and one is not.

    Returns:
        (labelled names, unlabelled names), each in the order of ``names``.

    Raises:
        UserError: a share that is not between 0 and 1, fewer than two groups, or a name twice.
    """
    names, groups, order = _dealt(names, seed, groups)
    if not 0 < share < 1:
        raise UserError(f'the labelled share {share:g} must be between 0 and 1, both excluded')
    if len(order) < 2:
        raise UserError(f'{_counted(names, groups, order)} cannot be split into labelled and unlabelled ones; it takes two')
    labeled = set(order[:min(max(round(share * len(order)), 1), len(order) - 1)])
    return tuple([n for n, g in zip(names, groups) if (g in labeled) == wanted] for wanted in (True, False))


def case_names(folders, suffixes, of=None):
    """Names of the cases in folders, sorted; or those of the split list ``of``, in its order.

    Args:
        suffixes: ends of file names that are no part of a case's name; files with other ends are no cases.

    Raises:
        UserError: there is no case, one is in two folders, or one of the list is not there.
    """
    found = {}
    for folder in folders:
        for name in group_channels(list_folder(folder), suffixes):
            if name in found:
                raise UserError(f'case {name!r} is in two folders, {found[name]} and {folder}; give each folder of images once')
            found[name] = folder
    names = list(found)
    if not names:
        ends = f' whose name ends with {" or ".join(suffixes)}' if any(suffixes) else ''
        raise UserError(f'there is no image{ends} in {", ".join(map(str, folders))}')
    if of is None:
        return sorted(names)
    listed = read_split(of)
    for name in listed:
        if name not in names:
            raise UserError(f'case {name!r}, listed in {of}, has no image in {", ".join(map(str, folders))}'
                            f'{nearest(name, names, numbered=True)}')
    return listed


def fold_lists(folds):
    """``{'fold1_train.txt': names, 'fold1_valid.txt': names, …}`` of what ``k_folds`` gives."""
    return {f'fold{k}_{part}.txt': names for k, pair in enumerate(folds, 1) for part, names in zip(('train', 'valid'), pair)}


def labeled_lists(names, percents, *, seed, groups=None):
    """``{'labeled_10pct.txt': names, 'unlabeled_90pct.txt': names, …}`` for each percentage; see ``labeled_share``."""
    lists = {}
    for percent in percents:
        files = f'labeled_{percent:g}pct.txt', f'unlabeled_{100 - percent:g}pct.txt'
        lists.update(zip(files, labeled_share(names, share=percent / 100, seed=seed, groups=groups)))
    return lists


def _dealt(names, seed, groups):
    """Names, the group of each, and the groups in the order in which they are dealt out."""
    names = list(names)
    groups = names if groups is None else list(groups)
    if seed < 0:
        raise UserError(f'the seed {seed} must not be negative')
    if len(set(names)) < len(names) or len(groups) != len(names):
        raise UserError(f'a split needs different names with a group each; got {len(names)} names, {len(set(names))} of them '
                        f'different, and {len(groups)} groups')
    order = sorted(set(groups))
    return names, groups, [order[k] for k in np.random.default_rng(seed).permutation(len(order))]


def _whole(numbers):
    """Whole numbers with the same sum, 1 or more, each as near as can be to the number given."""
    whole = [int(n + 1e-9) for n in numbers]
    for i in sorted(range(len(numbers)), key=lambda i: whole[i] - numbers[i])[:round(sum(numbers)) - sum(whole)]:
        whole[i] += 1
    while 0 in whole:
        whole[whole.index(max(whole))] -= 1
        whole[whole.index(0)] += 1
    return whole


def _counted(names, groups, order):
    return f'{len(order)} {"cases" if groups is names else "groups of cases"}'


def _listed(shares):
    return ', '.join(f'{part}={share:g}' for part, share in shares.items())

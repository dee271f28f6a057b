"""Splits of cases for cross-validation."""
from __future__ import annotations

from pathlib import Path

import numpy as np

from scarceseg.components.drafts import draft_of
from scarceseg.registry import UserError


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
    names = list(names)
    groups = names if groups is None else list(groups)
    if len(set(names)) < len(names) or len(groups) != len(names):
        raise UserError(f'a split needs different names with a group each; got {len(names)} names, {len(set(names))} of them '
                        f'different, and {len(groups)} groups')
    order = sorted(set(groups))
    if not 2 <= folds <= len(order):
        raise UserError(f'{len(order)} {"cases" if groups is names else "groups of cases"} cannot be split into {folds} folds; '
                        f'choose a number from 2 to {len(order)}')
    place = {order[k]: i % folds for i, k in enumerate(np.random.default_rng(seed).permutation(len(order)))}
    return [tuple([n for n, g in zip(names, groups) if (place[g] == k) == valid] for valid in (False, True)) for k in range(folds)]


def write_folds(folder, folds):
    """Write ``fold1_train.txt``, ``fold1_valid.txt``, …, one name a line, all or none.

    Raises:
        UserError: one of the files is there with another content; a split that results depend on is never replaced.
    """
    lists = {f'fold{k}_{part}.txt': ''.join(f'{n}\n' for n in names)
             for k, pair in enumerate(folds, 1) for part, names in zip(('train', 'valid'), pair)}
    for name, text in lists.items():
        path = Path(folder) / name
        if path.exists() and path.read_bytes() != text.encode():
            raise UserError(f'{path} is there already and names other cases; choose another folder, or remove it')
    for name, text in lists.items():
        with draft_of(Path(folder) / name) as draft:
            draft.write_bytes(text.encode())

"""Split lists for data sets of which no split is published."""
from __future__ import annotations

from ..layouts.splits import labeled_lists, split_cases

SHARES = {'train': 0.7, 'valid': 0.1, 'test': 0.2}
LABELED_PERCENT = 10
ENOUGH = 4  # cases; fewer are not split


def seeded_lists(names, seed):
    """(split lists, facts): train, valid and test, and a tenth of train with labels, every case being another patient."""
    if len(names) < ENOUGH:
        return {'all.txt': list(names)}, {}
    parts = split_cases(names, shares=SHARES, seed=seed)
    lists = {f'{part}.txt': own for part, own in parts.items()}
    lists.update(labeled_lists(parts['train'], [LABELED_PERCENT], seed=seed))
    return lists, {'seed': seed, 'shares': SHARES}

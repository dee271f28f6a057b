"""The folds of a cross-validation as one result: every case is judged once, by the network that was not trained on it."""
from __future__ import annotations

from collections import Counter
from itertools import chain
from pathlib import Path

from scarceseg.components.datasets.layouts.split_lists import split_hash
from scarceseg.components.evaluators import read_csv, summarise, write_csv
from scarceseg.registry import UserError

from ..ensemble import joint_hash
from ..runs import read_json, write_json


def join_folds(results, out):
    """Join the results of folds, as eval.py writes them, into one folder of results.

    Args:
        results: folders with ``cases.csv`` and ``summary.json``.
        out: where both are written; in ``summary.json`` are also the ``folds``, each with what made its predictions.

    Returns:
        (rows, summary).

    Raises:
        UserError: a case is in several folds, or they were evaluated by different metrics or rules.
    """
    tables = [read_csv(Path(folder) / 'cases.csv') for folder in results]
    facts = [read_json(Path(folder) / 'summary.json') for folder in results]
    counts = Counter(chain(*({row['case'] for row in table} for table in tables)))
    twice = [case for case, n in counts.items() if n > 1]
    if twice:
        raise UserError(f'case {twice[0]} is in several of {", ".join(map(str, results))}; in a cross-validation it is in one')
    for folder, table, fact in zip(results, tables, facts):
        if list(table[0]) != list(tables[0][0]) or fact['empty'] != facts[0]['empty']:
            raise UserError(f'{results[0]} and {folder} were evaluated by other metrics or rules; evaluate them alike with eval.py')
    rows = list(chain(*tables))
    summary = summarise(rows)
    write_csv(rows, Path(out) / 'cases.csv')
    folds = [dict(result=str(Path(folder).resolve()), made_by=fact['made_by']) for folder, fact in zip(results, facts)]
    write_json(Path(out) / 'summary.json', dict(
        summary=summary, empty=facts[0]['empty'], made_by=None, note=' '.join(sorted({f['note'] for f in facts if f['note']})),
        predictions=None, folds=folds, protocol=join_protocols([f.get('protocol') for f in facts], list(counts))))
    return rows, summary


def join_protocols(protocols, cases):
    """The protocol of joined folds: a leak of one is a leak of all, and what one does not know nobody knows."""
    if not all(protocols):
        return None
    first, parts = protocols[0], {key: [p[key] for p in protocols] for key in ('training', 'checkpoint')}
    joined = dict(first, cases=dict(count=len(cases), hash=split_hash(cases)), fold=None)
    for key, found in parts.items():
        joined[key] = dict(found[0]) if all(found) else None
    if joined['training']:
        joined['training'].update(count=None, hash=joint_hash([t['hash'] for t in parts['training']]),
                                  shared=sorted(set(chain(*(t['shared'] for t in parts['training'])))))
    if joined['checkpoint']:
        selected = [c['selected_on_test'] for c in parts['checkpoint']]
        joined['checkpoint'].update(sha256=joint_hash([c['sha256'] for c in parts['checkpoint']]),
                                    selected_on_test=None if None in selected else sum(selected))
    return joined

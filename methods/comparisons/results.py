"""Results that eval.py wrote, and which of them are of one method."""
from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from scarceseg.components.evaluators import read_csv
from scarceseg.registry import UserError

from ..evaluation import RESULT
from ..runs import RECORD, read_json
from .protocol import gaps, leaks

TABLE, SUMMARY = 'cases.csv', 'summary.json'


class Result(NamedTuple):
    """What eval.py wrote of one set of predictions.

    Attributes:
        folder: of the results.
        method: its name, given by the user or that of the config it was trained with.
        named: whether it was given.
        rows: of cases and classes.
        empty: rule for classes that are on one side only.
        protocol: see ``protocol_of``; None of a result that was written before there were protocols.
        made_by: the manifest of the predictions, or None.
        note: of eval.py, why the numbers flatter.
    """

    folder: Path
    method: str
    named: bool
    rows: list
    empty: str | None
    protocol: dict | None
    made_by: dict | None
    note: str

    @property
    def seed(self):
        """Of the training; of a result whose user says of which method it is, but nobody which seed, its folder."""
        seed = self._fact('seed')
        return str(self.folder) if seed is None and self.named else seed

    @property
    def fold(self):
        return self._fact('fold')

    @property
    def leaks(self):
        """Clauses that say why its numbers cannot be trusted."""
        if self.protocol is None:
            return ['was judged by the cases its checkpoint was selected on'] if self.note else []
        return leaks(self.protocol)

    @property
    def gaps(self):
        """Clauses that say what is not known of it."""
        return gaps(self.protocol)

    def kind(self):
        """What results of one method have in common, beside its name."""
        facts, config = (self.protocol or {}).get('checkpoint') or {}, (self.protocol or {}).get('config') or {}
        made = self.made_by or {}
        return dict(config=(config.get('hash') or '')[:8], checkpoint=facts.get('name') or Path(made.get('checkpoint', '')).name,
                    iteration=made.get('iteration'), tta='tta' if made.get('tta') else '')

    def _fact(self, key):
        known = (self.protocol or {}).get(key)
        return known if known is not None else _record(self.made_by, self.folder).get(key)


def load_result(path, name=None):
    """The ``Result`` in a folder: of results, of predictions with results below, or of a run, of which it is the newest.

    Args:
        name: of the method; default that of the config of the run, or of the folder.

    Raises:
        UserError: there is no result.
    """
    folder = find_result(path)
    rows, facts = _read_rows(folder / TABLE), _read_facts(folder / SUMMARY)
    protocol, made_by = facts.get('protocol'), facts.get('made_by')
    known = ((protocol or {}).get('config') or {}).get('name') or _record(made_by, folder).get('name')
    method = name or known or (folder.parent.name if folder.name == RESULT else folder.name)
    return Result(folder, method, name is not None, rows, facts.get('empty'), protocol, made_by, facts.get('note') or '')


def _read_rows(path):
    try:
        rows = read_csv(path)
    except UserError:
        raise
    except (ValueError, TypeError) as error:
        raise UserError(f'{path} is damaged ({error}); evaluate again with eval.py') from error
    if not rows or len({(row['case'], row['class']) for row in rows}) < len(rows):
        raise UserError(f'{path} has {"a case and class twice" if rows else "no cases"}; evaluate again with eval.py')
    return rows


def _read_facts(path):
    try:
        facts = read_json(path)
    except (OSError, ValueError):
        facts = None
    if not isinstance(facts, dict) or 'summary' not in facts:
        raise UserError(f'{path} is no summary of results, or damaged; evaluate again with eval.py')
    return facts


def find_result(path):
    """The folder of results that is meant by a folder.

    Raises:
        UserError: there is none.
    """
    path = Path(path)
    path = path.parent if path.name in (TABLE, SUMMARY) else path.resolve() if path == Path('.') else path
    if not path.is_dir():
        raise UserError(f'there is no folder {path}; give a run, or a folder of results that eval.py wrote')
    for pattern in ('', f'{RESULT}/', f'predictions/*/{RESULT}/'):
        found = [p.parent for p in path.glob(f'{pattern}{SUMMARY}') if (p.parent / TABLE).is_file()]
        if found:
            return max(found, key=lambda folder: (folder / SUMMARY).stat().st_mtime)
    raise UserError(f'{path} has no results; predict with test.py and evaluate with eval.py first')


def group_results(results):
    """``{method: [Result]}``: seeds and folds of one config (and checkpoint, flips) together, methods of one name told apart.

    Results that the user gave the same name are one method, whatever they are.

    Raises:
        UserError: a result is there twice, or two have the same seed and fold.
    """
    groups = {}
    for result in results:
        kind = () if result.named else tuple(result.kind().items())
        groups.setdefault((result.method, result.named, kind), []).append(result)
    methods = {}
    for (name, named, kind), members in groups.items():
        rivals = [k for n, _, k in groups if n == name]
        methods[name if len(rivals) == 1 else f'{name} ({_told_apart(dict(kind), rivals, named)})'] = members
    for name, members in methods.items():
        _check_members(name, members)
    return methods


def _told_apart(kind, rivals, named):
    """What tells a group from others of its name."""
    differing = [k for k in kind if len({dict(r).get(k) for r in rivals}) > 1]
    words = {'config': f'config {kind.get("config") or "unknown"}', 'checkpoint': kind.get('checkpoint') or 'unknown checkpoint',
             'iteration': f'iteration {kind.get("iteration") or "unknown"}', 'tta': kind.get('tta') or 'no tta'}
    return 'named' if named else ', '.join(words[k] for k in differing)


def _check_members(name, members):
    seen = {}
    for result in members:
        same = seen.setdefault((result.seed, result.fold), result)
        if same is not result and same.folder.resolve() == result.folder.resolve():
            raise UserError(f'{result.folder} is given twice; give each result once')
        if same is not result:
            which = f'seed {result.seed}' + (f' of fold {result.fold}' if result.fold is not None else '')
            raise UserError(f'method {name} has {which} twice, in {same.folder} and in {result.folder}; leave one out, or name '
                            'them apart: NAME=PATH')


def _record(made_by, folder):
    """run.json of the run that predicted, where it is still there or was moved with its predictions; else {}."""
    runs = [Path(made_by['run'])] if made_by else []
    for run in (*runs, *folder.resolve().parents[2:3]):
        if (run / RECORD).is_file():
            return read_json(run / RECORD)
    return {}

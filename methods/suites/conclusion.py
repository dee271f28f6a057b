"""What came out of a suite: folds joined, methods compared."""
from __future__ import annotations

from scarceseg.components.drafts import draft_of
from scarceseg.components.evaluators import terminal_table, write_csv
from scarceseg.registry import UserError

from ..runs import read_json
from .folds import join_folds
from .progress import title


def conclude(plan):
    """Join the folds that are complete and compare all that is done; writes ``comparison.md``, ``.tex`` and ``.csv``.

    Returns:
        The table, or, where the results cannot be compared, why and the table of each; whether there is a comparison; and lines
        that are to be said beside it.
    """
    results, said, joined = [], [], []
    for key, tasks in plan.joined.items():
        found = [plan.result(task) for task in tasks]
        complete, joined = None not in found, joined + [task.key for task in tasks]
        results += [(task, folder if complete else None) for task, folder in zip(tasks, found)]
        if complete:
            out = plan.folder / 'folds' / key
            join_folds(found, out)
            runs = ' '.join(str(task.runs[0]) for task in tasks)
            said += [f'{tasks[0].name}, seed {tasks[0].seed}, {len(tasks)} folds as one: {out}',
                     f'their ensemble: python tools/test.py {runs} --images DIR']
    results += [(task, plan.result(task)) for task in [*plan.tasks, *plan.ensembles] if task.judged and task.key not in joined]
    lacking = [title(task) for task, folder in results if folder is None]
    there = [(task, folder) for task, folder in results if folder is not None]
    said = [f'without {"; ".join(lacking)}'] * bool(lacking) + said
    return (*compared(plan, there), said) if there else ('nothing is evaluated yet', False, said)


def compared(plan, results):
    """The comparison of [(task, folder of results)] as text, and whether there is one."""
    from ..comparisons.comparison import compare, load_result
    names = {task.name for task, _ in results}
    try:
        table = compare([load_result(folder, name=task.name) for task, folder in results],
                        baseline=plan.suite.baseline if plan.suite.baseline in names else None)
    except UserError as error:
        each = [f'{title(task)}\n{terminal_table(read_json(folder / "summary.json")["summary"])}' for task, folder in results]
        return '\n\n'.join([f'not compared: {error}', *each]), False
    for name, text in (('comparison.md', table.markdown()), ('comparison.tex', table.latex())):
        with draft_of(plan.folder / name) as draft:
            draft.write_text(text + '\n', encoding='utf-8')
    write_csv(table.csv_rows(), plan.folder / 'comparison.csv')
    return table.terminal(), True

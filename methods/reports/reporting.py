"""The report of a run: its facts are gathered from its folder, whatever of it there is yet, and written as one page."""
from __future__ import annotations

import logging
import shlex
import time
from pathlib import Path

import numpy as np

from scarceseg.components.drafts import draft_of
from scarceseg.components.evaluators import describe, read_csv
from scarceseg.components.evaluators.tables import metric_columns
from scarceseg.registry import UserError

from ..evaluation import RunCases, read_prob, with_prediction
from ..prediction import PROB
from ..runs import CONFIG, RECORD, find_run, load_run_config, read_json, versions
from ..visual import FILE, read_curves
from .judged import NOTHING, choose, find_judged, leaks
from .reproducing import commands, files
from .run_facts import (
    about_facts,
    checkpoint_facts,
    duration,
    environment_facts,
    network_table,
    part_table,
    protocol_facts,
    timing_facts,
)

REPORT = 'report.html'
logger = logging.getLogger(__name__)


def write_report(run, *, predictions=None, data=None):
    """Write ``RUN/report.html``.

    Args:
        run: a run folder, trained to the end or not.
        predictions: which predictions or results below the run are shown at length; default the newest that were evaluated, else
            the newest.
        data: folder that data paths are relative to; see ``use_data_root``.

    Returns:
        The page's path.

    Raises:
        UserError: the folder is no run, or ``predictions`` are none of its predictions.
    """
    from scarceseg.components.evaluators.report import report_page  # matplotlib takes a while to import
    path = find_run(run) / REPORT
    page = report_page(collect(run, predictions=predictions, data=data))
    with draft_of(path) as draft:
        draft.write_bytes(page.encode('utf-8', 'replace'))  # a file's name may hold what UTF-8 does not
    return path


def refresh_report(folder, *, data=None):
    """Write the report of the run that ``folder`` is or lies in; whatever goes wrong is one line in the log, never an error.

    Where there are results in ``folder``, they are those that are shown at length.

    Returns:
        The page's path, or None where there is no run or no report.
    """
    folder = Path(folder).absolute()
    run = next((f for f in (folder, *folder.parents) if (f / RECORD).is_file()), None)
    if run is None:
        return None
    try:
        run = run.relative_to(Path.cwd()) if run.is_relative_to(Path.cwd()) else run
        return write_report(run, predictions=folder if (folder / 'summary.json').is_file() else None, data=data)
    except Exception as error:  # a report is no reason for a training or an evaluation to fail
        logger.warning('no report of %s was written: %s: %s', run, type(error).__name__, ' '.join(str(error).split()))
        return None


def collect(run, *, predictions=None, data=None):
    """The facts of a run for ``report_page``; what is missing or cannot be read is left out, and said.

    Args, Raises: see ``write_report``.
    """
    run = find_run(run)
    alerts = []
    record = _or_alert(alerts, lambda: read_json(run / RECORD), f'{RECORD} cannot be read') or {}
    config = _or_alert(alerts, lambda: load_run_config(run), 'the config of the run cannot be read')
    curves = _or_alert(alerts, lambda: read_curves(run / FILE) if (run / FILE).is_file() else {}, 'the curves cannot be read') or {}
    members = find_judged(run)
    chosen = choose(members, predictions, run)
    done = record.get('iterations') or max((points[-1][0] for points in curves.values()), default=0)
    alerts = [*_alerts(record, chosen, done, run), *alerts]
    result = None
    if chosen.results:
        result = _or_alert(alerts, lambda: collect_result(chosen, config, data), 'the results cannot be read')
    said = [record.get('started', '').replace('T', ' '), *([] if config is None else [f'method {config.model.method.type}'])]
    return dict(
        title=run.resolve().name, subtitle=' · '.join(filter(None, ['A training of scarceseg', *said, record.get('status')])),
        alerts=alerts, tiles=_tiles(result, done, curves), result=result, curves=curves, about=about_facts(record, config, done),
        networks=network_table(record, config), parts=part_table(record, config, chosen.manifest),
        checkpoint=[*checkpoint_facts(record, config, chosen.manifest, curves), *protocol_facts(chosen.summary)],
        others=_others([m for m in members if m is not chosen], run), timing=timing_facts(record, curves, chosen.manifest),
        environment=environment_facts(record),
        commands=commands(run, record, config, chosen), files=files(run, chosen),
        config=(run / CONFIG).read_text(encoding='utf-8', errors='replace') if (run / CONFIG).is_file() else '',
        footer=f'Written by scarceseg {versions()["scarceseg"]} on {time.strftime("%Y-%m-%d %H:%M")}. This page needs no network '
               'and no other file. Where it shows images of cases, treat it as you treat those.')


def collect_result(chosen, config, data):
    """The results of predictions for ``report_page``, with pictures where images, labels and predictions are there to draw them."""
    rows = read_csv(chosen.results / 'cases.csv')
    names = tuple(config.classes) if config is not None else ('background', *dict.fromkeys(row['class'] for row in rows))
    result = dict(rows=rows, summary=chosen.summary['summary'], class_names=names, panels=[], without_pictures='',
                  has_background=config.get('has_background', True) if config is not None else True)
    if chosen.predictions is None or not chosen.manifest or chosen.manifest.get('images') or not metric_columns(rows):
        return dict(result, without_pictures='No pictures: the predictions are gone, or are not of the test cases of this run.')
    try:
        result['panels'] = case_panels(RunCases(chosen.predictions, data=data), rows)
    except (UserError, OSError) as error:
        result['without_pictures'] = f'No pictures: {error}'
    return result


def case_panels(cases, rows):
    """The best, the median and the worst case as ``case_pictures`` takes them."""
    from scarceseg.components.evaluators import figures
    panels = []
    for role, name in figures.pick_cases(rows).items():
        title = figures.panel_title(role.capitalize(), [row for row in rows if row['case'] == name]).replace('   ', ' · ')
        sample = with_prediction(cases, name, image=True)
        if (Path(cases.folder) / f'{name}{PROB}.nii.gz').is_file():
            sample['uncertainty'] = entropy(read_prob(cases, name, sample['label'].shape))
            sample['uncertainty_name'] = 'entropy of the probabilities'
        panels.append({'image': np.zeros((1, *sample['label'].shape), np.float32), **sample, 'title': title, 'case': name})
    return panels


def entropy(prob):
    """The entropy of probabilities (K, *space), as a share of the most that K classes can have: (*space) in [0, 1]."""
    prob = np.clip(prob, 1e-12, 1)
    return -(prob * np.log(prob)).sum(0) / np.log(len(prob))


def _alerts(record, chosen, done, run):
    """[(level, sentence)] of what a reader must know before the numbers."""
    yield from (('LEAK', sentence) for sentence in leaks(chosen))
    if record.get('status') != 'finished':
        yield 'warning', f'the training has not finished; {done} iterations were logged.'
    manifest = chosen.manifest
    if chosen is NOTHING:
        yield 'note', f'nothing was predicted yet: python tools/test.py {shlex.quote(str(run))} --tta'
    elif chosen.results is None and not manifest.get('images'):
        yield 'note', f'the predictions were not evaluated yet: python tools/eval.py {shlex.quote(str(chosen.predictions))}'
    if others := len(manifest.get('ensemble', ())):
        yield 'note', f'these predictions are the mean of {others} runs; this one is the first of them.'
    if failed := manifest.get('failed'):
        these, are = ('1 case', 'is') if len(failed) == 1 else (f'{len(failed)} cases', 'are')
        names = ', '.join([*failed[:5], *['…'] * (len(failed) > 5)])
        yield 'warning', f'{these} could not be predicted and {are} in no number: {names}'
    if done and manifest.get('checkpoint', '').endswith('last.pth') and (manifest.get('iteration') or done) < done:
        yield 'warning', f'these predictions are of iteration {manifest["iteration"]}, but the run has {done} by now.'


def _tiles(result, done, curves):
    seconds = [value for _, value in curves.get('train/time', ()) if np.isfinite(value)]
    tiles = [(str(len({row['case'] for row in result['rows']})), 'cases')] if result else []
    tiles += [(f'{done:,}'.replace(',', '\u202f'), 'iterations')] if done else []
    return tiles + ([(duration(np.mean(seconds) * curves['train/time'][-1][0]), 'of training')] if seconds else [])


def _others(members, run):
    """(header, rows) of the predictions that are not shown at length, with the mean of their first metric."""
    rows = []
    for m in members:
        mean, folder = m.summary.get('summary', {}).get('mean', {}), m.results or m.predictions
        metric = next((key for key in mean if key not in ('cases', 'states')), None)
        said = f'{describe(metric).title} {describe(metric).scale * mean[metric]["mean"]:.2f}' if metric else 'not evaluated'
        said += ' (LEAK)' if leaks(m) else ''
        rows.append([str(folder.relative_to(run)) if folder.is_relative_to(run) else str(folder),
                     len(m.manifest.get('cases', ())) or '–', said, time.strftime('%Y-%m-%d %H:%M', time.localtime(m.changed))])
    return ['folder', 'cases', 'mean', 'changed'], rows


def _or_alert(alerts, read, what):
    """What ``read`` returns, or None and an alert."""
    try:
        return read()
    except (UserError, OSError, ValueError, KeyError) as error:
        alerts.append(('warning', f'{what}: {error}'))
        return None

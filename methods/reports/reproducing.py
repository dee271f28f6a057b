"""The commands that make a run, its predictions and its results again, and the files they left."""
from __future__ import annotations

import os
import shlex
from pathlib import Path
from urllib.parse import quote

from scarceseg.registry.paths import data_root

from ..evaluation import RESULT
from ..hooks import BEST, LAST
from ..prediction import MANIFEST, PROB
from ..runs import CONFIG, LOG, RECORD
from ..visual import FILE

SAID = {CONFIG: 'the whole config', RECORD: 'seed, versions, what was noted', LOG: 'the log',
        FILE: 'losses, learning rate, validation', 'curves.png': 'the same as a picture',
        LAST: 'weights, and all that resuming needs', BEST: 'weights of the best validation'}
RESULTS = {'cases.csv': 'results per case and class', 'summary.json': 'their summary', 'cases.png': 'best, median and worst case'}


def commands(run, record, config, chosen):
    """``[(what for, command)]`` that make all of it again."""
    lines = [('Train', _train(run, record, config))]
    if record.get('options') is not None:
        lines.append(('Train, by the run\'s own copy of the config', _own_copy(run)))
    if chosen.manifest and chosen.predictions:
        lines.append(('Predict', _test(run, chosen.manifest, chosen.predictions)))
    if chosen.results:
        lines.append(('Evaluate', _eval(chosen)))
    return [*lines, ('This page', _line('tools/report.py', run))]


def _train(run, record, config):
    """By the command line as it was; a run that did not note what that changed is made again from its own copy of the config."""
    options = record.get('options')
    if options is None:
        return _own_copy(run)
    root = data_root(config) if config is not None else None
    seed = [] if record.get('seed') is None else ['--seed', record['seed']]
    changed = [f'{key}={value}' for key, value in options.items()]
    return _line('tools/train.py', record['config'], *(['--data', root] if root else []), *seed,
                 *(['--cfg-options', *changed] if changed else []))


def _own_copy(run):
    return _line('tools/train.py', run / CONFIG, '--work-dir', f'{run}-again')


def _test(run, manifest, predictions):
    name = Path(manifest['checkpoint']).name
    which = {LAST: [], BEST: ['--checkpoint', 'best']}.get(name, ['--checkpoint', manifest['checkpoint']])
    images = ['--images', manifest['images']] if manifest.get('images') else []
    usual = predictions.resolve().parent == (run / 'predictions').resolve()
    prob = ['--save-prob'] if next(predictions.glob(f'*{PROB}.nii.gz'), None) else []
    others = [one['run'] for one in manifest.get('ensemble', ())[1:]]  # the first is this run
    return _line('tools/test.py', run, *others, *which, *['--tta'] * bool(manifest.get('tta')), *images, *prob,
                 *([] if usual else ['--out', predictions]))


def _eval(chosen):
    summary = chosen.summary
    usual = chosen.predictions and chosen.results.resolve() == (chosen.predictions / RESULT).resolve()
    metrics = [_metric(m) for m in summary.get('metrics', ())]
    fused = [f'{name}={",".join(map(str, classes))}' for name, classes in (summary.get('fused') or {}).items()]
    worst = ['--empty', summary['empty']] if summary.get('empty', 'skip') != 'skip' else []
    return _line('tools/eval.py', chosen.predictions or summary.get('predictions', 'PRED'), *([] if chosen.manifest else ['GT']),
                 *worst, *([] if usual else ['--out', chosen.results]), *(['--fuse', *fused] if fused else []),
                 *(['--metrics', *metrics] if metrics else []))


def _metric(metric):
    """'surface_dice:tolerance=2' of a metric as ``evaluate`` takes it."""
    if isinstance(metric, str):
        return metric
    return ':'.join([metric['type'], *(f'{key}={value}' for key, value in metric.items() if key != 'type')])


def _line(*words):
    return shlex.join(['python', *map(str, words)])


def files(run, chosen):
    """``[(URL, path, what)]`` of the files of a run, relative to its folder; those elsewhere are left out."""
    found = [(run / name, said) for name, said in SAID.items()]
    if chosen.predictions:
        found.append((chosen.predictions / MANIFEST, 'what made the predictions beside it'))
    if chosen.results:
        found += [(chosen.results / name, said) for name, said in RESULTS.items()]
    inside = [(path, said) for path, said in found if path.is_file() and path.resolve().is_relative_to(run.resolve())]
    found = [(os.path.relpath(path, run), said) for path, said in inside]
    return [(quote(Path(path).as_posix()), Path(path).as_posix(), said) for path, said in found]

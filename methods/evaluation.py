"""Predictions against labels: rows, summary and pictures."""
from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import numpy as np

from scarceseg.components.datasets import check_same_grid, load_image
from scarceseg.components.datasets.layouts.files import list_folder
from scarceseg.components.evaluators import DEFAULT, check_metrics, evaluate_cases, make_measures, summarise, write_csv
from scarceseg.registry import UserError

from .comparisons.protocol import protocol_of
from .prediction import MANIFEST, PROB, test_cases
from .runs import load_run_config, read_json, tests_on_validation, write_json

RESULT = 'evaluation'


def newest_predictions(root='work_dirs'):
    """The newest prediction folder under ``root`` whose cases have labels.

    Raises:
        UserError: there is none.
    """
    found = [p for p in Path(root).glob(f'*/predictions/*/{MANIFEST}') if not read_json(p)['images']]
    if not found:
        raise UserError(f'there are no predictions under {Path(root).resolve()}; run tools/test.py first, or name two folders')
    return max(found, key=lambda p: p.stat().st_mtime).parent


class RunCases:
    """Labels from the test cases of the run that made the predictions.

    Raises:
        UserError: the folder was not written by test.py, or its cases have no labels.
    """

    def __init__(self, predictions, data=None):
        if not (predictions / MANIFEST).is_file():
            raise UserError(f'{predictions} is no folder of predictions that test.py wrote; to compare any two folders give both: '
                            'eval.py PRED GT')
        manifest = read_json(predictions / MANIFEST)
        if manifest['images']:
            raise UserError(f'{predictions} are predictions of {manifest["images"]}, which has no labels; give a folder of labels: '
                            'eval.py PRED GT')
        run = manifest['run'] if Path(manifest['run']).is_dir() else predictions.resolve().parents[1]  # where the run was moved
        config = self.config = load_run_config(run)
        self.cases, self.class_names = test_cases(config, data=data), tuple(config.classes)
        self.has_background, self.metrics = config.get('has_background', True), config.get('metrics', DEFAULT)
        self.fused = config.get('fused')
        self.folder, self.names, self.manifest = predictions, manifest['cases'], manifest
        self.files = list_folder(predictions, skip=PROB)
        self._index = {name: i for i, name in enumerate(self.cases.names)}

    def sample(self, name, *, image=False):
        """``label`` and ``geometry`` of a case, and its ``image`` and ``spacing_mm`` if asked for."""
        if name not in self._index:
            raise UserError(f'case {name} was predicted, but is none of the test cases any more; predict again with test.py')
        i = self._index[name]
        sample = self.cases[i] if image or not hasattr(self.cases, 'label') else self.cases.label(i)
        if 'label' not in sample:
            raise UserError(f'case {name} has no label in the test cases of the run; give a folder of labels: eval.py PRED GT')
        return sample

    def to_classes(self, prediction, what):
        """A prediction's values as class indices."""
        values = getattr(self.cases, 'values', None)
        return prediction if values is None else values.to_classes(prediction, what)

    def note(self):
        """How the checkpoint was chosen, in a sentence, where that matters for trust in the numbers; else nothing."""
        if Path(self.manifest['checkpoint']).name == 'best.pth' and tests_on_validation(self.config):
            return 'best.pth was selected on these very cases: the numbers flatter. Use --checkpoint last, or other test cases.'
        return ''


class FolderCases:
    """Labels from a folder, with the file names of the predictions; 255 in a label means "not annotated".

    Raises:
        UserError: a prediction without label, or none at all.
    """

    def __init__(self, predictions, labels, class_names=None):
        self.folder, self.manifest, self.has_background, self.metrics, self.fused = Path(predictions), None, True, DEFAULT, None
        self.files, self._labels = list_folder(self.folder, skip=PROB), list_folder(labels)
        results = ('cases',) if (self.folder / 'summary.json').is_file() else ()  # our picture, where --out is the folder itself
        self.names = [n for n in self.files if n not in results]
        missing = [n for n in self.names if n not in self._labels]
        if missing or not self.names:
            raise UserError(f'{self.folder} has {len(self.names)} predictions, {len(missing)} of them without a label in {labels}'
                            f'{": " + ", ".join(missing[:3]) if missing else ""}; labels have the file names of the predictions')
        self.class_names = tuple(class_names or self._count_classes())

    def sample(self, name, *, image=False):
        label, geometry = load_image(self._labels[name], label=True)
        return dict(label=label, spacing_mm=geometry.spacing_mm, geometry=geometry, label_file=self._labels[name])

    def to_classes(self, prediction, what):
        return prediction

    def note(self):
        return ''

    def _count_classes(self):
        """Numbers as names, up to the largest value in any label."""
        largest = max(int(label[label != 255].max(initial=1)) for label in (self.sample(n)['label'] for n in self.names))
        return ('background', *(f'class {k}' for k in range(1, largest + 1)))


def read_pair(cases, name, *, prob=False):
    """``label``, ``prediction``, ``spacing_mm`` and, if asked for, ``prob`` of a case, for ``evaluate_case``."""
    sample = with_prediction(cases, name)
    pair = {key: sample[key] for key in ('label', 'prediction', 'spacing_mm')}
    return dict(pair, prob=read_prob(cases, name, sample['label'].shape)) if prob else pair


def read_prob(cases, name, space):
    """Probabilities (K, *space) of a case, as test.py writes them beside its predictions."""
    file = Path(cases.folder) / f'{name}{PROB}.nii.gz'
    if not file.is_file():
        raise UserError(f'case {name} has no probabilities {file}, which calibration needs; predict with test.py --save-prob')
    prob = load_image(file)[0]
    return prob.reshape(len(prob), *space) if prob[0].size == np.prod(space) else prob


def with_prediction(cases, name, *, image=False):
    """The sample of a case with its ``prediction`` (*space) as class indices."""
    sample = cases.sample(name, image=image)
    if name not in cases.files:
        raise UserError(f'case {name} has no prediction in {cases.folder}; predict again with test.py')
    prediction, grid = load_image(cases.files[name], label=True)
    check_same_grid(grid, sample['geometry'], f'case {name}: the prediction and the label')
    prediction = cases.to_classes(prediction, f'case {name}: the prediction {cases.files[name]}')
    return {'spacing_mm': grid.spacing_mm, **sample, 'prediction': prediction}  # our predictions have the spacing of the image


def evaluate(cases, *, out=None, metrics=None, fused=None, empty='skip', processes=None):
    """Evaluate cases and write ``cases.csv``, ``summary.json`` and ``cases.png``.

    Args:
        cases: ``RunCases`` or ``FolderCases``.
        out: folder of the results; default ``evaluation`` beside the predictions.
        metrics: see ``evaluate_case``; default those of the run's config (``metrics``), else Dice, HD95 and ASSD.
        fused: classes taken as one, see ``evaluate_case``; default those of the run's config (``fused``).
        empty: what a distance is where a class is on one side only, see ``evaluate_case``.
        processes: how many evaluate at once; default one per core.

    Returns:
        (rows, summary, out).
    """
    metrics, out = tuple(metrics or cases.metrics), Path(out or cases.folder / RESULT)
    check_metrics(metrics, empty=empty)
    prob = any(m.traits.needs_prob for m in make_measures(metrics))
    if (out / 'cases.csv').exists() and not (out / 'summary.json').exists():
        raise UserError(f'{out} already holds a cases.csv that is none of ours; choose another --out')
    out.mkdir(parents=True, exist_ok=True)
    rows = evaluate_cases(cases.names, partial(read_pair, cases, prob=prob), class_names=cases.class_names, metrics=metrics,
                          has_background=cases.has_background, fused=fused or cases.fused, empty=empty,
                          processes=processes or os.cpu_count())
    summary = summarise(rows)
    write_csv(rows, out / 'cases.csv')
    write_json(out / 'summary.json', dict(summary=summary, metrics=metrics, fused=fused or cases.fused, empty=empty,
                                          made_by=cases.manifest, note=cases.note(), predictions=str(Path(cases.folder).resolve()),
                                          protocol=protocol_of(cases, metrics)))
    draw_cases(cases, rows, out / 'cases.png')
    return rows, summary, out


def draw_cases(cases, rows, path):
    """The best, the median and the worst case as a picture."""
    from scarceseg.components.evaluators import figures  # matplotlib takes a while to import
    panels = []
    for role, name in figures.pick_cases(rows).items():
        sample = with_prediction(cases, name, image=True)
        title = figures.panel_title(role, [r for r in rows if r['case'] == name])
        panels.append({'image': np.zeros((1, *sample['label'].shape), np.float32), **sample, 'title': title})
    figures.case_figure(panels, path, class_names=cases.class_names, has_background=cases.has_background)

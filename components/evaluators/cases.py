"""From a case's label and prediction to the rows of a table, one per class that is no background."""
from __future__ import annotations

import functools
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from scarceseg.components.labels import IGNORE
from scarceseg.registry.binding import nearest
from scarceseg.registry.errors import UserError

from .overlap import (
    check_same_shape,
    confusion,
    dice_from_confusion,
    fuse,
    iou_from_confusion,
    precision_from_confusion,
    sensitivity_from_confusion,
)
from .surface import assd, bounding_box, check_spacing, hausdorff, surface_distances

OVERLAP = {'dice': dice_from_confusion, 'iou': iou_from_confusion, 'sensitivity': sensitivity_from_confusion,
           'precision': precision_from_confusion}
SURFACE = {'hd95': hausdorff, 'assd': assd}
METRICS = ('dice', 'hd95', 'assd')


def evaluate_case(label, prediction, spacing_mm, *, class_names, metrics=METRICS, has_background=True, fused=None, case=''):
    """Metrics of each foreground class of one case.

    Where a class is on one side only, Dice is 0 and there is no distance (NaN): none is made up. Where it is on neither
    side nothing can be said, and all is NaN. Voxels without annotation are of no class on both sides.

    Args:
        label: (*space) class indices, 255 where not annotated.
        prediction: (*space) class indices.
        spacing_mm: voxel size in the order of space; None gives distances in voxels.
        class_names: names of all classes, background first.
        has_background: whether class 0 is background, of which nothing is said; else it is a class like the others.
        metrics: any of dice, iou, sensitivity, precision, hd95, assd.
        fused: {name: indices of classes taken as one}, such as {'whole heart': (1, 2, 3)}; their rows come last.
        case: name of the case, for the rows and for errors.

    Returns:
        One dict per class: ``case``, ``class``, the metrics (``dice``, ``hd95_mm`` or ``hd95_voxel``, …), ``state``
        ('both', 'label_empty', 'prediction_empty' or 'both_empty'), ``label_voxels``, ``prediction_voxels``, and
        ``fused`` (1 for several classes taken as one, else 0).

    Raises:
        UserError: the shapes differ, the spacing does not fit, a value is no class, or a metric is unknown.
    """
    label, prediction = np.asarray(label), np.asarray(prediction)
    check_same_shape(label, prediction, case=case)
    check_spacing(spacing_mm, label.shape)
    groups = _groups(class_names, fused, first=int(has_background))
    check_metrics(metrics)
    label, prediction = _comparable(label, prediction, has_background)
    try:
        counts = confusion(label, prediction, num_classes=len(class_names))
    except UserError as error:
        raise UserError(f'case {case}: {error}' if case else str(error)) from error
    rows = []
    for name, classes in groups.items():
        masks = [functools.reduce(np.logical_or, [side == c for c in classes]) for side in (label, prediction)]
        values, state = _measure(masks, fuse(counts, classes), spacing_mm, metrics)
        voxels = [int(np.count_nonzero(m)) for m in masks]
        rows.append({'case': case, 'class': name, **values, 'state': state, 'label_voxels': voxels[0],
                     'prediction_voxels': voxels[1], 'fused': int(len(classes) > 1)})
    return rows


def evaluate_cases(names, load, *, class_names, metrics=METRICS, has_background=True, fused=None, processes=1):
    """``evaluate_case`` of many cases, in parallel processes.

    Args:
        names: names of the cases.
        load: ``load(name) -> (label, prediction, spacing_mm)``, called where the case is evaluated. With several
            processes it must be picklable: a function of a module, or a ``functools.partial`` of one.
        class_names, metrics, has_background, fused: as in ``evaluate_case``.
        processes: how many work at once.

    Returns:
        The rows of all cases in the order of ``names``.

    Raises:
        UserError: as ``evaluate_case``, for the first case in order that fails.
    """
    names = list(names)
    job = functools.partial(_load_and_evaluate, load=load, class_names=class_names, metrics=metrics,
                            has_background=has_background, fused=fused)
    processes = min(processes, len(names))
    if processes <= 1:
        return [row for name in names for row in job(name)]
    with ProcessPoolExecutor(processes) as pool:
        return [row for rows in pool.map(job, names, chunksize=max(1, len(names) // (4 * processes))) for row in rows]


def _load_and_evaluate(name, *, load, **settings):
    label, prediction, spacing_mm = load(name)
    return evaluate_case(label, prediction, spacing_mm, case=name, **settings)


def _measure(masks, counts, spacing_mm, metrics):
    """The metrics of one class, whose counts (2, 2) have it second, and which side it is on."""
    in_label, in_prediction = counts[1].sum() > 0, counts[:, 1].sum() > 0
    state = {(True, True): 'both', (False, True): 'label_empty', (True, False): 'prediction_empty',
             (False, False): 'both_empty'}[bool(in_label), bool(in_prediction)]
    distances = None
    if state == 'both' and any(m in SURFACE for m in metrics):
        distances = surface_distances(*masks, spacing_mm)
    values = {}
    for metric in metrics:
        if metric in OVERLAP:
            values[metric] = float(OVERLAP[metric](counts)[1])
        else:
            unit = 'voxel' if spacing_mm is None else 'mm'
            values[f'{metric}_{unit}'] = float('nan') if distances is None else SURFACE[metric](distances)
    return values, state


def _comparable(label, prediction, has_background):
    """Both sides with one value where the label says nothing, and on the box of all foreground where there is a background:
    outside it nothing changes a foreground class."""
    ignored = label == IGNORE
    if not has_background:
        return label, np.where(ignored, label, prediction) if ignored.any() else prediction
    if ignored.any():
        label, prediction = np.where(ignored, 0, label), np.where(ignored, 0, prediction)
    box = bounding_box((label != 0) | (prediction != 0))
    return label[box], prediction[box]


def _groups(class_names, fused, *, first):
    groups = {name: (index,) for index, name in enumerate(class_names) if index >= first}
    if len(groups) != len(class_names) - first:
        raise UserError(f'the class names {", ".join(class_names)} are not all different; rename those that are alike')
    for name, classes in (fused or {}).items():
        classes = tuple(sorted(set(classes)))
        if len(classes) < 2 or not all(first <= c < len(class_names) for c in classes) or name in groups:
            raise UserError(f'the fused class {name!r} is made of {classes}; give it a name of its own and two or more '
                            f'indices from {first} to {len(class_names) - 1}')
        groups[name] = classes
    return groups


def check_metrics(metrics):
    """Raise UserError where a metric is unknown."""
    known = [*OVERLAP, *SURFACE]
    for metric in metrics:
        if metric not in known:
            raise UserError(f'no metric is called {metric!r}{nearest(metric, known)}; known: {", ".join(known)}')

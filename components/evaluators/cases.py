"""From a case's label and prediction to the rows of a table, one per class that is no background."""
from __future__ import annotations

import functools
from concurrent.futures import ProcessPoolExecutor

from scarceseg.registry.errors import UserError

from .measuring import DEFAULT, make_measures
from .pairs import CasePair

EMPTY = ('skip', 'worst')  # what a distance is where a class is on one side only: none, or the image's diagonal


def evaluate_case(label, prediction, spacing_mm, *, class_names, metrics=DEFAULT, has_background=True, fused=None, case='',
                  prob=None, empty='skip'):
    """Metrics of each foreground class of one case.

    Where a class is on one side only, Dice is 0 and there is no distance (NaN): none is made up, unless ``empty`` says so. Where
    it is on neither side nothing can be said, and all is NaN. Voxels without annotation are of no class on both sides.

    Args:
        label: (*space) class indices, 255 where not annotated.
        prediction: (*space) class indices.
        spacing_mm: voxel size in the order of space; None gives distances in voxels.
        class_names: names of all classes, background first.
        metrics: names on the shelf METRICS, or configs of them, such as dict(type='surface_dice', tolerance=2).
        has_background: whether class 0 is background, of which nothing is said; else it is a class like the others.
        fused: {name: indices of classes taken as one}, such as {'whole heart': (1, 2, 3)}; their rows come last.
        case: name of the case, for the rows and for errors.
        prob: (K, *space) predicted probabilities, which calibration needs.
        empty: 'skip', or 'worst': a distance of a class that is on one side only is the image's diagonal.

    Returns:
        One dict per class: ``case``, ``class``, the metrics (``dice``, ``hd95_mm`` or ``hd95_voxel``, …), ``state``
        ('both', 'label_empty', 'prediction_empty' or 'both_empty'), ``label_voxels``, ``prediction_voxels``, and
        ``fused`` (1 for several classes taken as one, else 0).

    Raises:
        UserError: the shapes differ, the spacing does not fit, a value is no class, or a metric is unknown.
    """
    groups = _groups(class_names, fused, first=int(has_background))
    check_metrics(metrics, empty=empty)
    measures, rows = make_measures(metrics), []
    try:
        pair = CasePair(label, prediction, spacing_mm, num_classes=len(class_names), has_background=has_background, prob=prob)
        for name, classes in groups.items():
            c = pair.of(classes)
            rows.append({'case': case, 'class': name, **{m.column(spacing_mm): _value(m, c, empty) for m in measures},
                         'state': c.state, 'label_voxels': c.label_voxels, 'prediction_voxels': c.prediction_voxels,
                         'fused': int(len(classes) > 1)})
    except UserError as error:
        raise UserError(f'case {case}: {error}' if case else str(error)) from error
    return rows


def evaluate_cases(names, load, *, processes=1, **settings):
    """``evaluate_case`` of many cases, in parallel processes.

    Args:
        names: names of the cases.
        load: ``load(name) -> dict`` of ``label``, ``prediction``, ``spacing_mm`` and perhaps ``prob``, called where the case is
            evaluated. With several processes it must be picklable: a function of a module, or a ``functools.partial`` of one.
        processes: how many work at once.
        settings: of ``evaluate_case``.

    Returns:
        The rows of all cases in the order of ``names``.

    Raises:
        UserError: as ``evaluate_case``, for the first case in order that fails.
    """
    names = list(names)
    job = functools.partial(_load_and_evaluate, load=load, **settings)
    processes = min(processes, len(names))
    if processes <= 1:
        return [row for name in names for row in job(name)]
    with ProcessPoolExecutor(processes) as pool:
        return [row for rows in pool.map(job, names, chunksize=max(1, len(names) // (4 * processes))) for row in rows]


def _load_and_evaluate(name, *, load, **settings):
    return evaluate_case(**load(name), case=name, **settings)


def _value(measure, comparison, empty):
    value = float(measure.function(comparison))
    one_sided = comparison.state in ('label_empty', 'prediction_empty')
    return comparison.pair.diagonal if empty == 'worst' and one_sided and measure.traits.kind == 'length' else value


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


def check_metrics(metrics, *, empty='skip'):
    """Raise UserError where a metric, or the rule for empty masks, is unknown."""
    make_measures(metrics)
    if empty not in EMPTY:
        raise UserError(f'empty={empty!r} is no rule for classes that are on one side only; known: {", ".join(EMPTY)}')

"""Annotation that was left out: slices, and whole classes."""
from __future__ import annotations

import numpy as np

from scarceseg.components.labels import IGNORE
from scarceseg.registry import UserError

from .checks import check_count, check_label, classes_in


def partial_slices(label, rng, *, every=5, first=None):
    """Keep every n-th slice of a volume; the others are not annotated [Cicek 2016].

    Args:
        label: (z, y, x) class indices.
        rng: numpy Generator, for ``first``.
        every: n; 1 keeps all.
        first: the first slice that is kept, below ``every``; None draws it.

    Returns:
        (z, y, x) uint8, 255 in the slices left out. At least one slice is kept.

    Raises:
        UserError: a label that is no volume, or a setting out of range.
    """
    label = check_label(label, 'partial_slices')
    if label.ndim != 3:
        raise UserError(f'partial_slices needs a volume (z, y, x), but got shape {label.shape}')
    check_count('every', every)
    if first is None:
        first = int(rng.integers(min(every, len(label))))
    check_count('first', first, least=0)
    if first >= min(every, len(label)):
        raise UserError(f'first={first} of the simulator must lie below every={every} and below the {len(label)} slices')
    kept = np.full_like(label, IGNORE)
    kept[first::every] = label[first::every]
    return kept


def missing_classes(label, rng, *, classes=None, count=1, num_classes=None):
    """What remains of a label whose annotator did not draw some classes.

    In the file of such an annotator a missing class is background. Nobody who reads it can tell the two apart, so both become "not
    annotated": what is left is the classes that were drawn, and no certain background. (With one class missing of many, the
    background near the others is lost as well: that is the price of an honest label.)

    Args:
        label: (*space) class indices, 0 the background.
        rng: numpy Generator, for ``count``.
        classes: the foreground classes that are missing; None draws ``count`` of them.
        count: how many are missing where ``classes`` is None.
        num_classes: they are drawn from 1 … num_classes - 1; None: from the classes in the label.

    Returns:
        (*space) uint8, 255 where there was background or a missing class.

    Raises:
        UserError: a label that is not 2D or 3D, background among ``classes``, or more classes missing than there are.
    """
    label = check_label(label, 'missing_classes')
    if classes is None:
        check_count('count', count)
        candidates = classes_in(label) if num_classes is None else list(range(1, num_classes))
        if num_classes is not None and count > len(candidates):
            raise UserError(f'count={count} classes cannot be missing where there are {len(candidates)} beside the background')
        classes = sorted(rng.permutation(candidates)[:count].tolist())
    if any(not isinstance(c, int) or c < 1 for c in classes):
        raise UserError(f'classes={classes!r} of missing_classes must be indices of foreground classes, 1 or more')
    return np.where(np.isin(label, [0, *classes]), IGNORE, label).astype(np.uint8)

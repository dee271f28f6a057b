"""What every simulator asks of its label and settings."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scarceseg.components.labels import IGNORE, IMPLIED
from scarceseg.registry import UserError


def check_label(label, what):
    """A label (y, x) or (z, y, x) as uint8.

    Raises:
        UserError: it has another number of axes, or values that are no class and not 255.
    """
    label = np.asarray(label)
    if label.ndim not in (2, 3):
        raise UserError(f'{what} needs a label (y, x) or (z, y, x), but got shape {label.shape}')
    odd = label[(label < 0) | (label > IGNORE) | (label == IMPLIED) | (label != np.rint(label))]
    if odd.size:
        raise UserError(f'{what} needs class indices below {IMPLIED}, or {IGNORE} for not annotated, but the label holds '
                        f'{odd.flat[0]}; map its values first')
    return label.astype(np.uint8)


def classes_in(label, chosen=None, *, background=False):
    """Classes in a label, ascending: the foreground's, background's on request, or of them the ``chosen``."""
    found = [int(c) for c in np.unique(label) if c < IMPLIED and (c or background)]
    return found if chosen is None else [c for c in found if c in chosen]


def check_known(label, num_classes):
    """Raise UserError where a label has another class than 0 … num_classes - 1."""
    odd = label[(label != IGNORE) & ((label < 0) | (label >= num_classes) | (label != np.rint(label)))]
    if odd.size:
        raise UserError(f'the label has class {odd.flat[0]}, but num_classes={num_classes}; known: 0 … {num_classes - 1} and '
                        f'{IGNORE} for not annotated; raise num_classes, or map the label')


def check_share(name, value, *, zero=False):
    """Raise UserError unless ``value`` lies in (0, 1], or [0, 1] where ``zero``."""
    if not isinstance(value, (int, float)) or not 0 <= value <= 1 or (value == 0 and not zero):
        raise UserError(f'{name}={value!r} of the simulator must lie in {"[" if zero else "("}0, 1]')


def check_count(name, value, *, least=1):
    """Raise UserError unless ``value`` is a whole number, at least ``least``."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < least:
        raise UserError(f'{name}={value!r} of the simulator must be a whole number, {least} or more')


def check_range(name, value):
    """Raise UserError unless ``value`` is (low, high) with 0 <= low <= high."""
    if not isinstance(value, Sequence) or len(value) != 2 or not 0 <= value[0] <= value[1]:
        raise UserError(f'{name}={value!r} of the simulator must be two numbers of 0 or more, the lower first')

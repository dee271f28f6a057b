"""A set of labels in which cases have different kinds of noise."""
from __future__ import annotations

import hashlib

import numpy as np

from scarceseg.registry import UserError
from scarceseg.registry.binding import nearest

from .edges import distort_edges
from .morphology import dilate_label, erode_label

KINDS = {'dilation': dilate_label, 'erosion': erode_label, 'distortion': distort_edges}
LUNGS = {'dilation': 0.35, 'erosion': 0.35, 'distortion': 0.3}


def noisy_label(label, rng, *, kinds=None, radius=(6, 12), relative=False, aspect=None):
    """A label with one kind of noise, drawn for the case: the noisy lungs of PyMIC [Wang 2023].

    Args:
        label: (y, x) or (z, y, x) class indices, 0 the background; 255 stays.
        rng: numpy Generator; the result is a pure function of the label, its state and the settings.
        kinds: {kind: share of the cases}; what is missing to 1 stays clean. Default 0.35 dilation, 0.35 erosion, 0.3 distortion.
        radius, relative, aspect: see ``dilate_label``.

    Returns:
        (*space) uint8.

    Raises:
        UserError: an unknown kind, shares that are negative or sum to more than 1, or what the kind says of label and settings.
    """
    kinds = check_kinds(kinds)
    return apply_kind(label, rng, draw_kind(rng.random(), kinds), radius=radius, relative=relative, aspect=aspect)


def apply_kind(label, rng, kind, *, radius, relative=False, aspect=None):
    """A label with noise of one kind, or, where that is None, as it is."""
    if kind is None:
        return np.asarray(label, np.uint8)
    return KINDS[kind](label, rng, radius=radius, relative=relative, aspect=aspect)


def check_kinds(kinds):
    """``{kind: share}``, the default where it is None; a UserError where it makes no sense."""
    kinds = LUNGS if kinds is None else dict(kinds)
    for kind, share in kinds.items():
        if kind not in KINDS:
            raise UserError(f'no kind of noise is called {kind!r}{nearest(str(kind), list(KINDS))}; known: {", ".join(KINDS)}')
        if not isinstance(share, (int, float)) or share < 0:
            raise UserError(f'the share of {kind} must be a number of 0 or more, but is {share!r}')
    if sum(kinds.values()) > 1 + 1e-9:
        raise UserError(f'the shares of the kinds of noise, {kinds}, sum to {sum(kinds.values()):g}; they may sum to at most 1')
    return kinds


def draw_kind(number, kinds):
    """The kind that ``number`` in [0, 1) falls to, or None for none."""
    for kind, share in kinds.items():
        number -= share
        if number < 0:
            return kind
    return None


def deal_kinds(names, kinds, *, seed):
    """{case: kind or None} with the shares kept as exactly as whole cases can; which case gets which depends on the seed.

    The cases are lined up by a hash of (seed, name), so the order in which they are listed does not matter.
    """
    kinds = check_kinds(kinds)
    line = sorted(names, key=lambda name: hashlib.sha256(f'{seed} {name}'.encode()).hexdigest())
    return {name: draw_kind((k + 0.5) / len(line), kinds) for k, name in enumerate(line)}

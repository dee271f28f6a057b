"""Measures by name: how a function becomes one, what its column is called, and what a column means."""
from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import NamedTuple

from scarceseg.registry import METRICS
from scarceseg.registry.binding import nearest, resolve
from scarceseg.registry.errors import UserError

DEFAULT = ('dice', 'hd95', 'assd')
UNITS = {'mm': 'mm', 'voxel': 'voxels'}


class Traits(NamedTuple):
    """What is known of a measure beside its function.

    Attributes:
        column: name of its column, with its settings and ``{unit}``, 'mm' or 'voxel', in braces.
        title: the same for people.
        kind: 'share', shown in per cent, 'length', shown in its unit, or 'number'.
        better: 'higher' or 'lower'.
        needs_prob: it is of probabilities.
    """

    column: str
    title: str
    kind: str
    better: str
    needs_prob: bool


class Measure(NamedTuple):
    """A measure with its settings: ``function(comparison) -> float``."""

    function: Callable
    traits: Traits
    settings: dict

    def column(self, spacing_mm):
        """Its column's name for a case with this spacing."""
        return self.traits.column.format(**self.settings, unit='voxel' if spacing_mm is None else 'mm')


class Heading(NamedTuple):
    """How a column is shown: values times ``scale`` under ``text``, 'Dice %'; ``better`` is 'higher', 'lower' or None."""

    text: str
    title: str
    scale: int
    better: str | None
    kind: str


def measure(title, *, column=None, kind='share', better='higher', needs_prob=False):
    """Decorator: put a function of a ``Comparison`` on the shelf METRICS.

    Args:
        title: what tables call it.
        column: what a CSV calls it; default the function's name, with the unit behind it where it is a length.
        kind, better, needs_prob: see ``Traits``.
    """
    def register(function):
        name = column or function.__name__ + ('_{unit}' if kind == 'length' else '')
        function.traits = Traits(name, title, kind, better, needs_prob)
        return METRICS.register_module()(function)
    return register


def make_measures(metrics):
    """``[Measure]`` of names and configs: ('dice', dict(type='surface_dice', tolerance=2)).

    Raises:
        UserError: no measure has that name, or not this setting.
    """
    return [_make(dict(type=m) if isinstance(m, str) else dict(m)) for m in metrics]


def known_measures():
    """``{name: function}`` of all measures on the shelf."""
    from . import measures  # noqa: F401  they register themselves
    return {name: part for name, part in METRICS.module_dict.items() if hasattr(part, 'traits')}


def _make(config):
    known = known_measures()
    name = config.get('type')
    if isinstance(name, str) and '.' not in name and name not in known:
        raise UserError(f'no metric is called {name!r}{nearest(name, known)}; known: {", ".join(known)}')
    function, settings = resolve(config, METRICS)
    if not hasattr(function, 'traits'):
        raise UserError(f'{name!r} is no metric of a case; known: {", ".join(known)}')
    defaults = {k: v for k, v in (function.__kwdefaults__ or {}).items()}
    return Measure(functools.partial(function, **settings), function.traits, {**defaults, **settings})


def describe(column):
    """The ``Heading`` of a column, by its name; one that no measure writes is shown as it is."""
    for traits in (function.traits for function in known_measures().values()):
        found = re.fullmatch(_pattern(traits.column), column)
        if found:
            parts = found.groupdict()
            unit = UNITS.get(parts.get('unit'), '')
            title = traits.title.format(**{**parts, 'unit': unit})
            shown = {'share': '%', 'length': unit}.get(traits.kind, '')
            return Heading(f'{title} {shown}'.strip(), title, 100 if traits.kind == 'share' else 1, traits.better, traits.kind)
    return Heading(column, column, 1, None, 'number')


@functools.cache
def _pattern(template):
    """A regular expression for the columns of a template."""
    groups = {'unit': f'(?P<unit>{"|".join(UNITS)})'}
    return ''.join(groups.get(part.split(':')[0], rf'(?P<{part.split(":")[0]}>[\w.+-]+?)') if k % 2 else re.escape(part)
                   for k, part in enumerate(re.split(r'{(.*?)}', template)))

"""Transforms that place a view on the foreground, be they alone or within others."""
from __future__ import annotations

import inspect
from functools import partial


def on_foreground(transform):
    """A transform that places its view on the foreground for certain: ``foreground=1`` wherever it, or one within it, has that."""
    if isinstance(transform, (list, tuple)):
        return [on_foreground(t) for t in transform]
    if not isinstance(transform, partial):
        return transform
    settings = {name: on_foreground(value) for name, value in transform.keywords.items()}
    if _has(transform):
        settings['foreground'] = 1.0
    return partial(transform.func, *transform.args, **settings)


def places_views(transform):
    """Whether a transform, or one within it, has the setting ``foreground``."""
    if isinstance(transform, (list, tuple)):
        return any(map(places_views, transform))
    return isinstance(transform, partial) and (_has(transform) or any(map(places_views, transform.keywords.values())))


def _has(transform):
    return 'foreground' in inspect.signature(transform.func).parameters

"""The simulators as transforms of a sample: in a data set's ``simulate``, in ``prepare``, or at each draw."""
from __future__ import annotations

import hashlib
import inspect

import numpy as np

from scarceseg.registry import TRANSFORMS, UserError

from .boundary import boundary_scribble
from .boxes import boxes_from_label
from .edges import distort_edges
from .markov import markov_walk
from .mixture import noisy_label
from .morphology import dilate_label, erode_label
from .partial import missing_classes, partial_slices
from .points import points_from_label
from .scribbles import scribble_from_label

SAMPLE = inspect.Parameter('sample', inspect.Parameter.POSITIONAL_OR_KEYWORD)
RNG = inspect.Parameter('rng', inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None)
SEED = inspect.Parameter('seed', inspect.Parameter.KEYWORD_ONLY, default=0)


def case_rng(seed, name):
    """The numpy Generator of a case: a function of the seed and the case's name."""
    return np.random.default_rng([int(seed), *np.frombuffer(hashlib.sha256(str(name).encode()).digest()[:16], '<u4').tolist()])


def as_transform(name, simulate):
    """``simulate(label, rng, *, settings)`` as a transform on its shelf, with the setting ``seed`` beside its own.

    Without a generator, as in ``prepare``, a case always gets the same annotation: it depends on the seed and its name alone. At a
    draw there is one, and each draw gets another. ``aspect``, where the simulator has it, is the sample's.
    """
    settings = [p for p in inspect.signature(simulate).parameters.values() if p.kind is p.KEYWORD_ONLY]
    measured = any(p.name == 'aspect' for p in settings)

    def transform(sample, rng=None, *, seed=0, **given):
        if 'label' not in sample:
            raise UserError(f'{name} simulates an annotation of case {sample.get("name", "")}, which has no label to do it from')
        if measured and sample.get('spacing_mm'):
            given.setdefault('aspect', tuple(s / min(sample['spacing_mm']) for s in sample['spacing_mm']))
        rng = case_rng(seed, sample.get('name', '')) if rng is None else rng
        out = dict(sample, label=simulate(sample['label'], rng, **given))
        out.pop('class_locations', None)
        return out

    transform.__name__ = transform.__qualname__ = name
    transform.__doc__ = f'``{simulate.__name__}`` of the label; ``seed`` and the case\'s name decide.\n\n{simulate.__doc__}'
    transform.__signature__ = inspect.Signature([SAMPLE, RNG, SEED, *settings])
    return TRANSFORMS.register_module(name=name, module=transform)


simulate_scribbles = as_transform('simulate_scribbles', scribble_from_label)
simulate_boundary_scribbles = as_transform('simulate_boundary_scribbles', boundary_scribble)
simulate_points = as_transform('simulate_points', points_from_label)
simulate_boxes = as_transform('simulate_boxes', boxes_from_label)
simulate_partial_slices = as_transform('simulate_partial_slices', partial_slices)
simulate_missing_classes = as_transform('simulate_missing_classes', missing_classes)
simulate_dilation = as_transform('simulate_dilation', dilate_label)
simulate_erosion = as_transform('simulate_erosion', erode_label)
simulate_edge_distortion = as_transform('simulate_edge_distortion', distort_edges)
simulate_markov_noise = as_transform('simulate_markov_noise', markov_walk)
simulate_noise = as_transform('simulate_noise', noisy_label)

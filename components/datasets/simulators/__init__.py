"""Imperfect annotations made from full labels: ``simulate(label, rng, *, settings) -> label``, and each as a transform.

Simulators of sparse annotation leave "not annotated" (255) where an annotator would have drawn nothing; simulators of noise give
a full label that is wrong. All are pure functions of the label, the generator's state and the settings, for (y, x) and (z, y, x).
"""
from .boundary import boundary_scribble
from .boxes import boxes_from_label
from .edges import distort_edges
from .markov import markov_walk
from .mixture import deal_kinds, noisy_label
from .morphology import dilate_label, erode_label
from .partial import missing_classes, partial_slices
from .points import points_from_label
from .scribbles import scribble_from_label
from .transforms import case_rng

__all__ = ['boundary_scribble', 'boxes_from_label', 'case_rng', 'deal_kinds', 'dilate_label', 'distort_edges', 'erode_label',
           'markov_walk', 'missing_classes', 'noisy_label', 'partial_slices', 'points_from_label', 'scribble_from_label']

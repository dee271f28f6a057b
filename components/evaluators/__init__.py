"""How good a prediction is: measures of one class of one case, rows per case and class, tables, figures.

Figures are in ``figures`` and ``curves``, which are imported where they are drawn: only they need matplotlib.
"""
from .cases import check_metrics, evaluate_case, evaluate_cases
from .measuring import DEFAULT, describe, make_measures, measure
from .overlap import confusion, dice_from_confusion, fuse, iou_from_confusion
from .pairs import CasePair, Comparison
from .surface import surface_distances
from .tables import read_csv, summarise, terminal_table, write_csv

__all__ = ['CasePair', 'Comparison', 'DEFAULT', 'check_metrics', 'confusion', 'describe', 'dice_from_confusion', 'evaluate_case',
           'evaluate_cases', 'fuse', 'iou_from_confusion', 'make_measures', 'measure', 'read_csv', 'summarise', 'surface_distances',
           'terminal_table', 'write_csv']

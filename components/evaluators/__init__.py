"""How good a prediction is: overlap, surface distances, rows per case and class, tables, figures.

Figures are in ``figures`` and ``curves``, which are imported where they are drawn: only they need matplotlib.
"""
from .cases import METRICS, check_metrics, evaluate_case, evaluate_cases
from .overlap import (
    confusion,
    dice_from_confusion,
    fuse,
    iou_from_confusion,
    precision_from_confusion,
    sensitivity_from_confusion,
)
from .surface import assd, hausdorff, surface_distances
from .tables import read_csv, summarise, terminal_table, write_csv

__all__ = ['METRICS', 'assd', 'check_metrics', 'confusion', 'dice_from_confusion', 'evaluate_case', 'evaluate_cases', 'fuse',
           'hausdorff', 'iou_from_confusion', 'precision_from_confusion', 'read_csv', 'sensitivity_from_confusion', 'summarise',
           'surface_distances', 'terminal_table', 'write_csv']

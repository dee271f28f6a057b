"""What can be said of one class of one case: functions ``measure(comparison, *, settings) -> float`` on the shelf METRICS.

All are defined on a ``Comparison``, which works out once what several of them need, and give NaN where they say nothing.
"""
from .calibration import brier, calibration_error, negative_log_likelihood
from .centreline import centreline_dice
from .distance import asd_label, asd_prediction, assd, hausdorff, hd, hd95, surface_dice
from .lesions import lesion_f1, lesion_precision, lesion_sensitivity
from .overlap import accuracy, dice, iou, precision, relative_volume_error, sensitivity, specificity, volume_similarity

__all__ = ['accuracy', 'asd_label', 'asd_prediction', 'assd', 'brier', 'calibration_error', 'centreline_dice', 'dice', 'hausdorff',
           'hd', 'hd95', 'iou', 'lesion_f1', 'lesion_precision', 'lesion_sensitivity', 'negative_log_likelihood', 'precision',
           'relative_volume_error', 'sensitivity', 'specificity', 'surface_dice', 'volume_similarity']

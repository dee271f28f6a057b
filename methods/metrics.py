"""mmengine's shell around the evaluators."""
from __future__ import annotations

import numpy as np
from mmengine.evaluator import BaseMetric

from scarceseg.components.evaluators.overlap import confusion, dice_from_confusion, iou_from_confusion
from scarceseg.components.transforms import undo
from scarceseg.registry import METRICS, POSTPROCESSORS, UserError


class OverlapMetric(BaseMetric):
    """A score of each class during training, case by case in the space of the files, without test-time flips.

    A case whose label lacks a class counts for it as 0 where the class is predicted all the same, and not at all where it is
    not. ``mean`` is the mean of the classes' means.

    Args:
        postprocess: configs of functions of POSTPROCESSORS, as in test.
        has_background: whether class 0 is background, which has no score; else it is a class like the others.
    """

    score = None  # of a confusion matrix (K, K): (K,)

    def __init__(self, postprocess=(), has_background=True, prefix=None):
        super().__init__(collect_device='gpu', prefix=prefix)  # by the process group, also gloo's; 'cpu' is by files
        self.postprocess = [POSTPROCESSORS.build(p) for p in postprocess]
        self.first = int(has_background)

    def process(self, data_batch, data_samples):
        case = data_batch['case']
        if 'label' not in case:
            raise UserError(f'validation case {case["name"][0]} has no label; give labels in val_dataloader.dataset.cases')
        for prob, label, history in zip(data_samples, case['label'], case.get('history', [None] * len(data_samples))):
            prediction = label_map(prob[0], history, self.postprocess)
            counts = confusion(np.asarray(label), prediction, num_classes=prob.shape[1])
            self.results.append(self.score(counts)[self.first:].tolist())

    def compute_metrics(self, results):
        scores = np.asarray(results, float)
        present = ~np.isnan(scores)
        means = [float(column[use].mean()) if use.any() else 0.0 for column, use in zip(scores.T, present.T)]
        names = self.dataset_meta['classes'][self.first:]
        return {'mean': float(np.mean(means)), **dict(zip(names, means))}


@METRICS.register_module()
class DiceMetric(OverlapMetric):
    """Dice of each class, ``dice/<class>``, and their mean, ``dice/mean``; see ``OverlapMetric``."""

    default_prefix = 'dice'
    score = staticmethod(dice_from_confusion)


@METRICS.register_module()
class IoUMetric(OverlapMetric):
    """Intersection over union of each class, ``iou/<class>``, and their mean, ``iou/mean``; see ``OverlapMetric``.

    It is that of each case, averaged. Benchmarks that first add up the voxels of all cases give another number.
    """

    default_prefix = 'iou'
    score = staticmethod(iou_from_confusion)


def label_map(prob, history, postprocess):
    """Probabilities (K, *space) to the class indices (*space) uint8 on the grid of the file."""
    label = undo(prob.argmax(0).to('cpu').numpy().astype(np.uint8), history)
    for step in postprocess:
        label = step(label)
    return label

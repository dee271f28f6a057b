"""mmengine's shell around the evaluators."""
from __future__ import annotations

import numpy as np
from mmengine.evaluator import BaseMetric

from scarceseg.components.evaluators.overlap import confusion, dice_from_confusion
from scarceseg.components.transforms import undo
from scarceseg.registry import METRICS, POSTPROCESSORS, UserError


@METRICS.register_module()
class DiceMetric(BaseMetric):
    """Dice of each foreground class during training, case by case in the space of the files, without test-time flips.

    A case whose label lacks a class counts for it as 0 where the class is predicted all the same, and not at all where it is
    not. ``dice/mean`` is the mean of the classes' means.

    Args:
        postprocess: configs of functions of POSTPROCESSORS, as in test.
    """

    default_prefix = 'dice'

    def __init__(self, postprocess=(), prefix=None):
        super().__init__(collect_device='gpu', prefix=prefix)  # by the process group, also gloo's; 'cpu' is by files
        self.postprocess = [POSTPROCESSORS.build(p) for p in postprocess]

    def process(self, data_batch, data_samples):
        case = data_batch['case']
        if 'label' not in case:
            raise UserError(f'validation case {case["name"][0]} has no label; give labels in val_dataloader.dataset.cases')
        for prob, label, history in zip(data_samples, case['label'], case.get('history', [None] * len(data_samples))):
            prediction = label_map(prob[0], history, self.postprocess)
            counts = confusion(np.asarray(label), prediction, num_classes=prob.shape[1])
            self.results.append(dice_from_confusion(counts)[1:].tolist())

    def compute_metrics(self, results):
        dice = np.asarray(results, float)
        present = ~np.isnan(dice)
        means = [float(column[use].mean()) if use.any() else 0.0 for column, use in zip(dice.T, present.T)]
        names = self.dataset_meta['classes'][1:]
        return {'mean': float(np.mean(means)), **dict(zip(names, means))}


def label_map(prob, history, postprocess):
    """Probabilities (K, *space) to the class indices (*space) uint8 on the grid of the file."""
    label = undo(prob.argmax(0).to('cpu').numpy().astype(np.uint8), history)
    for step in postprocess:
        label = step(label)
    return label

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from scarceseg.registry import METRICS, UserError

CLASSES = ('a', 'b', 'c')
# rows of (label, prediction); 255 is not annotated. Class c is nowhere in the second case
LABELS = np.array([[[0, 0, 1], [1, 2, 2]], [[0, 1, 1], [1, 1, 255]]], np.uint8)
PREDICTIONS = np.array([[[0, 1, 1], [1, 2, 0]], [[0, 1, 1], [1, 0, 2]]])


def score(kind, **settings):
    """What a metric says of the cases above."""
    metric = METRICS.build(dict(type=kind, **settings))
    metric.dataset_meta = dict(classes=CLASSES)
    for label, prediction in zip(LABELS, PREDICTIONS):
        prob = F.one_hot(torch.from_numpy(prediction), 3).movedim(-1, 0)[None].float()
        metric.process(dict(case=dict(image=[None], label=[label], name=['x'])), [prob])
    return metric.evaluate(len(LABELS))


def test_dice_and_iou_of_each_class_are_means_over_the_cases_that_have_it():
    """By hand: a 2·1/4 and 2·1/3 , b 2·2/5 and 2·3/7, c 2·1/3 in the first case alone."""
    dice, iou = score('DiceMetric'), score('IoUMetric')
    assert dice == pytest.approx({'dice/b': (4 / 5 + 6 / 7) / 2, 'dice/c': 2 / 3, 'dice/mean': ((4 / 5 + 6 / 7) / 2 + 2 / 3) / 2})
    assert iou == pytest.approx({'iou/b': (2 / 3 + 3 / 4) / 2, 'iou/c': 1 / 2, 'iou/mean': ((2 / 3 + 3 / 4) / 2 + 1 / 2) / 2})


def test_without_background_class_0_counts():
    iou = score('IoUMetric', has_background=False)
    assert list(iou) == ['iou/mean', 'iou/a', 'iou/b', 'iou/c'] and iou['iou/a'] == pytest.approx((1 / 3 + 1 / 2) / 2)
    assert iou['iou/mean'] == pytest.approx(np.mean([iou[f'iou/{c}'] for c in CLASSES]))


def test_a_case_without_label_is_named():
    metric = METRICS.build(dict(type='IoUMetric'))
    with pytest.raises(UserError, match='validation case x has no label'):
        metric.process(dict(case=dict(image=[None], name=['x'])), [torch.zeros(1, 3, 2, 3)])

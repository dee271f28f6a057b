import numpy as np
import pytest

from scarceseg.components.evaluators import CasePair, confusion, dice_from_confusion, fuse, iou_from_confusion
from scarceseg.components.evaluators.measures import precision, sensitivity
from scarceseg.registry.errors import UserError

# 0 0 1 1      0 1 1 1      class 1: label 3, prediction 4, common 3; class 2: label 2, prediction 2, common 1
# 0 2 2 1      0 0 2 1                                     (the last 2 of the prediction is under the label's 0)
# 0 0 0 0      0 0 0 2      class 3: on neither side
LABEL = np.array([[0, 0, 1, 1], [0, 2, 2, 1], [0, 0, 0, 0]], np.uint8)
PREDICTION = np.array([[0, 1, 1, 1], [0, 0, 2, 1], [0, 0, 0, 2]], np.uint8)


def random_labels(shape, seed, classes=4):
    return np.random.default_rng(seed).integers(0, classes, shape).astype(np.uint8)


def of_each(measure, label, prediction, classes=4):
    pair = CasePair(label, prediction, None, num_classes=classes)
    return [measure(pair.of((c,))) for c in range(classes)]


def test_counts_of_a_drawn_example_are_those_counted_by_hand():
    expected = [[5, 1, 1, 0], [0, 3, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]
    np.testing.assert_array_equal(confusion(LABEL, PREDICTION, num_classes=4), expected)


def test_metrics_of_a_drawn_example_are_those_computed_by_hand():
    counts = confusion(LABEL, PREDICTION, num_classes=4)
    np.testing.assert_allclose(dice_from_confusion(counts), [10 / 13, 6 / 7, 2 / 4, np.nan])
    np.testing.assert_allclose(iou_from_confusion(counts), [5 / 8, 3 / 4, 1 / 3, np.nan])
    np.testing.assert_allclose(of_each(sensitivity, LABEL, PREDICTION), [5 / 7, 1, 1 / 2, np.nan])
    np.testing.assert_allclose(of_each(precision, LABEL, PREDICTION), [5 / 6, 3 / 4, 1 / 2, np.nan])


def test_a_class_on_one_side_only_has_dice_zero_and_no_ratio_to_the_other_side():
    label, prediction = np.array([0, 1]), np.array([2, 0])
    counts = confusion(label, prediction, num_classes=3)
    np.testing.assert_array_equal(dice_from_confusion(counts)[1:], [0, 0])
    np.testing.assert_array_equal(iou_from_confusion(counts)[1:], [0, 0])
    np.testing.assert_array_equal(of_each(sensitivity, label, prediction, 3)[1:], [0, np.nan])
    np.testing.assert_array_equal(of_each(precision, label, prediction, 3)[1:], [np.nan, 0])


@pytest.mark.parametrize('shape', [(31, 17), (7, 12, 9)])
def test_dice_and_iou_equal_monai(shape):
    torch, metrics = pytest.importorskip('torch'), pytest.importorskip('monai.metrics')
    label, prediction = random_labels(shape, 0), random_labels(shape, 1)
    one_hot = [torch.from_numpy(np.stack([x == c for c in range(4)])[None]) for x in (prediction, label)]
    counts = confusion(label, prediction, num_classes=4)
    np.testing.assert_allclose(dice_from_confusion(counts), metrics.compute_dice(*one_hot)[0], atol=1e-6)
    np.testing.assert_allclose(iou_from_confusion(counts), metrics.compute_iou(*one_hot)[0], atol=1e-6)


def test_all_overlap_metrics_equal_medpy():
    medpy = pytest.importorskip('medpy.metric.binary')
    label, prediction = random_labels((9, 14, 11), 2), random_labels((9, 14, 11), 3)
    counts = confusion(label, prediction, num_classes=4)
    pairs = ((dice_from_confusion(counts), medpy.dc), (iou_from_confusion(counts), medpy.jc),
             (of_each(sensitivity, label, prediction), medpy.sensitivity), (of_each(precision, label, prediction), medpy.precision))
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours, [theirs(prediction == c, label == c) for c in range(4)], atol=1e-12)


def test_voxels_without_annotation_are_left_out_whatever_is_predicted_there():
    label, prediction = random_labels((8, 9), 4), random_labels((8, 9), 5)
    hidden = np.random.default_rng(6).random(label.shape) < 0.4
    partial = np.where(hidden, 255, label).astype(np.uint8)
    counts = confusion(partial, np.where(hidden, 200, prediction), num_classes=4)
    np.testing.assert_array_equal(counts, confusion(label[~hidden], prediction[~hidden], num_classes=4))


def test_a_label_without_any_annotation_counts_nothing():
    counts = confusion(np.full((3, 3), 255, np.uint8), np.ones((3, 3), np.uint8), num_classes=2)
    assert counts.sum() == 0 and np.isnan(dice_from_confusion(counts)).all()


def test_fused_classes_count_as_one_mask():
    label, prediction = random_labels((13, 13), 7), random_labels((13, 13), 8)
    fused = fuse(confusion(label, prediction, num_classes=4), (1, 3))
    merged = confusion(np.isin(label, (1, 3)), np.isin(prediction, (1, 3)), num_classes=2)
    np.testing.assert_array_equal(fused, merged)


def test_integer_types_make_no_difference():
    counts = confusion(LABEL, PREDICTION, num_classes=4)
    np.testing.assert_array_equal(confusion(LABEL.astype(np.int64), PREDICTION.astype(np.int16), num_classes=4), counts)


@pytest.mark.parametrize('bad', [np.array([0, 4]), np.array([0, -1])])
def test_a_value_that_is_no_class_is_named(bad):
    with pytest.raises(UserError, match=rf'prediction holds \[{bad[1]}\].*0 to 3'):
        confusion(np.array([0, 1]), bad, num_classes=4)


def test_probabilities_in_place_of_classes_are_refused():
    with pytest.raises(UserError, match='prediction has dtype float64'):
        confusion(np.array([0, 1]), np.array([0.1, 0.9]), num_classes=2)


def test_different_shapes_are_both_named():
    with pytest.raises(UserError, match=r'\(3, 4\).*\(4, 3\)'):
        confusion(LABEL, PREDICTION.T, num_classes=4)

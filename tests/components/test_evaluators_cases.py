import functools
import math

import numpy as np
import pytest
from scipy import ndimage

from scarceseg.components.evaluators import evaluate_case, evaluate_cases
from scarceseg.registry.errors import UserError

NAMES = ('background', 'RV', 'myocardium', 'LV')
SPACING = {2: (1.5, 1.25), 3: (10.0, 1.5625, 1.5625)}


def heart(ndim, *, seed=0):
    """A ring (2) around a disk (3) beside a crescent (1), and the same after a random bend; uint8."""
    z, y, x = np.indices((6, 60, 64))
    noise = np.random.default_rng(seed).normal(size=(2, *z.shape))
    bend = [ndimage.gaussian_filter(n, (0, 6, 6)) * 40 for n in noise]
    maps = []
    for dy, dx in ((0, 0), bend):
        r = np.hypot(y + dy - 30, x + dx - 38) + z
        crescent = (np.hypot(y + dy - 30, x + dx - 26) + z < 18) & (r >= 16)
        maps.append(np.select([r < 10, r < 16, crescent], [3, 2, 1], 0).astype(np.uint8))
    return maps if ndim == 3 else [m[2] for m in maps]


def load_heart(name, *, broken=None):
    """Loader of made-up cases 'heart-<seed>', as a user's loader of files."""
    label, prediction = heart(3, seed=int(name.split('-')[1]))
    return dict(label=label, prediction=prediction[1:] if name == broken else prediction, spacing_mm=SPACING[3])


def same(one, other):
    """Whether rows are equal, NaN being equal to NaN."""
    def plain(rows):
        return [{k: 'nan' if v != v else v for k, v in row.items()} for row in rows]
    return plain(one) == plain(other)


@pytest.mark.parametrize('ndim', [2, 3])
def test_rows_hold_the_values_of_medpy(ndim):
    medpy = pytest.importorskip('medpy.metric.binary')
    label, prediction = heart(ndim)
    rows = evaluate_case(label, prediction, SPACING[ndim], class_names=NAMES, metrics=('dice', 'iou', 'assd'), case='a')
    assert [(row['case'], row['class'], row['state']) for row in rows] == [('a', name, 'both') for name in NAMES[1:]]
    for c, row in enumerate(rows, 1):
        p, t = prediction == c, label == c
        assert row['dice'] == pytest.approx(medpy.dc(p, t)) and row['iou'] == pytest.approx(medpy.jc(p, t))
        assert row['assd_mm'] == pytest.approx(medpy.assd(p, t, SPACING[ndim]), abs=1e-6)
        assert (row['label_voxels'], row['prediction_voxels']) == (t.sum(), p.sum())


@pytest.mark.parametrize('ndim', [2, 3])
def test_rows_hold_the_hd95_of_monai(ndim):
    torch, metrics = pytest.importorskip('torch'), pytest.importorskip('monai.metrics')
    label, prediction = heart(ndim)
    one_hot = [torch.from_numpy(np.stack([m == c for c in range(4)])[None]) for m in (prediction, label)]
    expected = metrics.compute_hausdorff_distance(*one_hot, percentile=95, spacing=SPACING[ndim])[0].tolist()
    rows = evaluate_case(label, prediction, SPACING[ndim], class_names=NAMES)
    assert [row['hd95_mm'] for row in rows] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize('shape', [(6, 7), (3, 6, 7)])
@pytest.mark.parametrize('in_label, in_prediction, state, dice', [
    (True, True, 'both', 1.0), (False, True, 'label_empty', 0.0), (True, False, 'prediction_empty', 0.0),
    (False, False, 'both_empty', math.nan)])
def test_corner_table(shape, in_label, in_prediction, state, dice):
    maps = [np.zeros(shape, np.uint8) for _ in range(2)]
    for array, present in zip(maps, (in_label, in_prediction)):
        array[..., 2:4, 2:5] = present
    row, = evaluate_case(*maps, (1.0,) * len(shape), class_names=('background', 'heart'))
    assert row['state'] == state and row['dice'] == pytest.approx(dice, nan_ok=True)
    for key in ('hd95_mm', 'assd_mm'):
        assert row[key] == 0 if state == 'both' else math.isnan(row[key])
    assert (row['label_voxels'] > 0, row['prediction_voxels'] > 0) == (in_label, in_prediction)


def test_one_missing_class_leaves_the_others_as_they_are():
    label, prediction = heart(3)
    rows = evaluate_case(label, prediction, SPACING[3], class_names=NAMES)
    without = evaluate_case(label, np.where(prediction == 1, 0, prediction), SPACING[3], class_names=NAMES)
    assert without[0]['state'] == 'prediction_empty' and same(rows[1:], without[1:])


def test_a_case_without_annotation_says_nothing():
    rows = evaluate_case(np.full((5, 5), 255), np.ones((5, 5), int), (1, 1), class_names=NAMES)
    assert {row['state'] for row in rows} == {'both_empty'} and all(math.isnan(row['dice']) for row in rows)


def test_what_is_predicted_without_annotation_makes_no_difference():
    label, prediction = heart(3)
    label[:, :20] = 255
    rows = evaluate_case(label, prediction, SPACING[3], class_names=NAMES)
    prediction[:, :20] = np.random.default_rng(0).integers(0, 4, prediction[:, :20].shape)
    assert same(rows, evaluate_case(label, prediction, SPACING[3], class_names=NAMES))
    assert same(rows, evaluate_case(np.where(label == 255, 0, label), np.where(label == 255, 0, prediction), SPACING[3],
                                    class_names=NAMES))


@pytest.mark.parametrize('ndim', [2, 3])
def test_renumbering_the_classes_moves_the_rows_and_nothing_else(ndim):
    label, prediction = heart(ndim)
    order = np.array([0, 3, 1, 2], np.uint8)  # RV becomes 3, myocardium 1, LV 2
    rows = evaluate_case(label, prediction, SPACING[ndim], class_names=NAMES)
    names = ('background', 'myocardium', 'LV', 'RV')
    moved = evaluate_case(order[label], order[prediction], SPACING[ndim], class_names=names)
    assert same(sorted(rows, key=lambda r: r['class']), sorted(moved, key=lambda r: r['class']))


def test_padding_with_background_makes_no_difference():
    label, prediction = heart(3)
    padded = evaluate_case(np.pad(label, 4), np.pad(prediction, 4), SPACING[3], class_names=NAMES)
    assert same(padded, evaluate_case(label, prediction, SPACING[3], class_names=NAMES))


def test_a_fused_class_is_the_mask_of_its_classes():
    label, prediction = heart(3)
    rows = evaluate_case(label, prediction, SPACING[3], class_names=NAMES, fused={'whole heart': (1, 2, 3)})
    whole, = evaluate_case(label > 0, prediction > 0, SPACING[3], class_names=('background', 'whole heart'))
    assert rows[-1] == {**whole, 'fused': 1} and [row['fused'] for row in rows] == [0, 0, 0, 1]


def test_without_spacing_the_columns_name_voxels():
    row = evaluate_case(*heart(3), None, class_names=NAMES)[0]
    ones = evaluate_case(*heart(3), (1, 1, 1), class_names=NAMES)[0]
    assert 'hd95_mm' not in row and (row['hd95_voxel'], row['assd_voxel']) == (ones['hd95_mm'], ones['assd_mm'])


def test_only_the_metrics_asked_for_are_given():
    row = evaluate_case(*heart(2), None, class_names=NAMES, metrics=('sensitivity',))[0]
    assert list(row) == ['case', 'class', 'sensitivity', 'state', 'label_voxels', 'prediction_voxels', 'fused']


@pytest.mark.parametrize('settings, message', [
    (dict(metrics=('dise',)), "no metric is called 'dise'.*did you mean 'dice'"),
    (dict(fused={'all': (1, 4)}), r"fused class 'all' is made of \(1, 4\).*from 1 to 3"),
    (dict(class_names=('background', 'RV', 'RV', 'LV')), 'not all different'),
    (dict(class_names=('background', 'RV', 'myocardium')), r'case a: the label holds \[3\].*0 to 2')])
def test_a_wrong_setting_is_answered_with_what_is_known(settings, message):
    with pytest.raises(UserError, match=message):
        evaluate_case(*heart(3), SPACING[3], **{'class_names': NAMES, 'case': 'a', **settings})


def test_different_shapes_name_the_case_and_both_shapes():
    with pytest.raises(UserError, match=r'case p7: the label has shape \(4, 5\), but the prediction has \(5, 4\)'):
        evaluate_case(np.zeros((4, 5), int), np.zeros((5, 4), int), None, class_names=NAMES, case='p7')


def test_parallel_processes_give_the_same_rows_in_the_same_order():
    names = [f'heart-{seed}' for seed in (3, 1, 2, 0, 4)]
    one = evaluate_cases(names, load_heart, class_names=NAMES)
    many = evaluate_cases(iter(names), load_heart, class_names=NAMES, processes=2)
    assert [row['case'] for row in one] == [name for name in names for _ in NAMES[1:]] and same(one, many)


@pytest.mark.parametrize('processes', [1, 2])
def test_a_case_that_fails_is_named_whatever_process_it_is_in(processes):
    load = functools.partial(load_heart, broken='heart-1')
    with pytest.raises(UserError, match=r'case heart-1: .*\(6, 60, 64\).*\(5, 60, 64\)'):
        evaluate_cases(['heart-0', 'heart-1', 'heart-2'], load, class_names=NAMES, processes=processes)


def test_no_cases_give_no_rows():
    assert evaluate_cases([], load_heart, class_names=NAMES, processes=4) == []


def test_without_background_class_0_is_a_class_like_the_others():
    label, prediction = heart(3)
    rows = evaluate_case(label, prediction, SPACING[3], class_names=NAMES, has_background=False)
    shifted = evaluate_case(label + 1, prediction + 1, SPACING[3], class_names=('none', *NAMES))
    assert [row['class'] for row in rows] == list(NAMES) and same(rows, shifted)
    assert same(rows[1:], evaluate_case(label, prediction, SPACING[3], class_names=NAMES))
    whole = evaluate_case(label, prediction, SPACING[3], class_names=NAMES, has_background=False, fused={'all': (0, 1, 2, 3)})[-1]
    assert whole['class'] == 'all' and whole['dice'] == 1


@pytest.mark.parametrize('dtype', [np.uint8, np.int8, np.int64])
def test_without_background_voxels_that_are_not_annotated_are_of_no_class(dtype):
    label, prediction = heart(2)
    label[:, :20] = 255
    rows = evaluate_case(label, prediction.astype(dtype), SPACING[2], class_names=NAMES, has_background=False)
    again = np.where(label == 255, 3 - prediction, prediction)
    assert same(rows, evaluate_case(label, again.astype(dtype), SPACING[2], class_names=NAMES, has_background=False))
    cut = evaluate_case(label[:, 20:], prediction[:, 20:], SPACING[2], class_names=NAMES, has_background=False)
    assert same(rows, cut)


def test_dice_and_iou_of_two_halves_by_hand():
    """Four of six pixels are class 0 in the label, five in the prediction: IoU 4/5, and 1/2 for class 1."""
    label, prediction = np.array([[0, 0, 0], [0, 1, 1]]), np.array([[0, 0, 0], [0, 0, 1]])
    rows = evaluate_case(label, prediction, None, class_names=('a', 'b'), metrics=('iou', 'dice'), has_background=False)
    assert [row['iou'] for row in rows] == pytest.approx([4 / 5, 1 / 2]) and rows[0]['dice'] == pytest.approx(8 / 9)

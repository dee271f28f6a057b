import math

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.distance import cdist

from scarceseg.components.evaluators import DEFAULT, CasePair, describe, evaluate_case, make_measures
from scarceseg.components.evaluators.measuring import known_measures
from scarceseg.registry import METRICS, UserError

SPACINGS = {2: (1.5, 1.25), 3: (5.0, 1.5, 1.0)}
OVERLAP = ('dice', 'iou', 'sensitivity', 'specificity', 'precision', 'accuracy', 'volume_similarity', 'relative_volume_error')


def blobs(shape, seed, classes=3):
    """A label of smooth regions and a bent copy of it."""
    rng = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(rng.normal(size=shape), 2.5)
    other = field + 0.25 * field.std() * ndimage.gaussian_filter(rng.normal(size=shape), 1) * 3
    cuts = np.quantile(field, np.linspace(0.6, 0.95, classes - 1))
    return tuple(np.digitize(f, cuts).astype(np.uint8) for f in (field, other))


def of(name, label, prediction, spacing=None, c=1, **settings):
    """One measure of class c; arrays may be of any kind."""
    label, prediction = np.asarray(label), np.asarray(prediction)
    prob = settings.pop('prob', None)
    pair = CasePair(label, prediction, spacing, num_classes=4 if prob is None else len(prob), prob=prob)
    measure, = make_measures([dict(type=name, **settings)])
    return measure.function(pair.of((c,)))


def surface_of(mask):
    """Surface voxels, one at a time."""
    padded = np.pad(mask, 1)
    return [np.array(p) - 1 for p in np.argwhere(padded)
            if not all(padded[tuple(p + d * e)] for e in np.eye(mask.ndim, dtype=int) for d in (-1, 1))]


def both_ways(label, prediction, spacing):
    """Distances label to prediction and back, by a table of all pairs."""
    a, b = (np.array(surface_of(m)) * spacing for m in (label, prediction))
    table = cdist(a, b)
    return table.min(1), table.min(0)


# label 0 1 1 0    prediction 0 0 1 1    tp 1, fn 1, fp 1, tn 3, and a voxel without annotation
#       0 0 0 ?               0 0 0 1
GOLDEN = (np.array([[0, 1, 1, 0], [0, 0, 0, 255]], np.uint8), np.array([[0, 0, 1, 1], [0, 0, 0, 1]], np.uint8))


@pytest.mark.parametrize('name, value', [
    ('dice', 0.5), ('iou', 1 / 3), ('sensitivity', 0.5), ('specificity', 4 / 5), ('precision', 0.5), ('accuracy', 5 / 7),
    ('volume_similarity', 1.0), ('relative_volume_error', 0.0)])
def test_overlap_of_a_drawn_example_is_that_counted_by_hand(name, value):
    assert of(name, *GOLDEN) == pytest.approx(value, abs=1e-12)


def test_volumes_of_two_and_six_voxels():
    label, prediction = np.array([1, 1, 0, 0, 0, 0]), np.ones(6, int)
    label, prediction = label[None], prediction[None]
    assert of('volume_similarity', label, prediction) == pytest.approx(1 - 4 / 8)
    assert of('relative_volume_error', label, prediction) == pytest.approx(2.0)


@pytest.mark.parametrize('shape', [(40, 44), (9, 24, 22)])
def test_overlap_equals_medpy_and_monai(shape):
    medpy, torch = pytest.importorskip('medpy.metric.binary'), pytest.importorskip('torch')
    monai = pytest.importorskip('monai.metrics')
    label, prediction = blobs(shape, 3)
    for c in (1, 2):
        p, t = prediction == c, label == c
        expected = dict(dice=medpy.dc(p, t), iou=medpy.jc(p, t), sensitivity=medpy.sensitivity(p, t),
                        specificity=medpy.specificity(p, t), precision=medpy.precision(p, t), accuracy=(p == t).mean(),
                        volume_similarity=1 - abs(medpy.ravd(p, t)) * t.sum() / (p.sum() + t.sum()),
                        relative_volume_error=abs(medpy.ravd(p, t)))
        assert {name: of(name, label, prediction, c=c) for name in OVERLAP} == pytest.approx(expected, abs=1e-9)
        matrix = monai.get_confusion_matrix(*(torch.from_numpy(m[None, None].astype(np.float32)) for m in (p, t)))
        for name in ('sensitivity', 'specificity', 'precision', 'accuracy'):
            theirs = monai.compute_confusion_matrix_metric(name, matrix).item()
            assert of(name, label, prediction, c=c) == pytest.approx(theirs, abs=1e-6)


@pytest.mark.parametrize('shape', [(24, 28), (7, 14, 13)])
def test_distances_equal_those_of_a_table_of_all_pairs_of_surface_voxels(shape):
    label, prediction = blobs(shape, 1)
    spacing = SPACINGS[len(shape)]
    there, back = both_ways(label == 1, prediction == 1, spacing)
    expected = {'hd': max(there.max(), back.max()), 'hd95': max(np.percentile(there, 95), np.percentile(back, 95)),
                'asd_label': there.mean(), 'asd_prediction': back.mean(), 'assd': np.concatenate([there, back]).mean()}
    assert {name: of(name, label, prediction, spacing) for name in expected} == pytest.approx(expected, abs=1e-9)
    assert of('hausdorff', label, prediction, spacing, percentile=50) == pytest.approx(max(np.median(there), np.median(back)))
    for tolerance in (0, 1.25, 1.5, 3):
        near = (there <= tolerance).sum() + (back <= tolerance).sum()
        assert of('surface_dice', label, prediction, spacing, tolerance=tolerance) == pytest.approx(near / (there.size + back.size))


@pytest.mark.parametrize('shape', [(40, 44), (9, 24, 22)])
def test_distances_equal_monai_and_medpy(shape):
    medpy, torch = pytest.importorskip('medpy.metric.binary'), pytest.importorskip('torch')
    monai = pytest.importorskip('monai.metrics')
    (label, prediction), spacing = blobs(shape, 5), SPACINGS[len(shape)]
    p, t = prediction == 1, label == 1
    pair = [torch.from_numpy(np.stack([~m, m])[None]) for m in (p, t)]
    assert of('hd', label, prediction, spacing) == pytest.approx(medpy.hd(p, t, spacing), abs=1e-6)
    assert of('assd', label, prediction, spacing) == pytest.approx(medpy.assd(p, t, spacing), abs=1e-6)
    assert of('asd_prediction', label, prediction, spacing) == pytest.approx(medpy.asd(p, t, spacing), abs=1e-6)
    assert of('asd_label', label, prediction, spacing) == pytest.approx(medpy.asd(t, p, spacing), abs=1e-6)
    theirs = monai.compute_hausdorff_distance(*pair, percentile=95, spacing=spacing).item()
    assert of('hd95', label, prediction, spacing) == pytest.approx(theirs, rel=1e-6)
    theirs = monai.compute_surface_dice(*pair, class_thresholds=[2.0], spacing=spacing).item()
    assert of('surface_dice', label, prediction, spacing, tolerance=2.0) == pytest.approx(theirs, abs=1e-6)


def test_the_centre_line_of_a_broken_vessel_by_hand():
    pytest.importorskip('skimage')
    label, broken = np.zeros((9, 30), np.uint8), np.zeros((9, 30), np.uint8)
    label[3:6, 2:28] = 1
    broken[3:6, 2:12] = broken[3:6, 18:28] = 1
    whole = of('centreline_dice', label, label)
    assert whole == 1 and of('centreline_dice', label, np.where(label, 0, 1)) == 0
    found = of('centreline_dice', label, broken)
    from skimage.morphology import skeletonize
    line = skeletonize(label > 0)
    share = (line & (broken > 0)).sum() / line.sum()
    assert found == pytest.approx(2 * share / (1 + share)) and 0.7 < found < 0.95
    volume = np.stack([label * 0, label, label * 0])
    assert of('centreline_dice', volume, volume) == 1


def test_lesions_are_found_one_by_one():
    label, prediction = np.zeros((12, 30), np.uint8), np.zeros((12, 30), np.uint8)
    for x in (1, 9, 17, 25):
        label[2:6, x:x + 4] = 1
    prediction[2:6, 1:5] = prediction[3:7, 9:13] = 1      # the first exactly, the second with IoU 12 / 20
    prediction[5:9, 20:24] = 1                            # a corner of the third, IoU 1 / 31
    prediction[10:12, 0:2] = 1                            # nothing
    counts = {overlap: [of(f'lesion_{m}', label, prediction, overlap=overlap) for m in ('sensitivity', 'precision', 'f1')]
              for overlap in (0, 0.1, 0.7)}
    assert counts == {0: [3 / 4, 3 / 4, 3 / 4], 0.1: [2 / 4, 2 / 4, 2 / 4], 0.7: [1 / 4, 1 / 4, 1 / 4]}


def test_one_prediction_finds_one_lesion_and_as_many_as_possible_are_found():
    label, prediction = np.zeros((5, 20), np.uint8), np.zeros((5, 20), np.uint8)
    label[1:4, 1:4] = label[1:4, 6:9] = 1
    prediction[1:4, 1:9] = 1
    assert of('lesion_sensitivity', label, prediction) == 1 / 2 and of('lesion_precision', label, prediction) == 1
    assert of('lesion_f1', label, prediction) == pytest.approx(2 / 3)


def test_lesions_that_touch_by_a_corner_are_one():
    label = np.eye(6, dtype=np.uint8)
    assert of('lesion_sensitivity', label, np.where(np.arange(6) < 3, label, 0), overlap=0.4) == 1


def test_calibration_of_a_case_by_hand():
    truth = np.array([[1, 0, 1, 0, 255]], np.uint8)
    p = np.array([[0.9, 0.4, 0.6, 0.1, 0.99]], np.float32)
    prob = np.stack([1 - p, p])
    known = p[0, :4].astype(float)
    y = np.array([1, 0, 1, 0])
    assert of('brier', truth, truth * 0, prob=prob) == pytest.approx(((known - y) ** 2).mean(), abs=1e-7)
    assert of('negative_log_likelihood', truth, truth * 0, prob=prob) == pytest.approx(-np.log([0.9, 0.6, 0.6, 0.9]).mean())
    # two bins: (0, 0.5] holds 0.4 and 0.1, mean 0.25, none true; (0.5, 1] holds 0.9 and 0.6, mean 0.75, all true
    assert of('calibration_error', truth, truth * 0, prob=prob, bins=2) == pytest.approx(0.25, abs=1e-6)


def test_probabilities_that_are_frequencies_are_calibrated():
    rng = np.random.default_rng(0)
    p = rng.uniform(0, 1, (200, 500))
    truth = (rng.random(p.shape) < p).astype(np.uint8)
    assert of('calibration_error', truth, truth, prob=np.stack([1 - p, p])) < 0.01
    sure = (p > 0.5).astype(float)
    assert of('calibration_error', truth, truth, prob=np.stack([1 - sure, sure])) == pytest.approx((sure != truth).mean(), abs=1e-9)


def test_classes_taken_as_one_add_up_their_probabilities():
    label, prediction = blobs((16, 18), 2)
    prob = np.random.default_rng(1).dirichlet(np.ones(3), label.shape).transpose(2, 0, 1)
    rows = evaluate_case(label, prediction, None, class_names=('none', 'a', 'b'), metrics=('brier',), fused=dict(both=(1, 2)),
                         prob=prob)
    assert rows[2]['brier'] == pytest.approx((((1 - prob[0]) - (label > 0)) ** 2).mean())


@pytest.mark.parametrize('name', sorted(known_measures()))
@pytest.mark.parametrize('sides', [(1, 1), (0, 1), (1, 0), (0, 0)])
def test_corner_table(name, sides):
    """Every measure on every combination of empty masks."""
    if name == 'centreline_dice':
        pytest.importorskip('skimage')
    maps = [np.zeros((4, 8, 9), np.uint8) for _ in range(2)]
    for array, present in zip(maps, sides):
        array[1:3, 2:5, 3:7] = present
    prob = np.stack([maps[1] == 0, maps[1] == 1]).astype(np.float32)
    settings = dict(percentile=90) if name == 'hausdorff' else {}
    value = of(name, *maps, (2.0, 1.0, 1.0), prob=prob, **settings)
    better, kind = known_measures()[name].traits.better, known_measures()[name].traits.kind
    always = name in ('accuracy', 'specificity', 'brier', 'calibration_error', 'negative_log_likelihood')
    if sides == (1, 1):
        assert value == pytest.approx(1 if better == 'higher' else 0, abs=1e-6)
    elif sides == (0, 0):
        assert value == pytest.approx(1 if better == 'higher' else 0, abs=1e-6) if always else math.isnan(value)
    elif kind == 'length':
        assert math.isnan(value)
    else:
        assert math.isnan(value) or 0 <= value < 1 or better == 'lower' or (name, sides) == ('specificity', (1, 0))


@pytest.mark.parametrize('name', sorted(known_measures()))
def test_nothing_annotated_says_nothing(name):
    settings = dict(percentile=90) if name == 'hausdorff' else {}
    nothing = np.full((5, 6), 255, np.uint8)
    assert math.isnan(of(name, nothing, nothing * 0 + 1, prob=np.full((2, 5, 6), 0.5), **settings))


def test_the_rule_for_empty_masks_is_the_diagonal_for_distances_of_one_sided_cases_alone():
    label, nothing = np.zeros((6, 8), np.uint8), np.zeros((6, 8), np.uint8)
    label[2:4, 2:4] = 1
    settings = dict(class_names=('none', 'it'), metrics=(*DEFAULT, 'hd'))
    for pair in ((label, nothing), (nothing, label)):
        row, = evaluate_case(*pair, (2.0, 1.5), empty='worst', **settings)
        assert row['hd95_mm'] == row['assd_mm'] == row['hd_mm'] == pytest.approx(math.hypot(12, 12)) and row['dice'] == 0
        row, = evaluate_case(*pair, (2.0, 1.5), **settings)
        assert math.isnan(row['hd95_mm']) and row['dice'] == 0
    row, = evaluate_case(nothing, nothing, None, empty='worst', **settings)
    assert math.isnan(row['hd95_voxel']) and math.isnan(row['dice'])
    with pytest.raises(UserError, match="empty='bad' is no rule"):
        evaluate_case(label, label, None, empty='bad', **settings)


def test_columns_have_units_and_settings_and_are_understood_again():
    label, prediction = blobs((12, 14), 0)
    metrics = ('dice', dict(type='surface_dice', tolerance=2.5), 'hd95', dict(type='hausdorff', percentile=99), 'brier')
    prob = np.stack([label == c for c in range(3)]).astype(float)
    row = evaluate_case(label, prediction, (1.0, 1.0), class_names=tuple('abc'), metrics=metrics, prob=prob)[0]
    columns = [k for k in row if k not in ('case', 'class', 'state', 'label_voxels', 'prediction_voxels', 'fused')]
    assert columns == ['dice', 'surface_dice_2.5mm', 'hd95_mm', 'hausdorff99_mm', 'brier']
    assert [describe(c).text for c in columns] == ['Dice %', 'surface Dice 2.5 mm %', 'HD95 mm', 'HD99 mm', 'Brier']
    assert [describe(c).better for c in columns] == ['higher', 'higher', 'lower', 'lower', 'lower']
    row = evaluate_case(label, prediction, None, class_names=tuple('abc'), metrics=metrics[:3])[0]
    assert {'surface_dice_2.5voxel', 'hd95_voxel'} <= set(row)
    assert describe('surface_dice_2.5voxel').title == 'surface Dice 2.5 voxels'
    assert describe('somebody_elses').text == 'somebody_elses' and describe('somebody_elses').better is None


def test_what_no_measure_asks_for_is_not_worked_out(monkeypatch):
    from scarceseg.components.evaluators import pairs
    monkeypatch.setattr(pairs, 'surface_distances', lambda *_: pytest.fail('surfaces were looked for'))
    label, prediction = blobs((12, 14), 0)
    evaluate_case(label, prediction, None, class_names=tuple('abc'), metrics=OVERLAP)


def test_distances_of_a_class_are_worked_out_once(monkeypatch):
    from scarceseg.components.evaluators import pairs
    calls, real = [], pairs.surface_distances
    monkeypatch.setattr(pairs, 'surface_distances', lambda *a: calls.append(1) or real(*a))
    label, prediction = blobs((12, 14), 0)
    evaluate_case(label, prediction, None, class_names=tuple('abc'), metrics=('hd', 'hd95', 'assd', 'asd_label', 'surface_dice'))
    assert len(calls) == 2


def test_a_measure_of_ones_own_is_one_function():
    from scarceseg.components.evaluators import measure

    @measure('missed', kind='number', better='lower')
    def missed_voxels(c, *, factor=1):
        """Voxels of the label that were not found."""
        return factor * (c.label_voxels - c.counts[1, 1])
    try:
        row = evaluate_case(*GOLDEN, None, class_names=('none', 'it'), metrics=(dict(type='missed_voxels', factor=3),))[0]
        assert row['missed_voxels'] == 3 and describe('missed_voxels').text == 'missed'
    finally:
        METRICS.module_dict.pop('missed_voxels')


@pytest.mark.parametrize('metric, sentence', [
    ('dicee', "no metric is called 'dicee'.*did you mean 'dice'"), ('DiceMetric', "no metric is called 'DiceMetric'"),
    (dict(type='surface_dice', tolerence=1), "did you mean 'tolerance'"), (dict(type='surface_dice', tolerance=-1), '0 or more'),
    (dict(type='hausdorff', percentile=101), r'must lie in \[0, 100\]'),
    (dict(type='lesion_f1', overlap=1), r'must lie in \[0, 1\)'),
    ('hausdorff', "needs a value for 'percentile'"), ('brier', 'judged by probabilities'),
    (dict(type='calibration_error', bins=0), 'whole number')])
def test_a_slip_in_a_metric_is_one_sentence(metric, sentence):
    with pytest.raises(UserError, match=sentence) as caught:
        prob = np.stack([GOLDEN[1] == c for c in range(2)]) if isinstance(metric, dict) else None
        evaluate_case(*GOLDEN, None, class_names=('none', 'it'), metrics=(metric,), prob=prob)
    assert '\n' not in str(caught.value)


def test_probabilities_of_another_shape_are_refused():
    with pytest.raises(UserError, match=r'shape \(3, 2, 4\).*needs \(2, 2, 4\)'):
        evaluate_case(*GOLDEN, None, class_names=('none', 'it'), metrics=('brier',), prob=np.ones((3, 2, 4)))

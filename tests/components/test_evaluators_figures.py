import math

import numpy as np
import pytest

pytest.importorskip('matplotlib')
from matplotlib import image as images
from matplotlib.colors import to_rgb

from scarceseg.components.evaluators.curves import curve_panels
from scarceseg.components.evaluators.drawing import PALETTE
from scarceseg.components.evaluators.figures import (
    case_figure,
    curves_figure,
    panel_title,
    pick_cases,
    pick_slices,
)
from scarceseg.registry.errors import UserError

NAMES = ('background', 'RV', 'myocardium', 'LV')


def rows_of(case, *dice, fused=None):
    rows = [{'case': case, 'class': str(k), 'dice': d, 'hd95_mm': 2.0 + k, 'fused': 0} for k, d in enumerate(dice)]
    whole = {'case': case, 'class': 'all', 'dice': fused, 'hd95_mm': 99.0, 'fused': 1}
    return rows if fused is None else [*rows, whole]


def panel(shape, spacing_mm, *, classes=(1, 2, 3)):
    """Boxes of the classes side by side, the prediction one voxel lower, on noise."""
    label = np.zeros(shape, np.uint8)
    for k, c in enumerate(classes):
        label[..., 8:20, 6 + 8 * k:13 + 8 * k] = c
    image = np.random.default_rng(0).normal(size=(1, *shape)).astype(np.float32)
    return dict(title='best: a   Dice 90.0 %', image=image, label=label, prediction=np.roll(label, 1, -2),
                spacing_mm=spacing_mm)


def colours_in(path):
    """Which colours of the palette the image holds, by index."""
    pixels = images.imread(path)[..., :3].reshape(-1, 3)
    return {k for k, colour in enumerate(PALETTE) if (np.abs(pixels - to_rgb(colour)).max(1) < 0.02).sum() > 20}


def test_best_median_and_worst_are_picked_by_the_mean_dice_of_the_plain_classes():
    rows = [*rows_of('a', 0.5, 0.7), *rows_of('b', 0.9, 0.9, fused=0.0), *rows_of('c', 0.2, math.nan),
            *rows_of('d', 0.8, 0.8), *rows_of('e', 0.1, 0.5), *rows_of('f', math.nan, math.nan)]
    assert pick_cases(rows) == {'best': 'b', 'median': 'a', 'worst': 'c'}


def test_fewer_than_three_cases_are_not_shown_twice():
    assert pick_cases(rows_of('a', 0.5)) == {'best': 'a'}
    assert pick_cases(rows_of('a', 0.5) + rows_of('b', 0.6)) == {'best': 'b', 'worst': 'a'}
    assert pick_cases(rows_of('a', math.nan)) == {}


def test_without_dice_the_first_metric_decides_and_of_distances_the_smallest_is_best():
    def rows(case, **values):
        return {'case': case, 'class': 'x', **values, 'fused': 0}
    assert pick_cases([rows('a', iou=0.3, hd95_mm=1.0), rows('b', iou=0.4, hd95_mm=9.0)]) == {'best': 'b', 'worst': 'a'}
    assert pick_cases([rows('a', hd95_voxel=3.0), rows('b', hd95_voxel=2.0), rows('c', hd95_voxel=math.nan)]) == {
        'best': 'b', 'worst': 'a'}
    assert panel_title('best', [rows('a', iou=0.25)]) == 'best: a   IoU 25.0 %'


def test_panel_title_gives_the_means_of_the_case():
    assert panel_title('worst', rows_of('p1', 0.5, 0.7, fused=0.0)) == 'worst: p1   Dice 60.0 %   HD95 2.5 mm'
    empty = [{'case': 'p1', 'class': 'RV', 'dice': 0.0, 'hd95_mm': math.nan, 'fused': 0}]
    assert panel_title('worst', empty) == 'worst: p1   Dice 0.0 %   no HD95'


def test_slices_are_the_fullest_and_others_spread_over_the_foreground():
    label = np.zeros((20, 10, 10), np.uint8)
    label[5:17, 4:6, 4:6] = 1
    label[9, 2:8, 2:8] = 1
    assert pick_slices(label, np.zeros_like(label)) == [5, 9, 16]
    label[16, :, :] = 0
    label[16, 5, 5] = 1  # too little to be worth a panel
    assert pick_slices(label, np.zeros_like(label)) == [5, 9, 15]
    assert pick_slices(np.where(label, 255, 0), label) == pick_slices(np.zeros_like(label), np.zeros_like(label))


@pytest.mark.parametrize('depth', [1, 2, 3])
def test_slices_of_a_shallow_volume_are_each_shown_once(depth):
    slices = pick_slices(np.ones((depth, 4, 4), np.uint8), np.ones((depth, 4, 4), np.uint8))
    assert slices == list(range(depth))


@pytest.mark.parametrize('shape, spacing_mm', [((5, 40, 40), (10.0, 1.5, 1.5)), ((2, 40, 40), None),
                                               ((40, 40), (1.0, 2.0))])
def test_case_figure_is_written_with_the_colours_of_its_classes(tmp_path, shape, spacing_mm):
    case_figure([panel(shape, spacing_mm), panel(shape, spacing_mm)], tmp_path / 'cases.png', class_names=NAMES)
    assert colours_in(tmp_path / 'cases.png') == {0, 1, 2}
    assert [p.name for p in tmp_path.iterdir()] == ['cases.png']


def test_without_background_class_0_has_an_outline_too(tmp_path):
    case_figure([panel((40, 40), None)], tmp_path / 'cases.png', class_names=NAMES, has_background=False)
    assert colours_in(tmp_path / 'cases.png') == {0, 1, 2, 3}


def test_three_channels_without_millimetres_are_colours(tmp_path):
    shares = {}
    for spacing_mm in (None, (1.0, 1.0)):
        red = dict(panel((40, 40), spacing_mm, classes=()), image=np.stack([np.eye(40), np.zeros((40, 40)), np.zeros((40, 40))]))
        case_figure([red], tmp_path / 'cases.png', class_names=NAMES)
        pixels = images.imread(tmp_path / 'cases.png')[..., :3]
        shares[spacing_mm] = ((pixels[..., 0] > 0.9) & (pixels[..., 1] < 0.1)).sum()
    assert shares[None] > 500 and shares[1.0, 1.0] == 0


def test_a_class_that_is_nowhere_has_no_colour_in_the_figure(tmp_path):
    case_figure([panel((5, 40, 40), None, classes=(1, 3))], tmp_path / 'cases.png', class_names=NAMES)
    assert colours_in(tmp_path / 'cases.png') == {0, 2}


def test_a_case_without_any_foreground_is_drawn_all_the_same(tmp_path):
    case_figure([panel((5, 40, 40), None, classes=())], tmp_path / 'cases.png', class_names=NAMES)
    assert colours_in(tmp_path / 'cases.png') == set() and images.imread(tmp_path / 'cases.png')[..., 0].std() > 0.1


def test_a_figure_without_cases_is_refused(tmp_path):
    with pytest.raises(UserError, match='no case to draw'):
        case_figure([], tmp_path / 'cases.png', class_names=NAMES)
    assert not list(tmp_path.iterdir())


def test_the_label_is_solid_and_the_prediction_dashed(tmp_path):
    found = []
    for key in ('label', 'prediction'):
        only = panel((40, 40), None)
        only['prediction' if key == 'label' else 'label'] = np.zeros((40, 40), np.uint8)
        case_figure([only], tmp_path / f'{key}.png', class_names=NAMES)
        pixels = images.imread(tmp_path / f'{key}.png')[..., :3]
        pixels = pixels[:int(len(pixels) * 0.85)]  # without the legend
        found.append((np.abs(pixels - to_rgb(PALETTE[0])).max(-1) < 0.02).sum())
    assert 0.4 < found[1] / found[0] < 0.8  # dashes of 2.5 with gaps of 1.5


def test_curves_are_grouped_into_losses_validation_and_schedules():
    points = [(1, 1.0), (2, 0.5)]
    names = ('train/lr', 'train/base_lr', 'train/time', 'train/loss', 'train/loss_sup', 'train/loss_pseudo',
             'train/term/pseudo', 'train/weight/pseudo', 'val/dice/mean', 'val/dice/RV', 'iter')
    panels = curve_panels(dict.fromkeys(names, points))
    assert {title: list(members) for title, members in panels.items()} == {
        'training loss (weighted terms)': ['total', 'sup', 'pseudo'], 'validation Dice': ['mean', 'RV'],
        'terms of the loss, unweighted': ['pseudo'], 'weights of the terms': ['pseudo'], 'learning rate': ['lr']}


def test_a_validation_of_iou_is_called_so():
    assert list(curve_panels({'val/iou/mean': [(1, 0.5)]})) == ['validation IoU']


def test_a_single_term_is_not_drawn_beside_the_total_it_equals():
    panels = curve_panels({'train/loss': [(1, 1.0)], 'train/loss_sup': [(1, 1.0)]})
    assert panels == {'training loss (weighted terms)': {'total': [(1, 1.0)]}}


@pytest.mark.parametrize('iterations', [0, 1, 3, 400])
def test_curves_figure_is_written_for_short_and_long_and_broken_trainings(tmp_path, iterations):
    names = ('train/loss', 'train/loss_a', 'train/loss_b', 'train/lr', 'val/dice/mean', 'val/dice/RV')
    curves = {name: [(k, math.nan if k % 7 == 3 else 1 / (k + 1) ** 2) for k in range(iterations)] for name in names}
    curves_figure(curves, tmp_path / 'curves.png')
    pixels = images.imread(tmp_path / 'curves.png')
    assert pixels.shape[1] > 600 and pixels[..., 0].min() < 0.2
    assert colours_in(tmp_path / 'curves.png') == ({0, 1} if iterations else set())


def test_drawing_leaves_no_figure_with_pyplot(tmp_path):
    pyplot = pytest.importorskip('matplotlib.pyplot')
    before = pyplot.get_fignums()
    curves_figure({'train/loss': [(1, 1.0), (2, 0.5)]}, tmp_path / 'curves.png')
    case_figure([panel((40, 40), None)], tmp_path / 'cases.png', class_names=NAMES)
    assert pyplot.get_fignums() == before

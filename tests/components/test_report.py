"""The page of a run, from facts written by hand."""
import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from scarceseg.components.evaluators import evaluate_cases, summarise
from scarceseg.components.evaluators.report import report_page
from scarceseg.components.evaluators.report.axes import axis_of
from scarceseg.components.evaluators.report.pictures import SIZE, case_pictures

from ..page_reader import Page

NAMES = ('background', 'RV', 'LV')
HOSTILE = '</title><script>alert(1)</script>"\'><img src=x onerror=alert(2)> & $\\{7*7}'


def make_case(k, shape=(4, 30, 40)):
    rng = np.random.default_rng(k)
    label = np.zeros(shape, np.uint8)
    label[..., 8:20, 6:16], label[..., 8:20, 20:30] = 1, 2
    prediction = np.roll(label, 1 + k % 3, -2)
    return dict(label=label, prediction=prediction, image=rng.normal(size=(1, *shape)).astype(np.float32))


def make_result(names, *, spacing_mm=(8.0, 1.5, 1.5), shape=(4, 30, 40), class_names=NAMES, **beside):
    cases = {name: make_case(k, shape) for k, name in enumerate(names)}
    rows = evaluate_cases(names, lambda n: dict(label=cases[n]['label'], prediction=cases[n]['prediction'], spacing_mm=spacing_mm),
                          class_names=class_names)
    panels = [dict(cases[n], spacing_mm=spacing_mm, title=f'Best: {n}', case=n, **beside) for n in names[:3]]
    return dict(rows=rows, summary=summarise(rows), class_names=class_names, has_background=True, panels=panels,
                without_pictures='')


CURVES = {'train/loss': [(50, 2.0), (100, 0.5), (150, 0.01)], 'train/loss_sup': [(50, 1.5), (100, 0.4), (150, 0.01)],
          'train/loss_con': [(50, 0.5), (100, float('nan')), (150, 0.1)], 'train/lr': [(50, 0.1), (150, 0.05)],
          'train/time': [(50, 0.2), (150, 0.3)], 'val/dice/mean': [(100, 0.7)], 'val/dice/RV': [(100, 0.65)]}


def make_facts(**changed):
    facts = dict(title='run', subtitle='a run', alerts=[('LEAK', 'selected on these cases'), ('note', 'x')],
                 tiles=[('20', 'cases')], about=[('Method', 'dmpls')],
                 networks=(['network', 'type', 'parameters'], [['net', 'UNet2D', '1 000']]),
                 parts=(['part', 'for', 'cases', 'samples', 'from'], [['scribbled', 'training', 140, 1000, 'ACDC']]), curves=CURVES,
                 result=make_result(['a', 'b', 'c', 'd']), checkpoint=[('File', 'last.pth')], timing=[('Iteration', '0.2 s')],
                 others=(['folder', 'cases'], [['predictions/x', 3]]), environment=[('torch', '2.13')],
                 commands=[('Train', 'python tools/train.py x')], files=[('a%20b.csv', 'a b.csv', 'results')], config='a = 1',
                 footer='')
    return {**facts, **changed}


def test_a_whole_page_is_balanced_and_needs_nothing_from_elsewhere():
    page = Page(report_page(make_facts()))
    assert page.fetched() == []
    policy = page.all('meta', **{'http-equiv': 'Content-Security-Policy'})[0]['content']
    assert policy.startswith("default-src 'none'")
    anchors = [a['href'][1:] for a in page.all('a') if a['href'].startswith('#')]
    assert len(anchors) == 11 and set(anchors) == {s['id'] for s in page.all('section')}
    assert len({own['id'] for _, own in page.elements if 'id' in own}) == sum('id' in own for _, own in page.elements)


def test_nothing_known_is_still_a_page():
    for facts in ({}, dict(curves={}, result=None, alerts=[], files=[], networks=([], []))):
        page = Page(report_page(facts))
        assert page.all('section') == [] and page.all('h1')


def test_names_of_users_are_text_whatever_they_hold():
    result = make_result([HOSTILE, 'b' + HOSTILE, 'c'], class_names=('background', HOSTILE, 'LV'))
    result['panels'] = [dict(panel, title=HOSTILE) for panel in result['panels']]
    curves = {f'val/dice/{HOSTILE}': [(1, 0.5)], f'train/loss_{HOSTILE}': [(1, 0.5)], **CURVES}
    table = ([HOSTILE] * 3, [[HOSTILE] * 3])
    pairs = [(HOSTILE, HOSTILE)]
    page = Page(report_page(make_facts(
        title=HOSTILE, subtitle=HOSTILE, alerts=pairs, tiles=pairs, about=pairs, networks=table, parts=table, others=table,
        curves=curves, result=result, checkpoint=pairs, timing=pairs, environment=pairs, commands=pairs,
        files=[(HOSTILE, HOSTILE, HOSTILE)],
        config=HOSTILE, footer=HOSTILE)))
    assert page.fetched() == [] and page.all('img') == [] and page.all('script') == []
    assert not [key for _, own in page.elements for key in own if key.startswith('on')]
    assert page.text.count('<script>alert(1)</script>') > 30


def test_the_table_has_the_numbers_of_the_summary_and_says_what_is_lacking():
    result = make_result(['a', 'b'])
    lacking = [dict(row) for row in result['rows']]
    lacking[0].update(dice=0.0, hd95_mm=float('nan'), assd_mm=float('nan'), state='prediction_empty')
    result.update(rows=lacking, summary=summarise(lacking))
    text = Page(report_page(dict(result=result))).text
    rv = result['summary']['RV']['dice']
    assert f'{100 * rv["mean"]:.2f} ± {100 * rv["std"]:.2f}' in text
    assert 'HD95: 1, ASSD: 1' in text and '1 case without prediction counts as Dice 0 and has no distance' in text
    assert 'not found' in text and 'nan' not in text


def test_every_drawing_has_a_description_and_every_table_headings_with_a_scope():
    page = Page(report_page(make_facts()))
    drawings = [own for own in page.all('svg') if own.get('aria-hidden') != 'true']
    assert len(drawings) == 3 + 3 + 3 * 3 and all(own['role'] == 'img' and len(own['aria-label']) > 20 for own in drawings)
    assert all('scope' in own for own in page.all('th')) and len(page.all('caption')) == len(page.all('table'))


def test_each_case_is_a_point_with_its_name_for_each_class_and_metric():
    page = Page(report_page(dict(result=make_result(['first', 'second', 'third']))))
    for case in ('first', 'second', 'third'):
        assert len(re.findall(rf'<title>{case}: ', page.source)) == 2 * 3
    assert len(page.all('circle', **{'class': 'point'})) == 3 * 2 * 3


def test_boxes_are_the_quartiles_and_whiskers_end_at_the_last_case_within_reach():
    values = [0.1, 0.6, 0.62, 0.7, 0.75, 0.8]
    rows = [{'case': f'c{k}', 'class': 'x', 'dice': v, 'state': 'both', 'label_voxels': 1, 'prediction_voxels': 1, 'fused': 0}
            for k, v in enumerate(values)]
    result = dict(rows=rows, summary=summarise(rows), class_names=('background', 'x'), has_background=True, panels=[],
                  without_pictures='')
    page = Page(report_page(dict(result=result)))
    low, middle, high = np.percentile(values, (25, 50, 75))
    points = {c: float(x) for c, x in zip(sorted(range(6)), (own['cx'] for own in page.all('circle', **{'class': 'point'})))}
    scale = (points[5] - points[0]) / 0.7
    box = page.all('rect', **{'class': 'box'})[0]
    assert float(box['x']) == pytest.approx(points[0] + scale * (low - 0.1), abs=0.2)
    assert float(box['width']) == pytest.approx(scale * (high - low), abs=0.2)
    whisker = page.all('path', **{'class': 'whisker'})[0]['d']
    assert float(re.match(r'M([\d.]+)', whisker)[1]) == points[1]  # 0.1 is too far away
    assert f'median {100 * middle:.2f}' in page.text and 'worst 10.00: c0' in page.text


def test_curves_leave_out_what_is_no_number_and_answer_the_pointer():
    page = Page(report_page(dict(curves=CURVES)))
    assert '<title>con 0.1 at iteration 150</title>' in page.source and 'nan' not in page.source
    assert 'logarithmic scale' in page.text and 'best mean 0.7 at iteration 100' in page.text
    lines = {own['class'] for own in page.all('path')}
    dashed = {own.get('stroke-dasharray') for own in page.all('path', **{'class': 'curve s1'})}
    assert {'curve lead', 'curve s0', 'curve s1'} <= lines and dashed == {'7 3'}  # told apart without colours


def test_curves_without_any_finite_value_are_said_not_drawn():
    page = Page(report_page(dict(curves={'train/loss': [(1, float('nan')), (2, float('inf'))], 'val/dice/mean': []})))
    assert page.all('path') == [] and 'no finite value' in page.text


def numbers(path):
    return np.array(re.findall(r'-?[\d.]+', path), float).reshape(-1, 2)


@pytest.mark.parametrize('shape, spacing_mm, pictures', [((4, 30, 40), (8.0, 1.5, 1.0), 3), ((30, 40), None, 1),
                                                         ((1, 30, 40), (5, 1, 1), 1)])
def test_an_outline_lies_around_its_class_in_the_image_beneath(shape, spacing_mm, pictures):
    panel = dict(make_case(0, shape), spacing_mm=spacing_mm, title='a')
    page = Page(case_pictures(panel, class_names=NAMES))
    assert len(page.all('image')) == pictures
    outline, own = numbers(page.all('path', **{'class': 'outline'})[0]['d']), page.all('image')[0]
    data = base64.b64decode(own['href'].partition(',')[2])
    width, height = Image.open(io.BytesIO(data)).size
    x, y = ((outline[:, k] - float(own['xy'[k]])) / float(own[('width', 'height')[k]]) * (width, height)[k] for k in (0, 1))
    cut = np.array(Image.open(io.BytesIO(data)).convert('L'), float)
    whole = panel['image'][0].reshape(-1, *shape[-2:])[0]
    places = [(top, left) for top in range(31 - height) for left in range(41 - width)]
    top, left = max(places, key=lambda at: np.corrcoef(whole[at[0]:at[0] + height, at[1]:at[1] + width].clip(-2, 2).ravel(),
                                                       cut.ravel())[0, 1])
    assert (x.min() + left, x.max() + left) == pytest.approx((6, 16), abs=0.1)  # columns 6 to 15, edge to edge
    assert (y.min() + top, y.max() + top) == pytest.approx((8, 20), abs=0.1)
    if spacing_mm is not None:  # a millimetre is as wide as high
        across, down = float(own['width']) / width / spacing_mm[-1], float(own['height']) / height / spacing_mm[-2]
        assert across == pytest.approx(down, rel=0.01)


def test_label_and_prediction_are_told_apart_by_dashes_and_classes_by_numbers():
    page = Page(case_pictures(dict(make_case(1), spacing_mm=(8, 1, 1), title='a'), class_names=NAMES))
    dashes = [own.get('stroke-dasharray') for own in page.all('path', **{'class': 'outline'})]
    assert dashes == [None, '5 3'] * 2 * 3
    assert page.text.split().count('1') >= 3 and page.text.split().count('2') >= 3


def test_a_case_with_uncertainty_has_a_picture_of_it_for_each_slice():
    uncertainty = np.linspace(0, 1, 4 * 30 * 40).reshape(4, 30, 40)
    result = make_result(['a'], uncertainty=uncertainty, uncertainty_name='variance of five')
    page = Page(report_page(dict(result=result)))
    assert page.text.count('variance of five') == 3 and 'black is certain' in page.text
    brightness = [np.array(Image.open(io.BytesIO(base64.b64decode(own['href'].partition(',')[2]))).convert('L'), float).mean()
                  for own in page.all('image')[3:]]
    assert len(brightness) == 3 and brightness == sorted(brightness)


def test_a_large_picture_in_colour_is_stored_small_and_without_background_every_class_has_an_outline():
    rng, label = np.random.default_rng(0), np.zeros((900, 1200), np.uint8)
    label[100:800, 300:700] = 1
    panel = dict(image=rng.random((3, 900, 1200)), label=label, prediction=label, spacing_mm=None, title='a')
    text = case_pictures(panel, class_names=('skin', 'lesion'), has_background=False)
    assert len(text) < 400_000 and len(Page(text).all('path', **{'class': 'outline'})) == 4
    assert f'viewBox="0 0 {SIZE} {SIZE}"' in text


@pytest.mark.parametrize('names, spacing_mm, shape', [(['only'], None, (30, 40)), (['only'], (8, 1, 1), (4, 30, 40)),
                                                      (['a', 'b'], None, (30, 40))])
def test_few_cases_and_pictures_without_millimetres_have_a_page(names, spacing_mm, shape):
    page = Page(report_page(make_facts(result=make_result(names, spacing_mm=spacing_mm, shape=shape))))
    assert ('HD95 voxels' if spacing_mm is None else 'HD95 mm') in page.text
    assert len(page.all('image')) == len(names) * (3 if len(shape) == 3 else 1)


def test_no_class_in_any_case_is_said_without_a_drawing():
    empty = np.zeros((4, 30, 40), np.uint8)
    rows = evaluate_cases(['a'], lambda _: dict(label=empty, prediction=empty, spacing_mm=None), class_names=NAMES)
    result = dict(rows=rows, summary=summarise(rows), class_names=NAMES, has_background=True, panels=[],
                  without_pictures='none here')
    text = Page(report_page(dict(result=result))).text
    assert 'absent' in text and 'none here' in text and 'nan' not in text


def test_twenty_cases_make_less_than_three_megabytes():
    result = make_result([f'case_{k:03d}' for k in range(20)], shape=(9, 256, 256))
    result['panels'] = result['panels'][:3]
    names = (*CURVES, 'train/loss_a', 'train/loss_b', 'train/term/a')
    curves = {name: [(50 * k, 1 / (k + 1)) for k in range(1200)] for name in names}
    assert len(report_page(make_facts(result=result, curves=curves))) < 3_000_000


@pytest.mark.parametrize('values, log', [((0.001, 90), True), ((0, 1), False), ((3, 3), False), ((-5, 1e6), False),
                                         ((0, 0), False)])
def test_axes_hold_their_values_and_a_few_round_numbers(values, log):
    axis = axis_of(values, 0, 100, log=log)
    ticks = axis.ticks()
    assert all(0 <= axis.at(v) <= 100 for v in values) and axis.at(axis.low) == 0 and axis.at(axis.high) == pytest.approx(100)
    assert 2 <= len(ticks) <= 12 and all(axis.low - 1e-6 <= t <= axis.high + 1e-6 for t in ticks)

import math

import numpy as np
import pytest

from scarceseg.components import drafts
from scarceseg.components.evaluators import evaluate_cases, read_csv, summarise, terminal_table, write_csv
from scarceseg.registry.errors import UserError

NAN = math.nan


def row(case, name, dice, hd95, state='both', fused=0):
    return {'case': case, 'class': name, 'dice': dice, 'hd95_mm': hd95, 'state': state, 'label_voxels': 10,
            'prediction_voxels': 12, 'fused': fused}


# case b: RV not predicted; case c: LV on neither side, RV predicted where there is none
ROWS = [row('a', 'RV', 0.8, 4.0), row('a', 'LV', 0.9, 2.0), row('a', 'both', 0.1, 99.0, fused=1),
        row('b', 'RV', 0.0, NAN, 'prediction_empty'), row('b', 'LV', 0.7, 6.0), row('b', 'both', 0.1, 99.0, fused=1),
        row('c', 'RV', 0.0, NAN, 'label_empty'), row('c', 'LV', NAN, NAN, 'both_empty'),
        row('c', 'both', 0.1, 99.0, fused=1)]


def test_summary_of_a_small_example_is_that_computed_by_hand():
    summary = summarise(ROWS)
    assert list(summary) == ['RV', 'LV', 'both', 'mean']
    assert summary['RV']['dice'] == pytest.approx({'mean': 0.8 / 3, 'std': math.sqrt(0.64 * 2) / 3, 'counted': 3})
    assert summary['LV']['dice'] == pytest.approx({'mean': 0.8, 'std': 0.1, 'counted': 2})
    assert summary['RV']['hd95_mm'] == pytest.approx({'mean': 4.0, 'std': 0.0, 'counted': 1})
    assert summary['LV']['hd95_mm'] == pytest.approx({'mean': 4.0, 'std': 2.0, 'counted': 2})
    assert summary['RV']['states'] == {'both': 1, 'prediction_empty': 1, 'label_empty': 1}
    assert summary['LV']['states'] == {'both': 2, 'both_empty': 1} and summary['LV']['cases'] == 3


def test_the_mean_is_that_of_the_class_means_without_fused_classes():
    mean = summarise(ROWS)['mean']
    # Dice of the cases: (0.8 + 0.9) / 2 = 0.85, (0 + 0.7) / 2 = 0.35, 0; HD95: 3, 6, none
    assert mean['dice'] == pytest.approx({'mean': (0.8 / 3 + 0.8) / 2, 'std': np.std([0.85, 0.35, 0]), 'counted': 3})
    assert mean['hd95_mm'] == pytest.approx({'mean': 4.0, 'std': 1.5, 'counted': 2})
    assert mean['cases'] == 3


def test_a_class_that_no_case_has_is_not_counted():
    summary = summarise([row('a', 'RV', 0.5, 1.0), row('a', 'LV', NAN, NAN, 'both_empty')])
    assert summary['LV']['dice']['counted'] == 0 and math.isnan(summary['LV']['dice']['mean'])
    assert summary['mean']['dice']['mean'] == 0.5
    line = next(line for line in terminal_table(summary).splitlines() if line.startswith('LV'))
    assert line.split() == ['LV', '–', '–', '0', 'of', '1', '0', 'of', '1']


def test_the_order_of_the_rows_makes_no_difference_to_the_numbers():
    summary, turned = summarise(ROWS), summarise(ROWS[::-1])
    for name in summary:
        assert summary[name]['dice'] == pytest.approx(turned[name]['dice'])


def test_terminal_table_shows_percent_and_millimetres_and_counts():
    lines = terminal_table(summarise(ROWS)).splitlines()
    assert lines[0].split() == ['class', 'Dice', '%', 'HD95', 'mm', 'cases', 'with', 'distance']
    assert lines[2].split() == ['RV', '26.67', '±', '37.71', '4.00', '±', '0.00', '3', 'of', '3', '1', 'of', '3']
    assert lines[3].split() == ['LV', '80.00', '±', '10.00', '4.00', '±', '2.00', '2', 'of', '3', '2', 'of', '3']
    assert lines[5].split()[:2] == ['mean', '53.33']


def test_terminal_table_says_which_cases_were_not_counted_and_why():
    notes = terminal_table(summarise([*ROWS, row('d', 'RV', 0.0, NAN, 'prediction_empty')])).splitlines()[-3:]
    assert notes == ['RV: 2 cases without prediction count as Dice 0 and have no distance',
                     'RV: 1 case with prediction but without label counts as Dice 0 and has no distance',
                     'LV: 1 case with neither label nor prediction is not counted']


def test_terminal_table_of_overlap_alone_does_not_speak_of_distances():
    rows = [{k: v for k, v in r.items() if k != 'hd95_mm'} for r in ROWS]
    assert 'distance' not in terminal_table(summarise(rows))


def test_csv_gives_back_the_rows_to_the_bit(tmp_path):
    rows = [row('Fall ü, "quoted"', 'RV', 1 / 3, 0.1 + 0.2), row('b', 'LV', 0.0, NAN, 'prediction_empty')]
    write_csv(rows, tmp_path / 'new folder' / 'cases.csv')
    back = read_csv(tmp_path / 'new folder' / 'cases.csv')
    assert math.isnan(back[1].pop('hd95_mm')) and math.isnan(rows[1].pop('hd95_mm'))
    assert back == rows and [*map(type, back[0].values())] == [*map(type, rows[0].values())]


def test_csv_of_numpy_numbers_is_readable(tmp_path):
    write_csv([row('a', 'RV', np.float64(0.25), np.float32(0.5))], tmp_path / 'cases.csv')
    assert (tmp_path / 'cases.csv').read_text().splitlines()[1] == 'a,RV,0.25,0.5,both,10,12,0'


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    write_csv(ROWS, tmp_path / 'cases.csv')
    before = (tmp_path / 'cases.csv').read_bytes()

    def fail(*_):
        raise OSError('disk full')
    monkeypatch.setattr(drafts.os, 'replace', fail)
    with pytest.raises(OSError, match='disk full'):
        write_csv(ROWS[:1], tmp_path / 'cases.csv')
    assert [p.name for p in tmp_path.iterdir()] == ['cases.csv'] and (tmp_path / 'cases.csv').read_bytes() == before


def test_a_table_that_is_missing_or_of_another_kind_is_refused(tmp_path):
    with pytest.raises(UserError, match='there is no table'):
        read_csv(tmp_path / 'none.csv')
    (tmp_path / 'other.csv').write_text('a,b\n1,2\n')
    with pytest.raises(UserError, match="no column 'case', 'class', 'state'"):
        read_csv(tmp_path / 'other.csv')


def nothing_found(name):
    return dict(label=np.eye(3, dtype=int), prediction=np.zeros((3, 3), int), spacing_mm=None)


def test_notes_name_the_scores_that_are_there():
    rows = evaluate_cases(['a'], nothing_found, class_names=('none', 'it'),
                          metrics=('iou', 'dice', 'hd95'))
    text = terminal_table(summarise(rows))
    assert 'it: 1 case without prediction counts as IoU and Dice 0 and has no distance' in text and 'HD95 voxels' in text
    rows = evaluate_cases(['a'], nothing_found, class_names=('none', 'it'),
                          metrics=('hd95',))
    assert 'it: 1 case without prediction has no distance' in terminal_table(summarise(rows))

"""The tools as a user calls them."""
import csv
import json

import nibabel as nib
import numpy as np
import pytest

from scarceseg.tools import eval as eval_tool
from scarceseg.tools import test as test_tool
from scarceseg.tools import train as train_tool

OPTIONS = ['--cfg-options', 'train_cfg.max_iters=2', 'train_cfg.val_interval=2', 'model.networks.dual.channels=[4,8]',
           'transforms.0.size=[32,32]', 'train_dataloader.batch_sampler.parts.scribbled=2']
TRAIN = ['wsl/dmpls_acdc_cpu', *OPTIONS]


@pytest.fixture
def at_work(small_folder, monkeypatch):
    """A working directory with data in it."""
    monkeypatch.chdir(small_folder)
    monkeypatch.delenv('SCARCESEG_DATA', raising=False)
    return small_folder


def call(tool, *argv):
    """Exit status of a tool: 0 where it returns."""
    try:
        tool.main(list(argv))
    except SystemExit as stop:
        return stop.code or 0
    return 0


def test_train_test_and_eval_run_one_after_another_without_arguments(at_work, capsys):
    assert call(train_tool, *TRAIN, '--data', '.') == 0
    run = at_work / 'work_dirs' / 'dmpls_acdc_cpu'
    assert call(test_tool, '--tta', '--save-prob') == 0
    out = run / 'predictions' / 'last_iter2_tta'
    assert {p.name for p in out.iterdir()} == {'case2.nii.gz', 'case3.nii.gz', 'case2_prob.nii.gz', 'case3_prob.nii.gz',
                                               'predictions.json'}
    source, prediction = nib.load(at_work / 'ACDC/images/case2.nii.gz'), nib.load(out / 'case2.nii.gz')
    assert prediction.shape == source.shape and np.array_equal(prediction.affine, source.affine)
    assert prediction.get_data_dtype() == np.uint8
    prob = nib.load(out / 'case2_prob.nii.gz').get_fdata()
    assert prob.shape == (*source.shape, 4) and np.allclose(prob.sum(-1), 1, atol=1e-5)
    assert call(eval_tool) == 0
    text = capsys.readouterr().out
    assert 'myocardium' in text and 'HD95 mm' in text
    rows = list(csv.DictReader((out / 'evaluation' / 'cases.csv').open()))
    assert len(rows) == 2 * 3 and {'dice', 'hd95_mm', 'assd_mm', 'state'} <= set(rows[0])
    assert (out / 'evaluation' / 'cases.png').stat().st_size > 5000
    summary = json.loads((out / 'evaluation' / 'summary.json').read_text())
    assert summary['made_by']['iteration'] == 2 and summary['made_by']['tta'] is True


def test_a_folder_of_images_is_predicted_and_a_bad_file_does_not_stop_the_rest(at_work, capsys, make_case, rng):
    call(train_tool, *TRAIN, '--data', '.')
    make_case('mine/héart one.nii.gz', rng.normal(0, 1, (50, 44, 2)).astype(np.float32))
    make_case('mine/single.nii', rng.normal(0, 1, (40, 40, 1)).astype(np.float32))
    (at_work / 'mine' / 'broken.nii.gz').write_bytes(b'not an image')
    (at_work / 'mine' / 'notes.txt').write_text('not an image')
    assert call(test_tool, 'work_dirs/dmpls_acdc_cpu', '--images', 'mine', '--out', 'out') == 1
    assert {p.name for p in (at_work / 'out').iterdir()} == {'héart one.nii.gz', 'single.nii', 'predictions.json'}
    assert nib.load(at_work / 'out' / 'single.nii').shape == (40, 40, 1)
    error = capsys.readouterr().err
    assert 'not predicted: broken:' in error and 'Traceback' not in error


def test_two_folders_are_compared_by_file_name(at_work, capsys):
    assert call(eval_tool, 'ACDC/labels', 'ACDC/labels', '--out', 'result', '--classes', 'background', 'RV', 'MYO', 'LV') == 0
    assert 'MYO' in capsys.readouterr().out
    rows = list(csv.DictReader((at_work / 'result' / 'cases.csv').open()))
    assert len(rows) == 12 and all(float(r['dice']) == 1 and float(r['hd95_mm']) == 0 for r in rows)


def test_a_best_checkpoint_judged_on_its_own_selection_says_so(at_work, capsys):
    call(train_tool, *TRAIN, '--data', '.')
    call(test_tool, '--checkpoint', 'best')
    call(eval_tool)
    assert 'selected on these very cases' in capsys.readouterr().out
    call(test_tool)
    call(eval_tool)
    assert 'selected on' not in capsys.readouterr().out


def test_files_that_are_not_ours_are_not_overwritten(at_work, capsys):
    call(train_tool, *TRAIN, '--data', '.')
    assert call(test_tool, '--out', 'ACDC/labels') == 2
    assert 'no prediction of this program' in capsys.readouterr().err


def test_predictions_of_different_images_or_checkpoints_are_not_mixed(at_work, capsys, make_case, rng):
    call(train_tool, *TRAIN, '--data', '.')
    for folder in ('a', 'b'):
        make_case(f'{folder}/images/x.nii.gz', rng.normal(0, 1, (40, 40, 2)).astype(np.float32))
        assert call(test_tool, '--images', f'{folder}/images') == 0
    assert len(list((at_work / 'work_dirs/dmpls_acdc_cpu/predictions').iterdir())) == 2
    assert call(test_tool, '--images', 'a/images', '--out', 'same') == 0
    assert call(test_tool, '--images', 'b/images', '--out', 'same') == 2
    assert 'another images; choose another --out' in capsys.readouterr().err


def test_an_interrupted_prediction_can_be_repeated(at_work, monkeypatch):
    from scarceseg.methods.prediction import Predictor
    call(train_tool, *TRAIN, '--data', '.')
    once = Predictor.__call__

    def stop(self, sample):
        if sample['name'] == 'case3':
            raise KeyboardInterrupt
        return once(self, sample)
    monkeypatch.setattr(Predictor, '__call__', stop)
    assert call(test_tool) == 130
    monkeypatch.undo()
    monkeypatch.chdir(at_work)
    assert call(test_tool) == 0


def test_a_two_dimensional_image_is_one_slice(at_work, make_case, rng):
    call(train_tool, *TRAIN, '--data', '.')
    make_case('flat/x.nii.gz', rng.normal(0, 1, (50, 44)).astype(np.float32))
    assert call(test_tool, 'wsl/dmpls_acdc_cpu', '--images', 'flat', '--out', 'out', '--save-prob') == 0
    assert nib.load(at_work / 'out' / 'x.nii.gz').shape == (50, 44)
    assert nib.load(at_work / 'out' / 'x_prob.nii.gz').shape == (50, 44, 1, 4)  # in NIfTI the third axis is space


def test_predictions_in_another_space_than_the_labels_are_refused(at_work, capsys, make_case):
    make_case('GT/case0.nii.gz', np.ones((40, 36, 3), np.uint8), affine=np.diag([-1.5, 1.5, 8.0, 1.0]))
    make_case('PRED/case0.nii.gz', np.ones((40, 36, 3), np.uint8))
    assert call(eval_tool, 'PRED', 'GT') == 2
    assert 'differently in space' in capsys.readouterr().err


def test_results_are_not_written_over_a_users_table(at_work, capsys):
    (at_work / 'cases.csv').write_text('precious')
    assert call(eval_tool, 'ACDC/labels', 'ACDC/labels', '--out', '.') == 2
    assert (at_work / 'cases.csv').read_text() == 'precious'


def test_a_run_that_was_moved_is_still_evaluated(at_work):
    call(train_tool, *TRAIN, '--data', '.')
    call(test_tool)
    (at_work / 'work_dirs' / 'dmpls_acdc_cpu').rename(at_work / 'elsewhere')
    assert call(eval_tool, 'elsewhere/predictions/last_iter2') == 0


@pytest.mark.parametrize('argv, parts', [
    (['wsl/dmpls_acdcc'], ["did you mean 'wsl/dmpls_acdc'"]),
    (['wsl/dmpls_acdc_cpu', '--data', 'nowhere'], ['no folder', 'nowhere', '--data']),
    (['wsl/dmpls_acdc_cpu', '--cfg-options', 'model.method.type=dmpl'], ["did you mean 'dmpls'"]),
    (['wsl/dmpls_acdc_cpu', '--resume'], ["no run of config 'dmpls_acdc_cpu'"])])
def test_a_users_mistake_ends_in_one_sentence_and_status_two(at_work, capsys, argv, parts):
    assert call(train_tool, *argv) == 2
    error = capsys.readouterr().err
    assert error.startswith('error: ') and error.count('\n') == 1
    assert all(part in error for part in parts), error


def test_options_that_are_none_are_answered(at_work, capsys):
    for wrong in (['train_cfg.max_iters', '5'], ['train_cfg.max_iters={"a":[1,2]}']):
        assert call(train_tool, 'wsl/dmpls_acdc_cpu', '--cfg-options', *wrong) == 2
        assert 'takes KEY=VALUE' in capsys.readouterr().err


@pytest.mark.parametrize('tool, argv, part', [
    (test_tool, [], 'no run with a checkpoint'), (test_tool, ['ACDC'], 'no run folder'), (eval_tool, [], 'no predictions'),
    (eval_tool, ['ACDC/labels', 'ACDC/splits'], 'without a label'), (eval_tool, ['ACDC/labels'], 'no folder of predictions')])
def test_nothing_to_work_on_is_said_in_one_sentence(at_work, capsys, tool, argv, part):
    assert call(tool, *argv) == 2
    assert part in capsys.readouterr().err


def test_a_checkpoint_of_another_network_is_refused(at_work, capsys):
    call(train_tool, *TRAIN, '--data', '.')
    call(train_tool, 'wsl/partial_ce_acdc_cpu', '--data', '.', *[o.replace('dual', 'net') for o in OPTIONS])
    assert call(test_tool, 'work_dirs/dmpls_acdc_cpu', '--checkpoint', 'work_dirs/partial_ce_acdc_cpu/last.pth') == 2
    assert 'does not fit the model' in capsys.readouterr().err

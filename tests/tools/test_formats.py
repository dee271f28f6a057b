"""Training, prediction and evaluation of several files a case, of pictures, and of labels with values of their own."""
import csv
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from scarceseg.components.datasets.layouts.split_lists import read_split
from scarceseg.registry.paths import shipped_configs
from scarceseg.tools import eval as eval_tool
from scarceseg.tools import split as split_tool
from scarceseg.tools import test as test_tool
from scarceseg.tools import train as train_tool

from ..conftest import MYOPS_VALUES

SHORT = ['train_cfg.max_iters=2', 'train_cfg.val_interval=2']
MYOPS = ['fsl/unet2d_myops', '--data', '.', '--cfg-options', *SHORT, 'model.networks.net.channels=[4,8,8,8,8]',
         'transforms.0.size=[32,32]']


def call(tool, *argv):
    """Exit status of a tool: 0 where it returns."""
    try:
        tool.main(list(argv))
    except SystemExit as stop:
        return stop.code or 0
    return 0


def rows_of(folder):
    with (folder / 'evaluation' / 'cases.csv').open() as handle:
        return list(csv.DictReader(handle))


@pytest.fixture
def myops(myops_folder, monkeypatch):
    """A run on one fold of MyoPS, in the working directory."""
    monkeypatch.chdir(myops_folder)
    monkeypatch.delenv('SCARCESEG_DATA', raising=False)
    assert call(train_tool, *MYOPS) == 0
    return next((myops_folder / 'work_dirs').iterdir())


@pytest.fixture
def cadis(cadis_folder, monkeypatch):
    """A run on CaDIS with a small network, in the working directory."""
    monkeypatch.chdir(cadis_folder)
    monkeypatch.setenv('SCARCESEG_CACHE', str(cadis_folder / 'cache'))
    monkeypatch.delenv('SCARCESEG_DATA', raising=False)
    Path('small.py').write_text(
        f'_base_ = {str(shipped_configs()["fsl/hrnet_cataracts"])!r}\n'
        "model = dict(networks=dict(net=dict(_delete_=True, type='UNet2D', in_channels=3, num_classes=8, channels=(4, 8))))\n"
        "inferer = [dict(type='sliding_window', window=(32, 32))]\n"
        'train_dataloader = dict(num_workers=0, batch_sampler=dict(parts=dict(labeled=2)))\nval_dataloader = dict(num_workers=0)\n')
    assert call(train_tool, 'small.py', '--data', '.', '--cfg-options', *SHORT, 'transforms.0.size=[32,32]') == 0
    return cadis_folder / 'work_dirs' / 'small'


def test_three_files_a_case_are_trained_predicted_in_the_values_of_the_labels_and_evaluated(myops, capsys):
    assert call(test_tool, str(myops), '--tta', '--save-prob') == 0
    out = next((myops / 'predictions').iterdir())
    name, = json.loads((out / 'predictions.json').read_text())['cases']
    assert {p.name for p in out.iterdir()} == {'predictions.json', f'{name}.nii.gz', f'{name}_prob.nii.gz'}
    source, prediction = nib.load(f'MyoPS/train25/{name}_C0.nii.gz'), nib.load(out / f'{name}.nii.gz')
    assert prediction.shape == source.shape and np.array_equal(prediction.affine, source.affine)
    values = np.unique(np.asarray(prediction.dataobj))
    assert prediction.get_data_dtype() == np.uint16 and set(values) <= set(MYOPS_VALUES) and len(values) > 1
    prob = nib.load(out / f'{name}_prob.nii.gz').get_fdata()
    assert prob.shape == (*source.shape, 6) and np.allclose(prob.sum(-1), 1, atol=1e-5)
    assert call(eval_tool) == 0
    rows = rows_of(out)
    assert [r['class'] for r in rows] == ['myocardium', 'LV', 'RV', 'edema', 'scar'] and 'hd95_mm' in rows[0]
    label, found = (np.asarray(nib.load(f).dataobj) for f in (f'MyoPS/train25_myops_gd/{name}_gd.nii.gz', out / f'{name}.nii.gz'))
    for row, value in zip(rows, MYOPS_VALUES[1:]):
        a, b = label == value, found == value
        assert float(row['dice']) == pytest.approx(2 * (a & b).sum() / (a.sum() + b.sum()))


def test_a_prediction_is_read_in_the_values_of_the_labels_and_no_others(myops, capsys):
    assert call(test_tool, str(myops)) == 0
    out = next((myops / 'predictions').iterdir())
    for name in json.loads((out / 'predictions.json').read_text())['cases']:
        (out / f'{name}.nii.gz').write_bytes(Path(f'MyoPS/train25_myops_gd/{name}_gd.nii.gz').read_bytes())
    assert call(eval_tool, '--metrics', 'iou', 'hd95') == 0
    rows = rows_of(out)
    assert rows and all(float(r['iou']) == 1 and float(r['hd95_mm']) == 0 and 'dice' not in r for r in rows)
    path, = out.glob('*.nii.gz')
    image = nib.load(path)
    nib.save(nib.Nifti1Image(np.full(image.shape, 3, np.uint8), image.affine), path)
    assert call(eval_tool) == 2
    error = capsys.readouterr().err
    assert 'holds [3]' in error and 'scar 2221' in error and error.count('\n') == 1


def test_a_folder_of_images_with_a_file_for_each_channel_is_predicted(myops, capsys, make_case, rng):
    for channel in ('C0', 'DE', 'T2'):
        make_case(f'new/a_{channel}.nii', rng.normal(0, 1, (44, 40, 2)).astype(np.float32))
    make_case('new/notes.nii', np.zeros((2, 2, 2)))
    assert call(test_tool, str(myops), '--images', 'new', '--out', 'out') == 0
    assert {p.name for p in Path('out').iterdir()} == {'a.nii', 'predictions.json'}
    assert json.loads(Path('out/predictions.json').read_text())['values']['scar'] == 2221
    make_case('new/b_DE.nii', np.zeros((44, 40, 2)))
    assert call(test_tool, str(myops), '--images', 'new', '--out', 'out') == 2
    assert "case 'b', found among the images, has no file b_C0 in" in capsys.readouterr().err


def test_pictures_are_trained_predicted_as_pictures_and_judged_without_millimetres(cadis, capsys):
    assert call(test_tool, '--tta', '--save-prob') == 0
    out = cadis / 'predictions' / 'last_iter2_tta'
    names = [f'Video{v}_frame{10 * v:06d}' for v in (2, 12, 22)]
    expected = [f'{n}{end}' for n in names for end in ('.png', '_prob.nii.gz')]
    assert {p.name for p in out.iterdir()} == {'predictions.json', *expected}
    for name in names:
        picture = Image.open(out / f'{name}.png')
        assert picture.mode == 'L' and picture.size == (71, 54) and np.asarray(picture).max() <= 7
        assert nib.load(out / f'{name}_prob.nii.gz').shape == (71, 54, 1, 8)  # in NIfTI the third axis is space
    capsys.readouterr()
    assert call(eval_tool) == 0
    assert 'IoU %' in capsys.readouterr().out
    rows = rows_of(out)
    assert len(rows) == 24 and list(rows[0])[:4] == ['case', 'class', 'iou', 'dice'] and rows[0]['class'] == 'pupil'
    label = np.asarray(Image.open('CaDIS/Video02/Labels/Video2_frame000020.png'))
    found = np.asarray(Image.open(out / 'Video2_frame000020.png'))
    a, b = label >= 7, found == 7
    assert float(rows[7]['iou'] or 'nan') == pytest.approx((a & b).sum() / (a | b).sum())
    assert call(eval_tool, '--metrics', 'dice', 'hd95') == 0
    assert {'hd95_voxel', 'dice'} <= set(rows_of(out)[0]) and (out / 'evaluation' / 'cases.png').stat().st_size > 5000
    curves = (cadis / 'curves.csv').read_text()
    assert 'val/iou/mean' in curves and 'val/iou/pupil' in curves and (cadis / 'best.pth').is_file()


def test_a_folder_of_pictures_is_predicted_and_one_that_does_not_fit_stops_only_itself(cadis, capsys, rng):
    Path('mine').mkdir()
    for name in ('a.png', 'b.JPG', 'grey.png'):
        array = rng.integers(0, 256, (40, 50) if name == 'grey.png' else (40, 50, 3)).astype(np.uint8)
        Image.fromarray(array).save(Path('mine') / name)
    Path('mine/cut.png').write_bytes(Path('mine/a.png').read_bytes()[:500])
    Path('mine/text.png').write_text('no picture')
    assert call(test_tool, '--images', 'mine', '--out', 'out') == 1
    assert {p.name for p in Path('out').iterdir()} == {'a.png', 'b.png', 'predictions.json'}
    error = capsys.readouterr().err.splitlines()
    assert len(error) == 3 and 'cut.png cannot be read' in error[0] and 'text.png cannot be read' in error[2]
    assert 'case grey has 1 channels, but the network was trained on 3' in error[1]
    assert call(test_tool, '--images', 'CaDIS/Video01/Images', '--out', 'CaDIS/Video01/Images') == 2
    assert 'already holds Video1_frame000010.png' in capsys.readouterr().err


def test_two_folders_of_pictures_are_compared_in_pixels(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    label = np.zeros((20, 20), np.uint8)
    label[5:10, 5:10] = 1
    for folder, shift in (('PRED', 2), ('GT', 0)):
        Path(folder).mkdir()
        Image.fromarray(np.roll(label, shift, 1)).save(f'{folder}/a.png')
    for _ in range(2):  # the second time there is a cases.png among the predictions
        assert call(eval_tool, 'PRED', 'GT', '--out', 'PRED') == 0
    row, = csv.DictReader(Path('PRED/cases.csv').read_text().splitlines())
    assert float(row['hd95_voxel']) == 2 and float(row['dice']) == pytest.approx(30 / 50)


def test_folds_are_written_once_and_patients_stay_together(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path('images').mkdir()
    for patient in range(7):
        for frame in (1, 2):
            (Path('images') / f'patient{patient}_frame{frame}_C0.nii.gz').write_bytes(b'')
            (Path('images') / f'patient{patient}_frame{frame}_gd.nii.gz').write_bytes(b'')
    command = ['images', '--out', 'splits', '--folds', '3', '--strip', '_C0', '--patient', r'patient\d+']
    assert call(split_tool, *command) == 0
    assert '14 cases of 7 patients in 3 folds of 6, 4, 4: splits' in capsys.readouterr().out
    assert {p.name for p in Path('splits').iterdir()} == {f'fold{k}_{part}.txt' for k in (1, 2, 3) for part in ('train', 'valid')}
    valid = [read_split(f'splits/fold{k}_valid.txt') for k in (1, 2, 3)]
    assert sorted(sum(valid, [])) == sorted(f'patient{p}_frame{f}' for p in range(7) for f in (1, 2))
    assert all(len({n.split('_')[0] for n in fold}) == len(fold) / 2 for fold in valid)
    before = {p.name: p.read_bytes() for p in Path('splits').iterdir()}
    assert call(split_tool, *command) == 0
    assert 'note:' not in capsys.readouterr().out
    assert call(split_tool, *command[:-2], '--out', 'other') == 0
    assert 'note: patient0_frame1 and patient0_frame2 may be one patient' in capsys.readouterr().out
    Path('who.csv').write_text(''.join(['case,id\n', *(f'patient{p}_frame{f},{p // 2}\n' for p in range(7) for f in (1, 2))]))
    assert call(split_tool, *command[:-2], '--out', 'table', '--patient-table', 'who.csv', 'id') == 0
    assert '14 cases of 4 patients in 3 folds of ' in capsys.readouterr().out
    assert '# patient table: who.csv id' in Path('table/fold1_train.txt').read_text()
    assert call(split_tool, *command, '--seed', '1') == 2
    assert 'names other cases' in capsys.readouterr().err
    assert before == {p.name: p.read_bytes() for p in Path('splits').iterdir()}


@pytest.mark.parametrize('options, part', [
    (['--patient', 'P(.*'], 'no regular expression'), (['--patient', 'x+'], "finds nothing in the name of case 'a1'"),
    (['--folds', '9'], '3 cases cannot be split into 9 folds'), (['--strip', '_C0'], "no image whose name ends with _C0"),
    (['--folds', '1'], 'choose a number from 2 to 3')])
def test_a_split_that_cannot_be_made_is_answered_in_one_sentence(tmp_path, capsys, options, part):
    for k in range(3):
        (tmp_path / f'a{k + 1}.png').write_bytes(b'')
    assert call(split_tool, str(tmp_path), '--out', str(tmp_path / 'out'), *options) == 2
    error = capsys.readouterr().err
    assert part in error and error.count('\n') == 1 and not (tmp_path / 'out').exists()

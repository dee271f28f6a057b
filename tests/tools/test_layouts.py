"""Training and prediction on the layouts of nnU-Net and of the Decathlon, of files that lie in space in different ways."""
import csv
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from scarceseg.tools import eval as eval_tool
from scarceseg.tools import test as test_tool
from scarceseg.tools import train as train_tool

from .test_formats import call, rows_of

TILT = np.linalg.qr(np.eye(3) + 0.2 * np.random.default_rng(0).normal(size=(3, 3)))[0]
TILT = TILT * np.sign(np.diag(TILT))
DIRECTIONS = {'ras': np.eye(3), 'lps': np.diag([-1, -1, 1]), 'pir': np.eye(3)[[2, 0, 1]] @ np.diag([-1, -1, 1]),
              'oblique': TILT @ np.eye(3)[[1, 2, 0]] @ np.diag([1, -1, 1])}
TRAINED = ('ras', 'lps', 'pir')
CONFIG = """
_base_ = {bases}
classes = ('background', 'PZ', 'TZ')
prepare = [dict(type='reorient'), dict(type='normalise')]
inferer = [dict(type='sliding_window', window=(8, 16, 16))]
postprocess = []
transforms = [dict(type='random_flip', axes=(-1,))]
train_dataloader = dict(num_workers=0, batch_sampler=dict(type='PartBatchSampler', parts=dict(labeled=2)),
    dataset=dict(type='PartsDataset', patch=(8, 16, 16), parts=dict(labeled=dict({cases}, split='train.txt'))))
val_dataloader = dict(num_workers=0, dataset=dict(type='CasesDataset', cases=dict({cases}, split='valid.txt')))
model = dict(networks=dict(net=dict(type='UNet3D', in_channels=2, num_classes=3, channels=(4, 8))),
             method=dict(type='supervised'), losses=dict(sup=dict(type='dice_ce')))
"""


def volume(name, rng):
    """Two channels and a label (x, y, z) of one case, and its affine."""
    x, y, z = np.indices((23, 21, 9))
    label = np.where((x - 11) ** 2 + (y - 9) ** 2 < 60, 1 + (z > 4), 0).astype(np.uint8)
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = DIRECTIONS[name] * (1.5, 1.5, 3), (-20, 7, 3)
    return [(100 * (k + 1) * label + rng.normal(0, 30, label.shape) + 300).astype(np.int16) for k in range(2)], label, affine


@pytest.fixture(params=['NnUNetDataset', 'MSDDataset'])
def run(request, make_case, rng, tmp_path, monkeypatch):
    """A run of two iterations on three cases of different orientation, and one more, oblique, without label."""
    numbered = request.param == 'NnUNetDataset'
    for name in DIRECTIONS:
        images, label, affine = volume(name, rng)
        part = 'Tr' if name in TRAINED else 'Ts'
        if part == 'Tr':
            label[:2] = 3 if numbered else 0
            make_case(f'sets/D1/labelsTr/{name}.nii.gz', label, affine=affine)
        for k, image in enumerate(images if numbered else [np.stack(images, -1)]):
            make_case(f'sets/D1/images{part}/{name}{f"_{k:04d}" if numbered else ""}.nii.gz', image, affine=affine)
    described = {'channel_names': {'0': 'T2', '1': 'ADC'}, 'labels': {'background': 0, 'PZ': 1, 'TZ': 2, 'ignore': 3}}
    listed = {'modality': {'0': 'T2', '1': 'ADC'}, 'labels': {'0': 'background', '1': 'PZ', '2': 'TZ'},
              'training': [{'image': f'./imagesTr/{n}.nii.gz', 'label': f'./labelsTr/{n}.nii.gz'} for n in TRAINED]}
    (tmp_path / 'sets/D1/dataset.json').write_text(json.dumps(described if numbered else listed))
    (tmp_path / 'sets/train.txt').write_text('ras\nlps\n')
    (tmp_path / 'sets/valid.txt').write_text('pir\n')
    configs = Path(train_tool.__file__).parents[1] / 'configs' / '_base_'
    bases = [str(configs / 'schedules/adamw_500.py'), str(configs / 'runtime.py')]
    (tmp_path / 'own.py').write_text(CONFIG.format(bases=bases, cases=f"type='{request.param}', folder='D1'"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv('SCARCESEG_DATA', raising=False)
    options = ['train_cfg.max_iters=2', 'train_cfg.val_interval=2']
    assert call(train_tool, 'own.py', '--data', 'sets', '--cfg-options', *options) == 0
    return tmp_path / 'work_dirs' / 'own'


def test_a_folder_of_the_layout_is_trained_on_predicted_and_evaluated_in_the_space_of_each_file(run, capsys):
    assert call(test_tool, '--save-prob') == 0 and call(eval_tool) == 0
    out = next((run / 'predictions').iterdir())
    source, prediction = nib.load('sets/D1/labelsTr/pir.nii.gz'), nib.load(out / 'pir.nii.gz')
    assert prediction.shape == source.shape and np.array_equal(prediction.affine, source.affine)
    found, label = np.asarray(prediction.dataobj), np.asarray(source.dataobj)
    assert set(np.unique(found)) <= {0, 1, 2}
    validated = {row['name']: float(row['value']) for row in csv.DictReader((run / 'curves.csv').read_text().splitlines())}
    for row, k in zip(rows_of(out), (1, 2)):  # what is labelled 3 is to be ignored
        a, b = (found == k) & (label != 3), label == k
        assert float(row['dice']) == pytest.approx(2 * (a & b).sum() / (a.sum() + b.sum()))
        assert validated[f'val/dice/{row["class"]}'] == pytest.approx(float(row['dice']), abs=1e-6)


def test_every_orientation_is_predicted_as_nibabels_canonical_copy_of_it(run, capsys):
    """nibabel turns the images to RAS and the predictions of the others too; then they must be the same."""
    files = [*Path('sets/D1/imagesTr').iterdir(), *Path('sets/D1/imagesTs').iterdir()]
    for folder, turn in (('own', lambda image: image), ('canonical', nib.as_closest_canonical)):
        Path(folder).mkdir()
        for file in files:
            nib.save(turn(nib.load(file)), Path(folder) / file.name)
        assert call(test_tool, str(run), '--images', folder, '--out', f'{folder}_out', '--save-prob') == 0
    for name in DIRECTIONS:
        for end in ('.nii.gz', '_prob.nii.gz'):
            found, expected = nib.load(f'own_out/{name}{end}'), nib.load(f'canonical_out/{name}{end}')
            source = nib.load(next(file for file in files if file.name.startswith(name)))
            assert np.array_equal(found.affine, source.affine) and found.shape[:3] == source.shape[:3]
            turned = nib.as_closest_canonical(found)
            assert np.array_equal(turned.get_fdata(), expected.get_fdata()) and np.allclose(turned.affine, expected.affine)
        assert expected.shape[3] == 3 and np.ptp(expected.get_fdata()) > 0  # or any turn would do


@pytest.mark.parametrize('run', ['NnUNetDataset'], indirect=True)
def test_a_new_case_may_lack_a_channel_only_where_training_did(run, capsys):
    Path('sets/D1/imagesTs/oblique_0001.nii.gz').unlink()
    command = [str(run), '--images', 'sets/D1/imagesTs', '--out', 'out']
    assert call(test_tool, *command) == 2
    assert "case 'oblique', found among the images, has no file oblique_0001 in" in capsys.readouterr().err
    config = (run / 'config.py').read_text()
    (run / 'config.py').write_text(config.replace("type='NnUNetDataset'", "type='NnUNetDataset', missing='zeros'"))
    assert call(test_tool, *command) == 0
    assert nib.load('out/oblique.nii.gz').shape == (23, 21, 9)


@pytest.mark.parametrize('run', ['NnUNetDataset'], indirect=True)
def test_without_its_data_a_run_says_what_it_needs(run, capsys):
    Path('sets').rename('moved')
    command = [str(run), '--images', 'moved/D1/imagesTs', '--out', 'out']
    assert call(test_tool, *command) == 2
    error = capsys.readouterr().err
    assert 'dataset.json' in error and '--data' in error and error.count('\n') == 1
    assert call(test_tool, *command, '--data', 'moved') == 0

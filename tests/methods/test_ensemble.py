"""The mean of several runs."""
import shutil

import numpy as np
import pytest
import torch

from scarceseg.methods import prediction
from scarceseg.methods.ensemble import Ensemble, check_unseen
from scarceseg.methods.runs import read_json
from scarceseg.methods.training import train
from scarceseg.registry import UserError, load_config
from scarceseg.tools import test as test_tool

OPTIONS = {'train_cfg.max_iters': 1, 'train_cfg.val_interval': 1, 'visualizer.vis_backends': []}
PHANTOM = {**OPTIONS, 'transforms.0.size': (32, 32), 'model.networks.net.channels': (4, 8),
           'train_dataloader.dataset.parts.scribbled': dict(count=2, shape=(3, 32, 32)),
           'val_dataloader.dataset.cases': dict(count=2, shape=(3, 32, 32)),
           'test_dataloader.dataset.cases': dict(count=2, shape=(3, 32, 32))}
MYOPS = {**OPTIONS, 'transforms.0.size': (32, 32), 'model.networks.net.channels': (4, 8), 'model.networks.net.dropout': 0.0}


@pytest.fixture(scope='module')
def runs(tmp_path_factory):
    """Three runs of other seeds."""
    root = tmp_path_factory.mktemp('runs')
    for seed in range(3):
        train(load_config('wsl/partial_ce_phantom', options=PHANTOM), work_dir=root / f'seed{seed}', seed=seed)
    return [root / f'seed{seed}' for seed in range(3)]


@pytest.mark.parametrize('tta', [False, True])
def test_an_ensemble_is_the_mean_of_the_probabilities(runs, tta):
    ensemble = Ensemble(runs, tta=tta)
    sample = prediction.test_cases(ensemble.config)[0]
    label, prob = ensemble(sample)
    single = [prediction.Predictor.from_run(run, tta=tta)(sample)[1] for run in runs]
    assert np.allclose(prob, np.mean(single, 0), atol=1e-6) and not np.allclose(prob, single[0], atol=1e-3)
    for step in ensemble.first.postprocess:
        assert np.array_equal(step(prob.argmax(0).astype(np.uint8)), label)


def test_the_order_of_runs_changes_the_manifest_no_more_than_the_prediction(runs):
    sample = prediction.test_cases(Ensemble(runs[:2]).config)[0]
    one, two = Ensemble(runs[:2]), Ensemble(runs[1::-1])
    assert np.allclose(one(sample)[1], two(sample)[1], atol=1e-6)
    hashes = [e.manifest()['checkpoint_sha256'] for e in (one, two, Ensemble(runs))]
    assert hashes[0] == hashes[1] != hashes[2]


def test_networks_that_wait_are_not_on_the_device(runs, monkeypatch):
    ensemble, moved = Ensemble(runs), []
    for member in ensemble.members:
        monkeypatch.setattr(member.segmentor, 'to', lambda device, m=member: moved.append((ensemble.members.index(m), device)))
    ensemble(prediction.test_cases(ensemble.config)[0])
    cpu = torch.device('cpu')
    assert [(k, torch.device(d)) for k, d in moved] == [(0, cpu), (0, cpu), (1, cpu), (1, cpu), (2, cpu), (2, cpu)]


def test_the_tool_predicts_with_several_runs_and_notes_each(runs, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        test_tool.main([*map(str, runs), '--tta'])
    assert not stop.value.code
    out, = (runs[0] / 'predictions').glob('ensemble3-*_last_iter1_tta')
    manifest = read_json(out / 'predictions.json')
    assert [m['run'] for m in manifest['ensemble']] == [str(run) for run in runs]
    assert len({m['checkpoint_sha256'] for m in manifest['ensemble']}) == 3
    assert manifest['cases'] == ['phantom_2000', 'phantom_2001']
    assert '3 networks, last (iteration 1): 2 cases' in capsys.readouterr().out


@pytest.mark.parametrize('argv, part', [
    (['0', '0'], 'named twice'), (['0', '1', '--checkpoint', '1/last.pth'], 'give last or best'),
    (['0', 'other'], 'another prepare'), (['0', '9'], "no run of config '9'")])
def test_runs_that_make_no_ensemble_are_refused(runs, argv, part, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for k, run in enumerate(runs[:2]):
        shutil.copytree(run, str(k))
    shutil.copytree(runs[0], 'other')
    text = (tmp_path / 'other/config.py').read_text()
    (tmp_path / 'other/config.py').write_text(text.replace("high=99, low=1", "high=99, low=2"))
    with pytest.raises(SystemExit) as stop:
        test_tool.main(argv)
    assert stop.value.code == 2 and part in capsys.readouterr().err


def test_folds_do_not_predict_together_what_one_of_them_was_trained_on(myops_folder, tmp_path, capsys):
    folds = [train(load_config('fsl/unet2d_myops', options={**MYOPS, 'fold': k}), data=myops_folder, root=tmp_path) for k in (1, 2)]
    ensemble = Ensemble(folds)
    with pytest.raises(UserError, match='unet2d_myops_fold2 was trained on 1 of the 1 test cases'):
        check_unseen(ensemble, prediction.test_cases(ensemble.config))
    images = str(myops_folder / 'MyoPS' / 'train25')
    with pytest.raises(SystemExit) as stop:
        test_tool.main([*map(str, folds), '--images', images, '--out', str(tmp_path / 'out')])
    assert not stop.value.code and len(list((tmp_path / 'out').glob('*.nii.gz'))) == 5

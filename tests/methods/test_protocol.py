"""What is stored with results of a run, from training to the table; one run is trained for all tests."""
import json
import shutil

import nibabel as nib
import numpy as np
import pytest
from mmengine.config import Config

from scarceseg.components.datasets.layouts.split_lists import split_hash
from scarceseg.methods.comparisons.protocol import code_version, gaps, leaks, protocol_of
from scarceseg.methods.comparisons.provenance import config_hash
from scarceseg.methods.evaluation import FolderCases, RunCases, evaluate
from scarceseg.tools import compare as compare_tool
from scarceseg.tools import test as test_tool
from scarceseg.tools import train as train_tool

OPTIONS = ['train_cfg.max_iters=2', 'train_cfg.val_interval=2', 'model.networks.net.channels=[4,8]', 'transforms.0.size=[32,32]',
           'train_dataloader.batch_sampler.parts.scribbled=2']


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A folder with data and a run of two iterations, whose last and best checkpoint have predicted."""
    root, rng = tmp_path_factory.mktemp('project'), np.random.default_rng(0)
    for k in range(4):
        label = np.zeros((40, 36, 2), np.uint8)
        label[8:30, 8:28], label[12:26, 12:24], label[16:22, 16:20] = 1, 2, 3
        scribble = np.where(rng.random(label.shape) < 0.1, label, 4)
        image = label * 50 + rng.integers(0, 40, label.shape)
        for folder, array in (('images', image), ('labels', label), ('scribbles', scribble)):
            (root / 'ACDC' / folder).mkdir(parents=True, exist_ok=True)
            nib.save(nib.Nifti1Image(array.astype(np.uint8), np.diag([1.5, 1.5, 8, 1])), root / f'ACDC/{folder}/case{k}.nii.gz')
    (root / 'ACDC' / 'splits').mkdir()
    (root / 'ACDC' / 'splits' / 'train.txt').write_text('case0\ncase1\n')
    (root / 'ACDC' / 'splits' / 'valid.txt').write_text('case2\ncase3\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.delenv('SCARCESEG_DATA', raising=False)
        train_tool.main(['wsl/partial_ce_acdc_cpu', '--data', '.', '--seed', '5', '--cfg-options', *OPTIONS])
        for more in ([], ['--checkpoint', 'best'], ['--images', 'ACDC/images', '--out', 'all']):
            with pytest.raises(SystemExit) as stop:
                test_tool.main(more)
            assert stop.value.code == 0
    return root


@pytest.fixture
def project(trained, monkeypatch):
    monkeypatch.chdir(trained)
    return trained


def stored(cases, out):
    evaluate(cases, out=out, processes=1)
    return json.loads((out / 'summary.json').read_text())['protocol']


def predictions(project, which):
    return project / 'work_dirs' / 'partial_ce_acdc_cpu' / 'predictions' / f'{which}_iter2'


def test_a_result_knows_its_cases_config_seed_checkpoint_and_training(project, tmp_path):
    known = stored(RunCases(predictions(project, 'last')), tmp_path / 'out')
    assert known['cases'] == dict(count=2, hash=split_hash(['case2', 'case3']))
    assert known['classes'] == ['background', 'RV', 'myocardium', 'LV'] and known['has_background'] is True
    assert known['metrics'] == {'dice': {}, 'hd95_{unit}': {}, 'assd_{unit}': {}}
    assert (known['config']['name'], known['seed'], known['fold']) == ('partial_ce_acdc_cpu', 5, None)
    manifest = json.loads((predictions(project, 'last') / 'predictions.json').read_text())
    assert known['checkpoint'] == dict(name='last.pth', sha256=manifest['checkpoint_sha256'], iteration=2, tta=False,
                                       selected='last', selected_on_test=0)
    assert known['training'] == dict(count=2, hash=split_hash(['case0', 'case1']), shared=[])
    assert known['code'] == code_version() and not leaks(known) and not gaps(known)


def test_the_best_checkpoint_on_its_own_validation_cases_leaks(project, tmp_path):
    known = stored(RunCases(predictions(project, 'best')), tmp_path / 'out')
    assert known['checkpoint']['selected'] == 'best on validation (same cases)' and known['checkpoint']['selected_on_test'] == 2
    assert leaks(known) == ['has a checkpoint that was selected on 2 of the 2 cases it is judged by (best.pth)']


def test_a_renamed_best_checkpoint_is_still_the_best(project, tmp_path):
    shutil.copy(project / 'work_dirs/partial_ce_acdc_cpu/best.pth', 'final.pth')
    with pytest.raises(SystemExit):
        test_tool.main(['work_dirs/partial_ce_acdc_cpu', '--checkpoint', 'final.pth', '--out', str(tmp_path / 'pred')])
    known = protocol_of(RunCases(tmp_path / 'pred'), ['dice'])
    assert known['checkpoint']['name'] == 'final.pth' and known['checkpoint']['selected_on_test'] == 2


def test_test_cases_that_were_trained_on_leak_in_whatever_folder_their_labels_are(project, tmp_path):
    known = stored(FolderCases(project / 'all', 'ACDC/labels'), tmp_path / 'out')
    assert known['training']['shared'] == ['case0', 'case1'] and known['seed'] == 5
    assert leaks(known) == ['was trained on 2 of the cases it is judged by (case0, case1)']


def test_predictions_of_anybody_else_know_nothing_and_say_so(project, tmp_path):
    known = stored(FolderCases(project / 'ACDC/labels', 'ACDC/labels'), tmp_path / 'out')
    assert known['checkpoint'] is None and known['training'] is None and known['cases']['count'] == 4
    assert not leaks(known) and 'unknown run and checkpoint' in gaps(known)[0]


def test_a_moved_run_is_known_and_one_whose_checkpoint_has_changed_is_not(project, tmp_path):
    shutil.copytree(project / 'work_dirs/partial_ce_acdc_cpu', tmp_path / 'moved')
    moved = tmp_path / 'moved' / 'predictions' / 'last_iter2'
    manifest = json.loads((moved / 'predictions.json').read_text())
    gone = dict(manifest, run='/gone', checkpoint='/gone/last.pth')
    (moved / 'predictions.json').write_text(json.dumps(gone))
    assert protocol_of(RunCases(moved), ['dice'])['seed'] == 5
    (moved / 'predictions.json').write_text(json.dumps(dict(gone, checkpoint_sha256='0')))
    assert protocol_of(RunCases(moved), ['dice'])['checkpoint'] is None


def test_training_cases_that_cannot_be_listed_are_unknown(project, monkeypatch):
    cases = RunCases(predictions(project, 'last'))
    (project / 'ACDC/splits/train.txt').rename('hidden.txt')
    try:
        known = protocol_of(cases, ['dice'])
    finally:
        (project / 'hidden.txt').rename('ACDC/splits/train.txt')
    assert known['training'] is None and gaps(known) == ['trained on unknown cases']


def test_the_hash_of_a_config_is_of_what_is_learned_not_of_where_and_by_which_seed():
    def of(**changed):
        return config_hash(Config({**dict(model=dict(type='A', size=(1, 2)), randomness=dict(seed=0), work_dir='a', fold=None,
                                          val=dict(data_root='x', split='fold.txt', seed=3)), **changed}))
    assert of() == of(randomness=dict(seed=1)) == of(work_dir='b') == of(val=dict(data_root='y', split='fold.txt', seed=3))
    assert len({of(), of(model=dict(type='A', size=(1, 3))), of(val=dict(split='other.txt', seed=3)),
                of(val=dict(split='fold.txt', seed=4)),
                of(randomness=dict(seed=0, deterministic=True))}) == 5
    assert of(fold=1, val=dict(split='fold1.txt')) == of(fold=2, val=dict(split='fold2.txt')) != of(val=dict(split='fold1.txt'))


def test_the_tool_marks_leaks_and_writes_files(project, tmp_path, capsys):
    for which in ('last', 'best'):
        evaluate(RunCases(predictions(project, which)), out=tmp_path / which, processes=1)
    argv = [f'final={tmp_path / "last"}', f'chosen={tmp_path / "best"}']
    compare_tool.main([*argv, '--baseline', 'final', '--out', str(tmp_path / 'table')])
    said = capsys.readouterr()
    assert 'LEAK chosen' in said.out and 'LEAK: chosen has a checkpoint that was selected on 2 of the 2 cases' in said.out
    assert {p.name for p in (tmp_path / 'table').iterdir()} == {'comparison.md', 'comparison.tex', 'comparison.csv', 'boxes.png'}
    compare_tool.main([*argv, '--format', 'latex', '--layout', 'paper'])
    assert r'LEAK chosen & ' in capsys.readouterr().out
    with pytest.raises(SystemExit) as stop:
        compare_tool.main([*argv, '--baseline', 'chosen'])
    error = capsys.readouterr().err
    assert stop.value.code == 2 and error.startswith("error: baseline 'chosen' is no measure") and error.count('\n') == 1


def test_an_ensemble_knows_what_all_its_members_have_seen(project, tmp_path):
    shutil.copytree(project / 'work_dirs/partial_ce_acdc_cpu', tmp_path / 'other')
    config = tmp_path / 'other' / 'config.py'
    config.write_text(config.read_text().replace('ACDC/splits/train.txt', 'ACDC/splits/valid.txt'))
    manifest = json.loads((predictions(project, 'last') / 'predictions.json').read_text())
    second = dict(manifest, run=str(tmp_path / 'other'), checkpoint=str(tmp_path / 'other' / 'last.pth'))
    shutil.copytree(predictions(project, 'last'), tmp_path / 'pred')
    write = (tmp_path / 'pred' / 'predictions.json').write_text
    write(json.dumps(dict(manifest, checkpoint_sha256='joint', ensemble=[manifest, second])))
    known = protocol_of(RunCases(tmp_path / 'pred'), ['dice'])
    assert known['training'] == dict(count=4, hash=split_hash([f'case{k}' for k in range(4)]), shared=['case2', 'case3'])
    assert known['checkpoint']['name'] == '2 checkpoints' and known['checkpoint']['selected'] == 'last'
    write(json.dumps(dict(manifest, checkpoint_sha256='joint', ensemble=[manifest, dict(second, checkpoint_sha256='0')])))
    assert protocol_of(RunCases(tmp_path / 'pred'), ['dice'])['checkpoint'] is None


def test_cases_of_a_training_that_weights_started_from_count_too(project, tmp_path):
    for name in ('first', 'second'):
        shutil.copytree(project / 'work_dirs/partial_ce_acdc_cpu', tmp_path / name)
    first, second = tmp_path / 'first' / 'config.py', tmp_path / 'second' / 'config.py'
    first.write_text(first.read_text().replace('ACDC/splits/train.txt', 'ACDC/splits/valid.txt'))
    pretrained = f"model['networks']['net']['pretrained'] = dict(checkpoint={str(tmp_path / 'first' / 'best.pth')!r})\n"
    second.write_text(second.read_text() + pretrained)
    manifest = json.loads((predictions(project, 'last') / 'predictions.json').read_text())
    moved = dict(manifest, run=str(tmp_path / 'second'), checkpoint=str(tmp_path / 'second' / 'last.pth'))
    folder = tmp_path / 'second' / 'predictions' / 'last_iter2'
    (folder / 'predictions.json').write_text(json.dumps(moved))
    assert protocol_of(RunCases(folder), ['dice'])['training']['shared'] == ['case2', 'case3']

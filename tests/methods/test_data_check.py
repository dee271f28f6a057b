"""Training looks at its data first, and stops before anything is trained or written."""
import nibabel as nib
import numpy as np
import pytest

from scarceseg.methods import training
from scarceseg.methods.loop import MethodTrainLoop
from scarceseg.methods.training import train
from scarceseg.registry import UserError
from scarceseg.tools import train as train_tool

from .test_training import small


def shift(path, mm):
    image = nib.load(path)
    affine = image.affine.copy()
    affine[0, 3] += mm
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), affine), path)


@pytest.fixture
def untrained(monkeypatch):
    """A training that gets as far as an iteration fails."""
    monkeypatch.setattr(MethodTrainLoop, 'run_iter', lambda *_: pytest.fail('something was trained'))


@pytest.mark.parametrize('fault, sentence', [
    (lambda root: (root / 'ACDC/labels/case3.nii.gz').unlink(), r"^case 'case3', listed in .*valid.txt, has no file case3 in"),
    (lambda root: (root / 'ACDC/scribbles/case0.nii.gz').write_text('text'), 'cannot be read as NIfTI'),
    (lambda root: shift(root / 'ACDC/scribbles/case1.nii.gz', 40), r'^case case1: the label .* and its image lie differently'),
    (lambda root: (root / 'ACDC/splits/valid.txt').write_text('case1\ncase2\n'),
     '^1 case of train.scribbled in valid too: case1; it'),
    (lambda root: [(root / f'ACDC/images/case{k}.nii.gz').unlink() for k in range(2)], r'and 1 more, which tools/check_data.py')])
def test_bad_data_are_refused_before_anything_is_trained_or_written(small_folder, tmp_path, untrained, fault, sentence):
    fault(small_folder)
    for settings in (dict(root=tmp_path / 'runs'), dict(work_dir=tmp_path / 'run')):
        with pytest.raises(UserError, match=sentence) as said:
            train(small(), data=small_folder, **settings)
        assert '\n' not in str(said.value)
    assert not (tmp_path / 'runs').exists() and not (tmp_path / 'run').exists()


def test_a_resumed_run_is_checked_too_and_stays_as_it_is(small_folder, tmp_path, monkeypatch):
    run = train(small(iterations=2), root=tmp_path, data=small_folder)
    before = {p: p.read_bytes() for p in run.rglob('*') if p.is_file()}
    (small_folder / 'ACDC/images/case1.nii.gz').unlink()
    with pytest.raises(UserError, match="case 'case1'"):
        train(small(iterations=4), work_dir=run, resume=True, data=small_folder)
    assert {p: p.read_bytes() for p in run.rglob('*') if p.is_file()} == before


def test_warnings_are_in_the_log_once_and_training_goes_on(small_folder, tmp_path, capsys):
    for k in (0, 1):
        shift(small_folder / f'ACDC/scribbles/case{k}.nii.gz', 0.2)
    run = train(small(iterations=2), root=tmp_path, data=small_folder)
    log = (run / 'train.log').read_text()
    assert log.count('lie up to 0.2 mm apart') == 1 and 'WARNING' in log and 'and 1 more, which tools/check_data.py lists' in log


def test_training_can_be_told_not_to_look(small_folder, tmp_path, monkeypatch):
    (small_folder / 'ACDC/splits/valid.txt').write_text('case1\ncase2\n')
    monkeypatch.setattr(training, 'check_before_training', lambda config: pytest.fail('it looked'))
    assert (train(small(iterations=2), root=tmp_path, data=small_folder, check=False) / 'last.pth').is_file()
    seen = {}
    monkeypatch.setattr(training, 'train', lambda config, **settings: seen.update(settings) or tmp_path)
    for flags, check in (([], True), (['--no-check'], False)):
        train_tool.main(['wsl/dmpls_acdc_cpu', '--data', str(small_folder), *flags])
        assert seen['check'] is check

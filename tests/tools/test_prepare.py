"""Downloads in their official layout, here small and made up, become what the configs read."""
import hashlib
import json
import os
from pathlib import Path

import h5py
import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from scarceseg.components.datasets import FolderDataset, MSDDataset, load_image
from scarceseg.components.datasets.layouts.split_lists import read_notes, read_split, split_hash
from scarceseg.components.datasets.preparation import acdc_plan, carry_out, jsrt_plan, published
from scarceseg.components.datasets.preparation.steps import compact, shrunk, shrunk_label
from scarceseg.registry import UserError
from scarceseg.registry.paths import shipped_configs
from scarceseg.tools import check_data, prepare

AFFINE = np.array([[-1.4, 0.1, 0, 30], [0.1, 1.4, 0, -20], [0, 0, 9, 5], [0, 0, 0, 1]])
PATIENTS = (1, 2, 3, 4, 16, 101)  # test, valid, train twice, labelled, and one of the official test set


def call(tool, *argv):
    """Exit status of a tool: 0 where it returns."""
    try:
        tool.main(list(map(str, argv)))
    except SystemExit as stop:
        return stop.code or 0
    return 0


def state(folder):
    """What would show that anything in a folder was changed."""
    return {p.relative_to(folder): (p.stat().st_mtime_ns, hashlib.sha256(p.read_bytes()).hexdigest())
            for p in Path(folder).rglob('*') if p.is_file()}


def store(path, array, affine=AFFINE):
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(array, affine), path)


@pytest.fixture
def acdc(tmp_path, rng):
    """Six patients of ACDC as its download has them, and scribbles in one folder."""
    for patient in PATIENTS:
        name, frames = f'patient{patient:03d}', (1, 4 + patient % 10)
        folder = tmp_path / 'source' / ('training' if patient <= 100 else 'testing') / name
        store(folder / f'{name}_4d.nii.gz', np.zeros((8, 7, 3, 5), np.int16))
        (folder / 'Info.cfg').write_text(f'ED: {frames[0]}\nES: {frames[1]}\nGroup: DCM\nHeight: 184.0\nNbFrame: 30\n')
        for frame in frames:
            label = rng.integers(0, 4, (8, 7, 3)).astype(np.uint8)
            store(folder / f'{name}_frame{frame:02d}.nii.gz', rng.integers(0, 900, label.shape).astype(np.int16))
            store(folder / f'{name}_frame{frame:02d}_gt.nii.gz', label)
            if patient <= 100:
                drawn = np.where(rng.random(label.shape) < 0.3, label, 4).astype(np.uint8)
                store(tmp_path / 'ACDC_scribbles' / f'{name}_frame{frame:02d}_scribble.nii.gz', drawn)
    return tmp_path


def test_acdc_is_what_its_configs_read_byte_for_byte_with_the_published_split(acdc, capsys, monkeypatch):
    monkeypatch.chdir(acdc)
    before = state(acdc / 'source')
    assert call(prepare, 'acdc', 'source', '--scribbles', 'ACDC_scribbles', '--out', 'data', '--processes', 1) == 0
    out = capsys.readouterr().out
    assert 'data/ACDC: 12 cases made, 0 were there' in out and 'of 100 patients, and 5 of them are here' in out
    assert '2 of 12 cases have no scribbles' in out and state(acdc / 'source') == before
    splits = acdc / 'data/ACDC/splits'
    expected = {'train': (3, 4, 16), 'valid': (2,), 'test': (1,), 'labeled_10pct': (16,), 'unlabeled_90pct': (3, 4),
                'official_test': (101,)}
    assert {p.stem: tuple(dict.fromkeys(int(n[7:10]) for n in read_split(p))) for p in splits.iterdir()} == expected
    notes = read_notes(splits / 'train.txt')
    assert notes == {'sha256 of the names': split_hash(read_split(splits / 'train.txt')),
                     'split': 'published with the examples of PyMIC, by patient', 'patient': r'patient\d+'}
    source = acdc / 'source/training/patient003'
    for kind, end in (('images', ''), ('labels', '_gt')):
        copy = acdc / f'data/ACDC/{kind}/patient003_frame07.nii.gz'
        assert copy.read_bytes() == (source / f'patient003_frame07{end}.nii.gz').read_bytes() and not copy.is_symlink()
    data = FolderDataset('ACDC/images', tuple('abcd'), 'ACDC/scribbles', 'ACDC/splits/train.txt', unannotated=4, data_root='data')
    assert len(data) == 6 and (data[0]['label'] == 255).mean() > 0.5
    assert call(check_data, 'wsl/dmpls_acdc_cpu', '--data', 'data', '--processes', 1) == 0


def test_the_same_command_goes_on_and_another_one_is_refused(acdc, capsys, monkeypatch):
    monkeypatch.chdir(acdc)
    command = ['acdc', 'source', '--out', 'data', '--processes', 1]
    assert call(prepare, *command) == 0
    whole = state('data')
    (acdc / 'data/ACDC/images/patient002_frame01.nii.gz').unlink()
    (acdc / 'data/ACDC/splits/valid.txt').unlink()
    kept = {k: v for k, v in state('data').items()}
    capsys.readouterr()
    assert call(prepare, *command) == 0
    assert '1 cases made, 11 were there' in capsys.readouterr().out
    again = state('data')
    assert {k: v[1] for k, v in again.items()} == {k: v[1] for k, v in whole.items()} and kept.items() <= again.items()
    assert call(prepare, *command, '--scribbles', 'ACDC_scribbles') == 2
    error = capsys.readouterr().err
    assert 'data/ACDC was prepared otherwise (scribbles was None and is ' in error and error.count('\n') == 1
    assert state('data') == again


@pytest.mark.parametrize('plant', ['images/mine.nii.gz', 'notes.txt'])
def test_a_folder_of_someone_elses_is_never_touched(acdc, capsys, monkeypatch, plant):
    monkeypatch.chdir(acdc)
    file = acdc / 'data/ACDC' / plant
    file.parent.mkdir(parents=True)
    file.write_text('precious')
    before = state('data')
    assert call(prepare, 'acdc', 'source', '--out', 'data') == 2
    assert 'data/ACDC is there already and was not made by this program; nothing is overwritten' in capsys.readouterr().err
    assert state('data') == before


def test_links_lead_to_the_download(acdc, monkeypatch):
    monkeypatch.chdir(acdc)
    assert call(prepare, 'acdc', 'source', '--out', 'data', '--link', '--processes', 2) == 0
    link = acdc / 'data/ACDC/images/patient003_frame01.nii.gz'
    assert link.is_symlink() and link.resolve() == acdc / 'source/training/patient003/patient003_frame01.nii.gz'
    assert load_image(link)[0].shape == (1, 3, 7, 8)


def test_scribbles_may_lie_in_a_folder_for_each_patient(acdc, monkeypatch):
    monkeypatch.chdir(acdc)
    for path in (acdc / 'ACDC_scribbles').iterdir():
        (acdc / 'by patient' / path.name[:10]).mkdir(parents=True, exist_ok=True)
        path.rename(acdc / 'by patient' / path.name[:10] / path.name)
    assert call(prepare, 'acdc', 'source', '--scribbles', 'by patient', '--processes', 1) == 0
    assert len(list((acdc / 'data/ACDC/scribbles').iterdir())) == 10


def test_a_folder_that_was_half_unpacked_names_the_missing_frame(acdc):
    (acdc / 'source/training/patient003/patient003_frame07.nii.gz').unlink()
    with pytest.raises(UserError, match=r'Info.cfg says that frame 7 is ES, but there is no patient003_frame07.nii.gz'):
        acdc_plan(acdc / 'source')
    store(acdc / 'source/copy/patient002_frame01.nii.gz', np.zeros((2, 2, 2)))
    with pytest.raises(UserError, match="case 'patient002_frame01' is there twice"):
        acdc_plan(acdc / 'source')


def test_an_interrupted_preparation_leaves_no_lists_and_can_be_repeated(acdc, monkeypatch):
    monkeypatch.chdir(acdc)
    plan = acdc_plan('source')

    def stop(done, total):
        if done == 3:
            raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        carry_out(plan, 'data', processes=1, progress=stop)
    assert len(list(Path('data/ACDC/images').iterdir())) == 3 and not Path('data/ACDC/splits').exists()
    outcome = carry_out(plan, 'data', processes=1)
    assert (outcome.made, outcome.kept, outcome.failed) == (9, 3, {})
    assert json.loads(Path('data/ACDC/prepared.json').read_text())['kind'] == 'acdc'


def die(target):
    os._exit(1)


def test_a_process_that_is_killed_is_one_sentence(acdc, monkeypatch):
    monkeypatch.chdir(acdc)
    plan = acdc_plan('source')
    cases = {name: {file: die for file in files} for name, files in plan.cases.items()}
    with pytest.raises(UserError, match='a process has been killed, .* the same command with --processes 1 goes on'):
        carry_out(plan._replace(cases=cases), 'data', processes=2)
    assert carry_out(plan, 'data', processes=1).made == 12


def test_files_of_wsl4mis_become_volumes_of_nominal_size(tmp_path, rng, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arrays = dict(image=rng.random((3, 8, 7)).astype(np.float32), label=rng.integers(0, 4, (3, 8, 7)).astype(np.uint8),
                  scribble=rng.integers(0, 5, (3, 8, 7)).astype(np.uint8))
    for name in ('patient003_frame01', 'patient016_frame12'):
        Path('WSL/ACDC_training_volumes').mkdir(exist_ok=True, parents=True)
        with h5py.File(f'WSL/ACDC_training_volumes/{name}.h5', 'w') as file:
            for key, array in arrays.items():
                file.create_dataset(key, data=array, compression='gzip')
    Path('WSL/ACDC_training_slices').mkdir()
    Path('WSL/ACDC_training_slices/patient003_frame01_slice_0.h5').write_bytes(b'not read')
    assert call(prepare, 'acdc', 'WSL', '--processes', 1) == 0
    image, geometry = load_image('data/ACDC/images/patient003_frame01.nii.gz')
    assert np.array_equal(image[0], arrays['image']) and geometry.spacing_mm == (10, 1.5625, 1.5625)
    for kind in ('label', 'scribble'):
        label, place = load_image(f'data/ACDC/{kind}s/patient016_frame12.nii.gz', label=True)
        assert np.array_equal(label, arrays[kind]) and label.dtype == np.uint8 and place.space == (7, 8, 3)
    assert sorted(p.stem for p in Path('data/ACDC/splits').iterdir()) == ['labeled_10pct', 'train', 'unlabeled_90pct']
    with h5py.File('WSL/ACDC_training_volumes/patient003_frame15.h5', 'w') as file:
        file['image'] = arrays['image']
    assert call(prepare, 'acdc', 'WSL', '--processes', 1) == 1
    assert "not made: patient003_frame15: WSL/ACDC_training_volumes/patient003_frame15.h5 has no data set 'label', but image" \
        in capsys.readouterr().err
    for out in ('WSL', 'WSL/data'):
        assert call(prepare, 'acdc', 'WSL', '--out', out) == 2
        assert f'--out {out} lies in WSL; nothing is written into a download' in capsys.readouterr().err


def write_nrrd(path, array, spacing):
    sitk = pytest.importorskip('SimpleITK')
    path.parent.mkdir(parents=True, exist_ok=True)
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing)
    image.SetOrigin((10, 20, 30))
    sitk.WriteImage(image, str(path))


def test_the_left_atrium_is_read_from_nrrd_with_its_place_in_space(tmp_path, rng, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = (published.ATRIUM_TEST[0], published.ATRIUM_VALID[0], published.ATRIUM_LABELED[0], '38CWS74285MFGZZXR09Z')
    folders = [*(f'LA/Training Set/{n}' for n in names), 'LA/Testing Set/0000ABCDEFGHIJKLMNOP']
    for folder in folders:
        label = np.zeros((5, 8, 6), np.uint8)
        label[1:4, 2:6, 1:4] = 255
        write_nrrd(tmp_path / folder / 'lgemri.nrrd', rng.integers(0, 256, label.shape).astype(np.uint8), (0.625, 0.625, 1.25))
        write_nrrd(tmp_path / folder / 'laendo.nrrd', label, (0.625, 0.625, 1.25))
    before = state('LA')
    assert call(prepare, 'atrium', 'LA', '--processes', 1) == 0
    assert 'of 100 official training cases, and 4 of them are here' in capsys.readouterr().out
    lists = {p.stem: read_split(p) for p in Path('data/LA/splits').iterdir()}
    assert lists == {'train': sorted(names[2:]), 'valid': [names[1]], 'test': [names[0]], 'labeled_10pct': [names[2]],
                     'unlabeled_90pct': [names[3]], 'official_test': ['0000ABCDEFGHIJKLMNOP']}
    image, geometry = load_image(f'data/LA/images/{names[0]}.nii.gz')
    label, place = load_image(f'data/LA/labels/{names[0]}.nii.gz', label=True)
    original, source = load_image(f'LA/Training Set/{names[0]}/lgemri.nrrd')
    assert np.array_equal(image, original) and np.allclose(geometry.affine, source.affine) and geometry.orientation == 'LPS'
    assert label.sum() == 3 * 4 * 3 and set(np.unique(label)) == {0, 1} and geometry.spacing_mm == (1.25, 0.625, 0.625)
    assert nib.load(f'data/LA/images/{names[0]}.nii.gz').get_data_dtype() == np.uint8 and state('LA') == before
    assert nib.load(f'data/LA/images/{names[0]}.nii.gz').header.get_xyzt_units()[0] == 'mm'
    assert call(prepare, 'atrium', 'LA', '--shrink', 2, '--out', 'small', '--processes', 1) == 0
    small, geometry = load_image(f'small/LA/images/{names[0]}.nii.gz')
    assert small.shape == (1, 2, 4, 3) and geometry.spacing_mm == (2.5, 1.25, 1.25)
    assert small[0, 0, 0, 0] == pytest.approx(original[0, :2, :2, :2].mean())
    assert np.allclose(geometry.affine[:3, 3], source.affine @ [0.5, 0.5, 0.5, 1] @ np.eye(4)[:, :3])
    (tmp_path / folders[0] / 'laendo.nrrd').unlink()
    assert call(prepare, 'atrium', 'LA', '--out', 'other') == 2
    assert 'no laendo.nrrd beside it' in capsys.readouterr().err


def test_files_of_uamt_have_their_first_axis_along_x(tmp_path, rng, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = Path('data in/2018LA_Seg_Training Set') / published.ATRIUM_LABELED[0]
    folder.mkdir(parents=True)
    image, label = rng.normal(0, 1, (6, 8, 5)).astype(np.float32), rng.integers(0, 2, (6, 8, 5)).astype(np.uint8)
    with h5py.File(folder / 'mri_norm2.h5', 'w') as file:
        file['image'], file['label'] = image, label
    (folder / 'desktop.ini').write_text('')
    assert call(prepare, 'atrium', 'data in', '--processes', 1) == 0
    stored = nib.load(f'data/LA/images/{folder.name}.nii.gz')
    assert np.array_equal(np.asarray(stored.dataobj), image) and np.allclose(stored.header.get_zooms(), 0.625)
    assert np.array_equal(np.asarray(nib.load(f'data/LA/labels/{folder.name}.nii.gz').dataobj), label)
    assert np.array_equal(stored.affine, np.diag([-0.625, -0.625, 0.625, 1])) and nib.aff2axcodes(stored.affine) == tuple('LPS')
    assert call(prepare, 'atrium', 'data in', '--shrink', 2, '--out', 'small', '--processes', 1) == 0
    half = nib.load(f'small/LA/images/{folder.name}.nii.gz')
    assert half.shape == (3, 4, 2) and np.allclose(half.affine, [
        [-1.25, 0, 0, -0.3125], [0, -1.25, 0, -0.3125], [0, 0, 1.25, 0.3125], [0, 0, 0, 1]])


def test_headers_of_the_challenge_that_say_one_millimetre_get_the_size_that_it_states(tmp_path, rng, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = (*published.ATRIUM_LABELED[:2], published.ATRIUM_VALID[0])
    for k, name in enumerate(names):
        label = np.zeros((44, 60, 64), np.uint8)
        label[10:30, 20 + k:40, 20:40] = 255
        size = (1, 1, 1) if k < 2 else (0.625, 0.625, 1.25)
        write_nrrd(tmp_path / f'LA/Training Set/{name}/lgemri.nrrd', rng.integers(0, 256, label.shape).astype(np.uint8), size)
        write_nrrd(tmp_path / f'LA/Training Set/{name}/laendo.nrrd', label, size)
    assert call(prepare, 'atrium', 'LA', '--processes', 1) == 0
    assert 'where a header says 1×1×1 mm' in capsys.readouterr().out
    for name, size in zip(names, (0.625, 0.625, 1.25)):
        expected = [[-0.625, 0, 0, -10], [0, -0.625, 0, -20], [0, 0, size, 30], [0, 0, 0, 1]]
        assert all(np.allclose(nib.load(f'data/LA/{kind}/{name}.nii.gz').affine, expected) for kind in ('images', 'labels'))
    assert call(check_data, 'fsl/unet3d_la_cpu', '--data', 'data', '--processes', 1) == 0


@pytest.fixture
def jsrt(tmp_path, rng):
    """Three radiographs of JSRT and their masks of SCR."""
    masks = {}
    for name in ('JPCLN001', 'JPCLN002', 'JPCNN036'):
        raw = np.repeat(np.repeat(rng.integers(0, 4096, (64, 64)), 32, 0), 32, 1)
        (tmp_path / 'All247images').mkdir(exist_ok=True)
        raw.astype('>u2').tofile(tmp_path / f'All247images/{name}.IMG')
        lungs = np.zeros((2, 1024, 1024), np.uint8)
        lungs[0, 200:700, 100:402] = lungs[1, 200:700, 600:901] = 255
        for side, lung in zip(('left lung', 'right lung'), lungs):
            path = tmp_path / f'scratch/fold{1 + (int(name[5:]) + 1) % 2}/masks/{side}/{name}.gif'
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(lung).save(path)
        masks[name] = raw
    return tmp_path, masks


def test_radiographs_become_pictures_in_which_air_is_dark(jsrt, monkeypatch, capsys):
    folder, raws = jsrt
    monkeypatch.chdir(folder)
    assert call(prepare, 'jsrt', 'All247images', '--masks', 'scratch', '--processes', 1) == 0
    lists = {p.stem: read_split(p) for p in Path('data/JSRT/splits').iterdir()}
    assert lists == {'train': ['JPCNN036'], 'valid': ['JPCLN001'], 'test': ['JPCLN002'], 'clean_5pct': ['JPCNN036']}
    data = FolderDataset('JSRT/images', ('background', 'lung'), 'JSRT/labels', data_root='data')
    for i, name in enumerate(raws):
        sample = data[i]
        small = raws[name].reshape(256, 8, 256, 8).mean((1, 3))
        assert sample['image'].shape == (1, 256, 256) and np.abs(sample['image'][0] - 255 * (1 - small / 4095)).max() <= 0.5
        expected = np.zeros((256, 256))
        expected[50:175, 25:101] = expected[50:175, 150:225] = 1  # 402 and 901 are a half and a quarter into a pixel of four
        assert np.array_equal(sample['label'], expected)
    assert call(prepare, 'jsrt', 'All247images', '--masks', 'scratch', '--out', 'big', '--size', 512, '--processes', 1) == 0
    assert load_image('big/JSRT/labels/JPCLN001.png', label=True)[0].shape == (512, 512)


def test_under_another_name_radiographs_are_read_by_the_shipped_configs(jsrt, monkeypatch, capsys):
    folder, _ = jsrt
    monkeypatch.chdir(folder)
    command = ['jsrt', 'All247images', '--masks', 'scratch', '--processes', 1]
    assert call(prepare, *command, '--name', 'CXR') == 0
    for config in ('fsl/unet2d_cxr_cpu', 'nll/ce_cxr_cpu'):
        assert call(check_data, config, '--data', 'data', '--processes', 1) == 0
    for name in ('a/b', '..', ''):
        assert call(prepare, *command, '--name', name) == 2
        assert f"--name '{name}' must be the name of one folder" in capsys.readouterr().err
    assert sorted(p.name for p in Path('data').iterdir()) == ['CXR']


@pytest.mark.parametrize('damage, sentence', [
    (lambda f: (f / 'All247images/JPCLN001.IMG').write_bytes(b'\0' * 100), 'has 100 bytes, but a radiograph of JSRT has 8388608'),
    (lambda f: (f / 'scratch/fold1/masks/left lung/JPCLN001.gif').write_bytes(b'GIF89a'), 'cannot be read as a picture'),
    (lambda f: Image.new('L', (9, 9)).save(f / 'scratch/fold1/masks/left lung/JPCLN001.gif'), 'no multiple of 256; expected 1024')])
def test_a_damaged_file_is_named_and_the_others_are_made(jsrt, monkeypatch, capsys, damage, sentence):
    folder, _ = jsrt
    monkeypatch.chdir(folder)
    damage(folder)
    assert call(prepare, 'jsrt', 'All247images', '--masks', 'scratch', '--processes', 1) == 1
    error = capsys.readouterr().err
    assert f'not made: JPCLN001: {"All247images" if "bytes" in sentence else "scratch"}' in error and sentence in error
    assert not Path('data/JSRT/splits').exists() and Path('data/JSRT/labels/JPCNN036.png').exists()


def test_what_jsrt_needs_is_said(jsrt):
    folder, _ = jsrt
    for size in (0, 300, 2048):
        with pytest.raises(UserError, match=f'--size {size} must divide 1024'):
            jsrt_plan(folder / 'All247images', masks=folder / 'scratch', size=size)
    (folder / 'scratch/fold1/masks/right lung/JPCLN001.gif').unlink()
    with pytest.raises(UserError, match="case 'JPCLN001' has no mask right lung/JPCLN001.gif below"):
        jsrt_plan(folder / 'All247images', masks=folder / 'scratch')


def test_promise12_leaves_out_what_has_no_segmentation(tmp_path, rng, monkeypatch, capsys):
    pytest.importorskip('SimpleITK')
    monkeypatch.chdir(tmp_path)
    for k in range(10):
        folder = tmp_path / f'P12/TrainingData_Part{1 + k // 4}'
        write_nrrd(folder / f'Case{k:02d}.mhd', rng.integers(-50, 900, (3, 7, 6)).astype(np.int16), (0.6, 0.6, 3.6))
        write_nrrd(folder / f'Case{k:02d}_segmentation.mhd', rng.integers(0, 2, (3, 7, 6)).astype(np.int8), (0.6, 0.6, 3.6))
    write_nrrd(tmp_path / 'P12/TestData/Case00.mhd', np.zeros((3, 7, 6), np.int16), (0.6, 0.6, 3.6))
    before = state('P12')
    assert call(prepare, 'promise12', 'P12', '--seed', 5, '--processes', 1) == 0
    assert '1 cases without segmentation are left out' in capsys.readouterr().out and state('P12') == before
    lists = {p.stem: read_split(p) for p in Path('data/PROMISE12/splits').iterdir()}
    assert {k: len(v) for k, v in lists.items()} == dict(train=7, valid=1, test=2, labeled_10pct=1, unlabeled_90pct=6)
    assert read_notes('data/PROMISE12/splits/train.txt')['seed'] == '5'
    image, geometry = load_image('data/PROMISE12/images/Case04.nii.gz')
    assert np.array_equal(image, load_image('P12/TrainingData_Part2/Case04.mhd')[0])
    assert np.allclose(geometry.spacing_mm, (3.6, 0.6, 0.6))
    assert nib.load('data/PROMISE12/images/Case04.nii.gz').get_data_dtype() == np.int16
    assert call(check_data, 'data/PROMISE12/images', 'data/PROMISE12/labels', '--processes', 1) == 0


def test_a_task_of_the_decathlon_keeps_its_layout_and_gets_a_split(make_case, tmp_path, rng, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = [f'la_{k:03d}' for k in range(5)]
    for name in names:
        label = rng.integers(0, 2, (6, 5, 4)).astype(np.uint8)
        make_case(f'dl/Task02_Heart/imagesTr/{name}.nii.gz', rng.normal(0, 1, label.shape).astype(np.float32))
        make_case(f'dl/Task02_Heart/labelsTr/{name}.nii.gz', label)
    make_case('dl/Task02_Heart/imagesTs/la_900.nii.gz', np.ones((6, 5, 4)))
    listed = [{'image': f'./imagesTr/{n}.nii.gz', 'label': f'./labelsTr/{n}.nii.gz'} for n in names]
    description = {'modality': {'0': 'MRI'}, 'labels': {'0': 'background', '1': 'left atrium'}, 'training': listed,
                   'test': ['./imagesTs/la_900.nii.gz']}
    Path('dl/Task02_Heart/dataset.json').write_text(json.dumps(description))
    before = state('dl')
    assert call(prepare, 'msd', 'dl/Task02_Heart', '--link', '--processes', 1) == 0
    assert state('dl') == before and Path('data/Task02_Heart/labelsTr/la_003.nii.gz').is_symlink()
    assert 'data/Task02_Heart: 6 cases made, 0 were there' in capsys.readouterr().out
    assert call(check_data, 'data/Task02_Heart', '--processes', 1) == 0
    train = MSDDataset('Task02_Heart', split='Task02_Heart/splits/train.txt', data_root='data')
    assert len(train) == 3 and train.classes == ('background', 'left atrium') and train[0]['label'].max() == 1
    assert len(MSDDataset('Task02_Heart', subset='test', data_root='data')) == 1
    (tmp_path / 'dl/Task02_Heart/labelsTr/la_003.nii.gz').unlink()
    assert call(prepare, 'msd', 'dl/Task02_Heart', '--out', 'other') == 2
    assert "case 'la_003', listed in" in capsys.readouterr().err


@pytest.mark.parametrize('kind', ['acdc', 'atrium', 'promise12', 'msd', 'jsrt'])
def test_a_folder_of_something_else_is_answered_in_one_sentence(tmp_path, capsys, kind):
    (tmp_path / 'download').mkdir()
    masks = ['--masks', tmp_path / 'download'] if kind == 'jsrt' else []
    lacking = 'dataset.json' if kind == 'msd' else 'has no files such as'
    for source, sentence in (('download', lacking), ('nothing', 'there is no')):
        assert call(prepare, kind, tmp_path / source, '--out', tmp_path / 'out', *masks) == 2
        error = capsys.readouterr().err
        assert error.count('\n') == 1 and sentence in error and f'{tmp_path / source}' in error
    assert not (tmp_path / 'out').exists()


def test_published_splits_have_the_numbers_that_were_published():
    acdc_parts = (published.ACDC_VALID, published.ACDC_TEST, published.ACDC_LABELED)
    assert [len(set(part)) for part in acdc_parts] == [10, 20, 7] and len(set().union(*acdc_parts)) == 37
    atrium = (published.ATRIUM_VALID, published.ATRIUM_TEST, published.ATRIUM_LABELED)
    assert [len(set(part)) for part in atrium] == [8, 20, 7] and len(set().union(*atrium)) == 35
    assert all(len(n) == 20 and n.isalnum() for part in atrium for n in part)
    radiographs = [published.jsrt_names(part) for part in (published.JSRT_VALID, published.JSRT_TEST, published.JSRT_CLEAN)]
    assert [len(set(part)) for part in radiographs] == [20, 47, 9] and len(set().union(*radiographs)) == 76
    every = published.jsrt_names({'L': range(1, 155), 'N': range(1, 94)})
    assert len(every) == 247 and set().union(*radiographs) <= set(every)


def test_cubes_are_averaged_and_their_commonest_class_is_theirs():
    array = np.arange(2 * 2 * 5, dtype=np.float32).reshape(1, 2, 2, 5)
    assert shrunk(array, 2).tolist() == [[[[8.0, 10.0]]]]  # of 0 1 5 6 10 11 15 16, and 2 3 7 8 12 13 17 18
    label = np.array([[[2, 2, 1, 0], [2, 0, 1, 1]], [[2, 2, 0, 0], [0, 0, 1, 0]]], np.uint8)
    assert shrunk_label(label, 2).tolist() == [[[2, 0]]]  # five of eight; four of each, and the smaller one wins


@pytest.mark.parametrize('values, dtype', [([0, 255], 'uint8'), ([-1, 5], 'int16'), ([0, 40000], 'uint16'), ([-5, 70000], 'int32'),
                                          ([0.5, 1], 'float32'), ([0, 3e9], 'float32')])
def test_whole_numbers_take_the_smallest_dtype(values, dtype):
    stored = compact(np.array(values, np.float32))
    assert stored.dtype == dtype and np.allclose(stored, values)


def test_a_folder_that_cannot_be_written_is_one_sentence(acdc, capsys, monkeypatch):
    monkeypatch.chdir(acdc)
    Path('data').write_text('a file where a folder should be')
    assert call(prepare, 'acdc', 'source', '--out', 'data') == 2
    error = capsys.readouterr().err
    assert error.count('\n') == 1 and 'data' in error


def test_the_folders_are_those_of_the_shipped_configs():
    text = ''.join(p.read_text() for p in (shipped_configs()['wsl/dmpls_acdc'].parents[1] / '_base_/datasets').glob('*.py'))
    assert all(f'{name}/images' in text for name in ('ACDC', 'LA'))

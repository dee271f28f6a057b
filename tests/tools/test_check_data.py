"""Planted problems are found, sound data pass, and training is told in time."""
import io
import re
import subprocess
import sys
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from scarceseg.components.datasets.checks import KINDS, check_before_training, quick_check
from scarceseg.components.datasets.checks.examine import voxel_hash
from scarceseg.components.datasets.checks.grids import grid_problem
from scarceseg.components.datasets.checks.quick import read_outline
from scarceseg.components.datasets.checks.run import check_sources
from scarceseg.components.datasets.checks.sources import sources_of_config, sources_of_folders
from scarceseg.components.datasets.checks.tables import terminal_report
from scarceseg.components.datasets.checks.thumbnails import colour_of, thumbnail
from scarceseg.components.datasets.formats.images import load_image
from scarceseg.registry import UserError, load_config, use_data_root
from scarceseg.tools import check_data

ROOT = Path(__file__).resolve().parents[2]
REAL = ROOT.parent / 'shared' / 'data'
AFFINE = np.diag([1.5, 1.5, 8.0, 1.0])
CLASSES = ('background', 'RV', 'myocardium', 'LV')


@pytest.fixture
def small_folder(small_folder):
    return tell_apart(small_folder)


def tell_apart(root):
    """The four small cases with labels of which no two are the same."""
    for k in range(4):
        rewrite(root / f'ACDC/labels/case{k}.nii.gz', set_voxel(3, x=k, z=0))
    return root


def call(*argv):
    """Exit status of the tool."""
    try:
        check_data.main(list(map(str, argv)))
    except SystemExit as stop:
        return stop.code or 0
    return 0


def config_of(root, train='train', valid='valid', **changes):
    folder = dict(type='FolderDataset', data_root=str(root), images='ACDC/images', labels='ACDC/labels', **changes)
    lists = {name: f'ACDC/splits/{name}.txt' for name in (train, valid)}
    return dict(classes=CLASSES, train_dataloader=dict(dataset=dict(parts=dict(labeled=dict(folder, split=lists[train])))),
                val_dataloader=dict(dataset=dict(cases=dict(folder, split=lists[valid]))))


def found(config, **settings):
    """{(kind, part, case)} of the problems of a config."""
    report = check_sources(sources_of_config(config), processes=1, **settings)
    return {(p.kind, p.part, p.case) for p in report.problems}


def rewrite(path, change=lambda a: a, affine=None):
    """Store a file anew with other voxels or another affine."""
    image = nib.load(path)
    nib.save(nib.Nifti1Image(change(np.asarray(image.dataobj)), image.affine if affine is None else affine), path)


def truncate(path):
    path.write_bytes(path.read_bytes()[:-200])


def shifted(mm):
    affine = AFFINE.copy()
    affine[0, 3] = mm
    return affine


def test_sound_data_have_no_problem(small_folder):
    report = check_sources(sources_of_config(config_of(small_folder)), processes=1, picture_px=40)
    assert not report.problems and not report.errors and len(report.facts) == 4
    label = np.asarray(nib.load(small_folder / 'ACDC/labels/case0.nii.gz').dataobj)
    facts = report.facts[0]
    assert facts.voxels == {k: int((label == k).sum()) for k in range(4)} and facts.annotated == 1
    assert facts.space == (40, 36, 3) and facts.spacing_mm == (8, 1.5, 1.5) and facts.orientation == 'RAS'
    assert facts.picture.startswith(b'\x89PNG') and facts.channels == 1 and facts.low < facts.mean < facts.high
    assert quick_check(config_of(small_folder)) == []


def change_label(change):
    return lambda root: rewrite(root / 'ACDC/labels/case0.nii.gz', change)


def change_image(change):
    return lambda root: rewrite(root / 'ACDC/images/case0.nii.gz', change)


def set_voxel(value, dtype=None, x=3, z=1):
    def change(array):
        array = array.astype(dtype or array.dtype)
        array[x, 4, z] = value
        return array
    return change


def exchange(root):
    for name in ('case0', 'case1'):
        a, b = root / f'ACDC/images/{name}.nii.gz', root / f'ACDC/labels/{name}.nii.gz'
        content = a.read_bytes()
        a.write_bytes(b.read_bytes())
        b.write_bytes(content)


def copy_recompressed(root):
    """The image of a validation case is one of training, stored as floats without compression under another header."""
    image = nib.load(root / 'ACDC/images/case0.nii.gz')
    copy = nib.Nifti1Image(np.asarray(image.dataobj).astype(np.float32), AFFINE)
    copy.header['descrip'] = b'another file'
    nib.save(copy, root / 'ACDC/images/case3.nii')
    (root / 'ACDC/images/case3.nii.gz').unlink()


def same_name(root):
    (root / 'ACDC/splits/valid.txt').write_text('case2\ncase1\n')


def second_channel(root):
    path = root / 'ACDC/images/case0.nii.gz'
    array = np.asarray(nib.load(path).dataobj)
    nib.save(nib.Nifti1Image(np.stack([array, np.zeros_like(array)], -1), AFFINE), path)


def to_text(root):
    (root / 'ACDC/images/case0.nii.gz').write_text('this is no image')


PLANTED = [
    (lambda root: (root / 'ACDC/images/case0.nii.gz').unlink(), ('missing', 'train.labeled', 'case0')),
    (lambda root: (root / 'ACDC/labels/case3.nii.gz').unlink(), ('missing', 'valid', 'case3')),
    (lambda root: (root / 'ACDC/splits/train.txt').unlink(), ('missing', 'train.labeled', '')),
    (lambda root: (root / 'ACDC/splits/train.txt').write_text('case0\ncase9\n'), ('missing', 'train.labeled', 'case9')),
    (lambda root: (root / 'ACDC/splits/train.txt').write_text('# sha256 of the names: 0\ncase0\n'),
     ('missing', 'train.labeled', '')),
    (lambda root: truncate(root / 'ACDC/images/case0.nii.gz'), ('unreadable', 'train.labeled', 'case0')),
    (lambda root: truncate(root / 'ACDC/labels/case0.nii.gz'), ('unreadable', 'train.labeled', 'case0')),
    (to_text, ('unreadable', 'train.labeled', 'case0')),
    (change_label(lambda a: a[:-1]), ('grid', 'train.labeled', 'case0')),
    (lambda root: rewrite(root / 'ACDC/labels/case0.nii.gz', affine=shifted(1)), ('grid', 'train.labeled', 'case0')),
    (lambda root: rewrite(root / 'ACDC/labels/case0.nii.gz', affine=AFFINE * [-1, 1, 1, 1]), ('grid', 'train.labeled', 'case0')),
    (lambda root: rewrite(root / 'ACDC/labels/case0.nii.gz', affine=shifted(0.1)), ('apart', 'train.labeled', 'case0')),
    (change_label(set_voxel(255)), ('values', 'train.labeled', 'case0')),
    (change_label(set_voxel(0.5, np.float32)), ('values', 'train.labeled', 'case0')),
    (exchange, ('values', 'train.labeled', 'case1')),
    (change_image(set_voxel(np.nan, np.float32)), ('not finite', 'train.labeled', 'case0')),
    (change_image(set_voxel(-np.inf, np.float32)), ('not finite', 'train.labeled', 'case0')),
    (change_image(lambda a: 0 * a + 7), ('constant', 'train.labeled', 'case0')),
    (second_channel, ('channels', 'train.labeled', 'case0')),
    (second_channel, ('constant channel', 'train.labeled', 'case0')),
    (same_name, ('leak', 'train.labeled+valid', 'case1')),
    (copy_recompressed, ('leak', 'train.labeled+valid', 'case0')),
    (lambda root: [rewrite(root / f'ACDC/labels/case{k}.nii.gz', lambda a: np.minimum(a, 2)) for k in (0, 1)],
     ('no annotation', 'train', '')),
    (lambda root: [rewrite(root / f'ACDC/labels/case{k}.nii.gz', lambda a: np.minimum(a, 2)) for k in (2, 3)],
     ('absent class', 'valid', '')),
    (lambda root: [rewrite(root / f'ACDC/{kind}/case1.nii.gz', affine=AFFINE * [1, -1, 1, 1]) for kind in ('images', 'labels')],
     ('orientation', 'train.labeled', 'case1')),
    (lambda root: [rewrite(root / f'ACDC/{kind}/case1.nii.gz', affine=AFFINE * 4) for kind in ('images', 'labels')],
     ('spacing', 'train.labeled', 'case1')),
    (change_label(lambda a: 0 * a), ('empty label', 'train.labeled', 'case0')),
    (lambda root: (root / 'ACDC/images/case1.nii.gz').write_bytes((root / 'ACDC/images/case0.nii.gz').read_bytes()),
     ('duplicate', 'train.labeled', 'case0'))]

ALSO = {exchange: {('values', 'train.labeled', 'case0')},
        second_channel: {('channels', 'train.labeled', 'case0'), ('constant channel', 'train.labeled', 'case0')}}


@pytest.mark.parametrize('plant, problem', PLANTED)
def test_a_planted_problem_is_found_where_it_is_and_nothing_else(small_folder, plant, problem):
    plant(small_folder)
    config = config_of(small_folder)
    problems = found(config)
    assert problems == {problem} | ALSO.get(plant, set())
    quick = [p for p in quick_check(config) if p.kind in ('missing', 'leak', 'grid')]
    assert {(p.kind, p.part, p.case) for p in quick} <= problems
    assert all('\n' not in p.text for p in quick)


def test_every_kind_is_planted():
    assert set(KINDS) - {problem[0] for _, problem in PLANTED} == {'patient'}  # has a test of its own


def test_exchanged_images_and_labels_are_called_so(small_folder):
    exchange(small_folder)
    report = check_sources(sources_of_config(config_of(small_folder)), processes=1)
    texts = [p.text for p in report.problems if p.kind == 'values']
    assert len(texts) == 2 and all('image and label seem to be exchanged: the image holds 4 different values' in t for t in texts)


def test_a_patient_on_both_sides_is_found_where_names_tell_patients(small_folder):
    for name, pattern in (('case(.)', {'patient'}), ('(.)', None)):
        problems = found(config_of(small_folder), patient=name)
        assert (('patient', 'train.labeled+valid', '') in problems) == (pattern is None)
    with pytest.raises(UserError, match='finds nothing in the name of case'):
        found(config_of(small_folder), patient='person')


def test_parts_without_labels_are_looked_at_without_them(small_folder):
    config = config_of(small_folder)
    parts = config['train_dataloader']['dataset']['parts']
    parts['unlabeled'] = dict(parts['labeled'])
    truncate(small_folder / 'ACDC/labels/case1.nii.gz')
    report = check_sources(sources_of_config(config), processes=1)
    assert [f.voxels for f in report.facts if f.part == 'train.unlabeled'] == [None, None]
    assert {(p.kind, p.part) for p in report.problems} == {('unreadable', 'train.labeled'),
                                                           ('duplicate', 'train.labeled+train.unlabeled')}


def test_scribbles_count_as_far_as_they_go(small_folder):
    config = config_of(small_folder)
    config['train_dataloader']['dataset']['parts']['labeled'].update(labels='ACDC/scribbles', unannotated=4)
    report = check_sources(sources_of_config(config), processes=1)
    scribble = np.asarray(nib.load(small_folder / 'ACDC/scribbles/case0.nii.gz').dataobj)
    assert not report.problems and report.facts[0].annotated == pytest.approx((scribble != 4).mean())
    rewrite(small_folder / 'ACDC/scribbles/case0.nii.gz', lambda a: 0 * a + 4)
    assert found(config) == {('empty label', 'train.labeled', 'case0')}
    rewrite(small_folder / 'ACDC/scribbles/case1.nii.gz', lambda a: 0 * a + 4)
    assert ('no annotation', 'train.labeled', '') in found(config)


def test_results_do_not_depend_on_the_number_of_processes(small_folder):
    exchange(small_folder)
    reports = [check_sources(sources_of_config(config_of(small_folder)), processes=n, picture_px=32) for n in (1, 2)]
    assert reports[0].facts == reports[1].facts and reports[0].problems == reports[1].problems


def test_channels_that_may_be_missing_are_no_problem(myops_folder):
    config = use_data_root(load_config('fsl/unet2d_myops'), str(myops_folder))
    (myops_folder / 'MyoPS/train25/myops_training_102_DE.nii.gz').unlink()
    assert 'missing' in {p.kind for p in quick_check(config)}
    for loader, key in (('train_dataloader', 'labeled'), ('val_dataloader', None)):
        dataset = config[loader].dataset
        (dataset.parts[key] if key else dataset.cases).missing = 'zeros'
    report = check_sources(sources_of_config(config), processes=1)
    assert not report.problems and {f.channels for f in report.facts} == {3} and quick_check(config) == []


def test_training_is_told_the_first_error_and_all_warnings(small_folder):
    config = config_of(small_folder)
    assert check_before_training(config) == []
    config['train_dataloader']['dataset']['parts']['clean'] = config['train_dataloader']['dataset']['parts']['labeled']
    assert check_before_training(config) == ['2 cases of train.labeled in train.clean too: case0, case1']
    for k in (2, 3):
        (small_folder / f'ACDC/labels/case{k}.nii.gz').unlink()
    first = r"^case 'case2', listed in .* has no file case2 in .*labels.* .and 1 more, which tools"
    with pytest.raises(UserError, match=first) as said:
        check_before_training(config)
    assert '\n' not in str(said.value)


def test_generated_cases_are_looked_at_too():
    config = load_config('wsl/dmpls_phantom', options={'train_dataloader.dataset.parts.scribbled.count': 2})
    report = check_sources([s for s in sources_of_config(config) if s.side == 'train'], processes=1)
    assert not report.problems and len(report.facts) == 2 and report.facts[0].spacing_mm == (10, 1.5, 1.5)
    assert quick_check(config) == []


def test_every_case_of_test_that_is_validation_is_read_once(small_folder):
    config = config_of(small_folder)
    config['test_dataloader'] = config['val_dataloader']
    assert [s.name for s in sources_of_config(config)] == ['train.labeled', 'valid']
    with pytest.raises(UserError, match='there is no data set to check'):
        check_sources(sources_of_config({}))


def test_folds_and_classes_are_filled_in_as_for_training(myops_folder):
    config = use_data_root(load_config('fsl/unet2d_myops'), str(myops_folder))
    assert quick_check(config) == [] and {len(s.config['classes']) for s in sources_of_config(config)} == {6}


def test_the_tool_fails_with_errors_and_passes_with_warnings(small_folder, capsys, monkeypatch):
    monkeypatch.delenv('SCARCESEG_DATA', raising=False)
    command = ['wsl/dmpls_acdc_cpu', '--data', small_folder, '--processes', 1]
    assert call(*command) == 0
    assert '4 cases read: 0 errors, 0 warnings' in capsys.readouterr().out
    rewrite(small_folder / 'ACDC/labels/case2.nii.gz', lambda a: 0 * a)
    assert call(*command) == 0
    assert 'warning: empty label,' in capsys.readouterr().out
    truncate(small_folder / 'ACDC/images/case3.nii.gz')
    assert call(*command) == 1
    out = capsys.readouterr().out
    assert re.search(r'error: +unreadable, +valid: .*case3.nii.gz', out) and '1 error, 1 warning; training would be wrong' in out
    assert out.index('error:') < out.index('warning:')
    assert call('no_such_config') == 2


def test_the_tool_checks_two_folders(small_folder, capsys):
    splits = [small_folder / f'ACDC/splits/{name}.txt' for name in ('train', 'valid')]
    folders = [small_folder / 'ACDC/images', small_folder / 'ACDC/labels']
    assert call(*folders, '--splits', *splits, '--classes', *CLASSES, '--processes', 1) == 0
    assert 'myocardium' in capsys.readouterr().out
    assert call(*folders, '--processes', 1) == 0
    out = capsys.readouterr().out
    assert 'value 3' in out and 'value 4' not in out and '4 cases read: 0 errors' in out
    same_name(small_folder)
    assert call(*folders, '--splits', *splits, '--processes', 1) == 1
    assert '1 case of train in valid too: case1' in capsys.readouterr().out
    assert call(folders[0], small_folder / 'ACDC/scribbles', '--unannotated', 4, '--processes', 1) == 0
    assert 'value 4' not in capsys.readouterr().out
    assert call(folders[0], folders[0], '--processes', 1) == 1
    assert call(folders[0], '--processes', 1) == 0


def test_a_folder_with_a_description_is_read_by_it(make_case, tmp_path, capsys, rng):
    label = rng.integers(0, 2, (9, 8, 3)).astype(np.uint8)
    make_case('Dataset001/imagesTr/ä 1_0000.nii.gz', 5 * label)
    make_case('Dataset001/labelsTr/ä 1.nii.gz', label)
    (tmp_path / 'Dataset001/dataset.json').write_text('{"channel_names": {"0": "CT"}, "labels": {"background": 0, "Läsion": 1}}')
    assert call(tmp_path / 'Dataset001', '--processes', 1) == 0
    assert 'Läsion' in capsys.readouterr().out


def test_the_page_is_one_file_with_a_picture_of_every_case(small_folder, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv('SCARCESEG_DATA', raising=False)
    (small_folder / 'ACDC/splits/train.txt').write_text('<b>&case\ncase0\n')
    for kind in ('images', 'labels', 'scribbles'):
        (small_folder / f'ACDC/{kind}/case1.nii.gz').rename(small_folder / f'ACDC/{kind}/<b>&case.nii.gz')
    truncate(small_folder / 'ACDC/images/case3.nii.gz')
    page = tmp_path / 'out' / 'page.html'
    assert call('wsl/dmpls_acdc_cpu', '--data', small_folder, '--processes', 1, '--html', page) == 1
    text = page.read_text(encoding='utf-8')
    assert text.count('data:image/png;base64,') == 3 and text.count('<figure') == 4
    assert '<b>&case' not in text and '&lt;b&gt;&amp;case' in text and 'case3.nii.gz' in text
    assert not re.search(r'https?:|<script|<link|url\(', text)
    assert all(text.count(f'<{tag}') == text.count(f'</{tag}>') for tag in ('table', 'tr', 'figure', 'div', 'span'))


def test_help_says_what_is_an_error_and_what_a_warning():
    command = [sys.executable, str(ROOT / 'tools' / 'check_data.py'), '--help']
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert all(re.search(rf'^  {level} +{kind} ', text, re.MULTILINE) for kind, (level, _) in KINDS.items())


def test_the_hash_is_of_the_voxels_and_not_of_the_file(make_case, rng):
    array = rng.integers(-5, 5, (7, 6, 4)).astype(np.int16)
    files = [make_case('a.nii.gz', array), make_case('b.nii', array.astype(np.float64)),
             make_case('c.nii.gz', (array * 2).astype(np.int16), slope_inter=(0.5, 0))]
    assert len({voxel_hash(load_image(f)[0]) for f in files}) == 1
    zero = np.zeros((1, 2, 3), np.float32)
    assert voxel_hash(zero) == voxel_hash(-zero) != voxel_hash(zero.reshape(1, 3, 2))
    one = zero.copy()
    one[0, 1, 2] = 1e-30
    assert voxel_hash(one) != voxel_hash(zero)


@pytest.mark.parametrize('mm, kind', [(0.0, None), (0.014, None), (0.016, 'apart'), (0.74, 'apart'), (0.76, 'grid')])
def test_the_tolerances_are_a_hundredth_and_a_half_of_a_voxel(make_case, mm, kind):
    first, second = (read_outline(make_case(f'{name}.nii', np.zeros((5, 4, 3)), affine=affine))[0]
                     for name, affine in (('a', AFFINE), ('b', shifted(mm))))
    problem = grid_problem(first, second, 'they')
    assert (problem and problem[0]) == kind


def test_headers_alone_give_the_geometry_of_the_file(make_case, tmp_path):
    path = make_case('a.nii.gz', np.zeros((5, 4, 3)))
    truncate_body = path.read_bytes()
    path.write_bytes(truncate_body[:-8])
    assert read_outline(path)[0].space == (5, 4, 3)
    for mode in ('L', 'RGB', 'P', 'I;16'):
        Image.new(mode, (7, 5)).save(tmp_path / 'a.png')
        geometry, channels = read_outline(tmp_path / 'a.png')
        assert geometry.space == (7, 5) and channels == len(load_image(tmp_path / 'a.png')[0])
    np.save(tmp_path / 'a.npy', np.zeros((3, 4, 5)))
    assert read_outline(tmp_path / 'a.npy')[0].space == (5, 4, 3)
    with pytest.raises(UserError, match='no ending'):
        read_outline(tmp_path / 'a.txt')


def test_a_picture_shows_the_slice_with_most_foreground_and_its_outline():
    image, label = np.zeros((1, 3, 20, 10), np.float32), np.zeros((3, 20, 10), np.uint8)
    image[0, 1], label[1, 5:15, 2:8], label[2, 0, 0] = 1, 1, 1
    file = io.BytesIO(thumbnail(image, label, spacing_mm=(9.0, 1.0, 2.0), size=40))
    pixels = np.asarray(Image.open(file).convert('RGB'))
    assert pixels.shape == (40, 40, 3)  # 20 mm by 20 mm
    outline = (pixels == colour_of(0)).all(-1)
    rows, columns = np.nonzero(outline)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (10, 29, 8, 31) and not outline[15:25, 12:28].any()


def test_the_cheap_check_of_two_hundred_cases_takes_about_a_second(make_case, tmp_path):
    array = np.zeros((64, 64, 12), np.uint8)
    for kind in ('images', 'labels'):
        make_case(f'{kind}/c0.nii.gz', array)
        content = (tmp_path / kind / 'c0.nii.gz').read_bytes()
        for k in range(1, 200):
            (tmp_path / kind / f'c{k}.nii.gz').write_bytes(content)
    folder = dict(type='FolderDataset', data_root=str(tmp_path), images='images', labels='labels', classes=('a', 'b'))
    start = time.perf_counter()
    assert quick_check(dict(val_dataloader=dict(dataset=dict(cases=folder)))) == []
    assert time.perf_counter() - start < 5


@pytest.mark.skipif(not REAL.is_dir(), reason='needs real data')
@pytest.mark.parametrize('kind, expected', [
    ('ACDC', {('duplicate', 'train', 'patient074_frame01')}), ('LA', set()), ('CXR', set())])
def test_real_data_are_read_and_what_is_odd_in_them_is_known(kind, expected):
    folder = REAL / kind
    lists = [folder / 'splits' / f'{name}.txt' for name in ('train', 'valid')]
    report = check_sources(sources_of_folders(folder / 'images', folder / 'labels', splits=lists))
    assert {(p.kind, p.part, p.case) for p in report.problems} == expected and 'train' in terminal_report(report)

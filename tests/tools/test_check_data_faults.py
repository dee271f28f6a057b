"""Faults of several cases at once, data sets of one's own, and what the check says of them."""
import io
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from scarceseg.components.datasets.checks import check_before_training, quick_check
from scarceseg.components.datasets.checks.run import check_sources
from scarceseg.components.datasets.checks.sources import sources_of_config
from scarceseg.components.datasets.checks.tables import LINES, terminal_report
from scarceseg.components.datasets.checks.thumbnails import DRAWN_BACKGROUND, colour_of, thumbnail
from scarceseg.components.datasets.layouts.split_lists import write_lists
from scarceseg.registry import UserError

from .test_check_data import AFFINE, CLASSES, call, config_of, found, rewrite, set_voxel, shifted, tell_apart


@pytest.fixture
def small_folder(small_folder):
    return tell_apart(small_folder)


def problems_of(config):
    return check_sources(sources_of_config(config), processes=1).problems


def files(root, *names, kinds=('images', 'labels')):
    return [root / f'ACDC/{kind}/{name}.nii.gz' for kind in kinds for name in names]


def turn(path, target):
    """Store a file with its first two axes turned round, and its affine with them."""
    nib.save(nib.load(path).as_reoriented(np.array([[0, -1], [1, -1], [2, 1]])), target)


def test_one_fault_is_one_sentence(small_folder):
    rewrite(small_folder / 'ACDC/images/case0.nii.gz', lambda a: a.astype(np.float32) * np.nan)
    assert [p.kind for p in problems_of(config_of(small_folder))] == ['not finite']
    rewrite(small_folder / 'ACDC/images/case1.nii.gz', lambda a: a[..., 1])
    assert [(p.kind, p.case) for p in problems_of(config_of(small_folder))] == [('grid', 'case1'), ('not finite', 'case0')]


def test_a_folder_that_two_parts_read_is_missing_once(small_folder):
    (small_folder / 'ACDC/images').rename(small_folder / 'ACDC/pictures')
    for problems in (problems_of(config_of(small_folder)), quick_check(config_of(small_folder))):
        assert [(p.kind, p.part) for p in problems] == [('missing', 'train.labeled+valid')]


def test_a_scan_that_was_turned_on_its_way_into_validation_is_a_leak(small_folder):
    for kind in ('images', 'labels'):
        turn(small_folder / f'ACDC/{kind}/case0.nii.gz', small_folder / f'ACDC/{kind}/case2.nii.gz')
    assert found(config_of(small_folder)) == {('leak', 'train.labeled+valid', 'case0'), ('orientation', 'valid', 'case2')}


def test_the_same_names_in_two_folders_are_other_cases_unless_their_voxels_are_the_same(small_folder):
    (small_folder / 'other').mkdir()
    for kind in ('images', 'labels'):
        (small_folder / 'other' / kind).mkdir()
        for own, new in (('case2', 'case0'), ('case3', 'case1')):
            path = small_folder / f'ACDC/{kind}/{own}.nii.gz'
            path.rename(small_folder / f'other/{kind}/{new}.nii.gz')
    config = config_of(small_folder)
    config['val_dataloader']['dataset']['cases'].update(images='other/images', labels='other/labels', split=None)
    assert not problems_of(config) and quick_check(config) == []
    (small_folder / 'other/images/case1.nii.gz').write_bytes((small_folder / 'ACDC/images/case1.nii.gz').read_bytes())
    leak, = problems_of(config)
    assert leak.kind == 'leak'
    assert leak.text == '1 case of train.labeled in valid too with the same voxels: case1; it may be in one of them only'
    for name in ('case0', 'case1'):
        (small_folder / f'other/images/{name}.nii.gz').unlink()
        (small_folder / f'other/images/{name}.nii.gz').symlink_to(small_folder / f'ACDC/images/{name}.nii.gz')
    assert [p.text[:40] for p in quick_check(config)] == ['2 cases of train.labeled in valid too: c']


def test_lists_that_were_made_by_patient_are_checked_by_patient_without_being_asked(small_folder):
    splits = small_folder / 'ACDC/splits'
    for kind in ('images', 'labels'):
        for old, new in (('case0', 'pat1_a'), ('case1', 'pat2_a'), ('case2', 'pat1_b'), ('case3', 'pat3_a')):
            (small_folder / f'ACDC/{kind}/{old}.nii.gz').rename(small_folder / f'ACDC/{kind}/{new}.nii.gz')
    config = config_of(small_folder)
    lists = {'train.txt': ['pat1_a', 'pat2_a'], 'valid.txt': ['pat1_b', 'pat3_a']}
    for facts, kinds in (({'seed': 0}, []), ({'patient': r'pat\d'}, ['patient'])):
        for file in lists:
            (splits / file).unlink()
        write_lists(splits, lists, facts)
        assert [p.kind for p in quick_check(config)] == kinds == [p.kind for p in problems_of(config)]
    assert quick_check(config)[0].text.startswith('1 patient of train.labeled in valid too: pat1;')


def test_one_label_for_two_images_is_noticed_and_labels_without_foreground_are_not(small_folder):
    for k in (1, 2):
        content = (small_folder / 'ACDC/labels/case0.nii.gz').read_bytes()
        (small_folder / f'ACDC/labels/case{k}.nii.gz').write_bytes(content)
    problem, = problems_of(config_of(small_folder))
    assert problem.kind == 'duplicate' and problem.text == ('2 pairs of cases have the same label, but different images: '
                                                            'case0 and case1, case0 and case2')
    for k in range(3):
        rewrite(small_folder / f'ACDC/labels/case{k}.nii.gz', lambda a: 0 * a)
    assert 'duplicate' not in {p.kind for p in problems_of(config_of(small_folder))}


def test_training_and_validation_that_are_unlike_are_noticed_before_training(small_folder):
    for path in files(small_folder, 'case2', 'case3'):
        rewrite(path, affine=AFFINE * 0.001 + np.diag([0, 0, 0, 0.999]))
    problem, = quick_check(config_of(small_folder))
    assert problem == problems_of(config_of(small_folder))[0]
    assert problem.text == 'voxels of case case2 have 0.0015×0.0015×0.008 mm, but those of case case1 1.5×1.5×8 mm'
    for path in files(small_folder, 'case3'):
        turn(path, path)
    assert [p.kind for p in quick_check(config_of(small_folder))] == ['orientation', 'spacing']
    said = check_before_training(config_of(small_folder))
    assert len(said) == 2 and '1 case of orientation LPS, but 3 of orientation RAS: case3' in said[0]


def test_before_training_a_number_of_channels_is_compared_and_no_voxel_is_read(small_folder):
    path = small_folder / 'ACDC/images/case0.nii.gz'
    image = np.random.default_rng(0).normal(0, 1, (40, 36, 3, 2)).astype(np.float32)
    nib.save(nib.Nifti1Image(image, AFFINE), path)
    path.write_bytes(path.read_bytes()[:2000])
    assert [p.text for p in quick_check(config_of(small_folder))] == [
        '1 case of 2 channels and 3 axes, but 3 of 1 channel and 3 axes: case0']
    for path in files(small_folder, 'case0', 'case1', 'case2', 'case3', kinds=('labels',)):
        rewrite(path, set_voxel(77))
    assert len(quick_check(config_of(small_folder))) == 1


def test_warnings_before_training_are_one_of_a_kind(small_folder):
    for path in files(small_folder, 'case0', 'case1', kinds=('labels',)):
        rewrite(path, affine=shifted(0.1))
    said, = check_before_training(config_of(small_folder))
    assert 'lie up to 0.1 mm apart, 0.067 voxels (and 1 more, which tools/check_data.py lists)' in said


def test_cases_for_test_alone_do_not_keep_anyone_from_training(small_folder):
    config = config_of(small_folder)
    config['test_dataloader'] = dict(dataset=dict(cases=dict(
        type='FolderDataset', data_root=str(small_folder), images='ACDC/other', labels='ACDC/labels')))
    said, = check_before_training(config)
    assert 'there is no folder' in said and [p.level for p in quick_check(config)] == ['error']
    config['val_dataloader']['dataset']['cases']['images'] = 'ACDC/other'
    with pytest.raises(UserError, match='there is no folder'):
        check_before_training(config)


class Foreign:
    """Cases of another library, which fail as their author liked."""

    def __init__(self, wrong=None):
        self.wrong = wrong
        if wrong == 'all':
            raise ConnectionError('no answer\nfrom the server')

    def __len__(self):
        return 3

    def __getitem__(self, i):
        image, label = np.random.default_rng(i).normal(0, 1, (1, 5, 6)).astype(np.float32), np.full((5, 6), i + 1, np.uint8)
        if i == 1 and self.wrong == 'error':
            raise KeyError('no such thing\nat all')
        if i == 1 and self.wrong == 'label':
            label = label.astype(np.int64) - 5
        if i == 1 and self.wrong == 'image':
            image = image[0]
        return dict(name=f'f{i}', image=image, label=label)


@pytest.mark.parametrize('wrong, expected', [
    (None, []), ('error', [('unreadable', '1', "case 1 cannot be read: KeyError: 'no such thing\\nat all'")]),
    ('image', [('unreadable', 'f1', 'case f1 cannot be read: its image is ndarray of float32 and shape (5, 6); expected was a '
                                    'float32 array (C, *space)')]),
    ('label', [('grid', 'f1', 'case f1 has a label of shape (5, 6) and int64, but its image asks for (5, 6) and uint8')])])
def test_a_data_set_of_ones_own_needs_neither_names_nor_files(wrong, expected):
    config = dict(train_dataloader=dict(dataset=dict(parts=dict(labeled=dict(type=f'{__name__}.Foreign', wrong=wrong)))))
    report = check_sources(sources_of_config(config), processes=1, picture_px=30)
    assert [(p.kind, p.case, p.text) for p in report.problems] == expected and '3 cases read' in terminal_report(report)
    assert quick_check(config) == [] == check_before_training(config)


def test_a_data_set_of_ones_own_that_cannot_be_built_is_one_line():
    config = dict(train_dataloader=dict(dataset=dict(parts=dict(labeled=dict(type=f'{__name__}.Foreign', wrong='all')))))
    problem, = quick_check(config)
    assert problem.kind == 'missing' and 'ConnectionError: no answer from the server' in problem.text and '\n' not in problem.text


@pytest.mark.parametrize('valid, quick, full', [
    (dict(seed=1), [], []), (dict(first=5), [], []), (dict(), ['leak'], ['leak']), (dict(scribbles=False), [], ['leak'])])
def test_generated_cases_are_told_apart_by_what_they_are_made_from_and_not_by_name(valid, quick, full):
    phantoms = dict(type='PhantomDataset', shape=(2, 40, 40), scribbles=True, count=2)
    config = dict(train_dataloader=dict(dataset=dict(parts=dict(scribbled=phantoms))),
                  val_dataloader=dict(dataset=dict(cases=dict(phantoms, **valid))))
    assert [p.kind for p in quick_check(config)] == quick and [p.kind for p in problems_of(config)] == full


def test_two_numbered_data_sets_of_ones_own_share_no_case():
    numbered = dict(type=f'{__name__}.Foreign')
    assert quick_check(dict(train_dataloader=dict(dataset=dict(parts=dict(labeled=numbered, clean=numbered))))) == []


def test_of_a_loader_of_another_library_nothing_is_known():
    config = dict(train_dataloader=dict(dataset=dict(type='another.library.Data', root='x')))
    assert quick_check(config) == []
    with pytest.raises(UserError, match='there is no data set to check'):
        check_sources(sources_of_config(config))


def test_lists_of_a_fold_and_shares_of_cases_are_found_within_data_sets(small_folder):
    (small_folder / 'ACDC/splits/fold0_train.txt').write_text('case0\ncase1\n')
    folder = dict(type='FolderDataset', data_root=str(small_folder), images='ACDC/images', split='ACDC/splits/fold{fold}_train.txt')
    parts = dict(labeled=dict(type='SubsetDataset', share=1, cases=dict(folder, labels='ACDC/labels')),
                 unlabeled=dict(type='SubsetDataset', share=1, rest=True, cases=folder))
    config = dict(classes=CLASSES, fold=0, train_dataloader=dict(dataset=dict(parts=parts)))
    report = check_sources(sources_of_config(config), processes=1)
    assert not report.problems and [(f.part, f.voxels is None) for f in report.facts] == [
        ('train.labeled', False), ('train.unlabeled', True)]
    assert {f.case for f in report.facts} == {'case0', 'case1'} and quick_check(config) == []


def test_labels_that_training_makes_others_of_are_looked_at_as_they_are_and_it_is_said(small_folder):
    config = config_of(small_folder)
    config['train_dataloader']['dataset']['simulate'] = dict(labeled=[dict(type='simulate_scribbles', num_classes=4)])
    report = check_sources(sources_of_config(config), processes=1)
    assert not report.problems and report.facts[0].annotated == 1
    assert 'train.labeled: the labels are looked at as they are in their files, of which training makes others by ' \
        'simulate_scribbles' in terminal_report(report)


def test_a_terminal_shows_some_problems_of_a_kind_and_the_page_all(make_case, tmp_path, capsys):
    for k in range(LINES + 3):
        make_case(f'images/c{k:02d}.nii.gz', np.full((4, 5, 6), 7, np.uint8))
    assert call(tmp_path / 'images', '--processes', 1, '--html', tmp_path / 'page.html') == 1
    out = capsys.readouterr().out
    assert out.count(' is 7 everywhere') == LINES and 'and 3 more; --html lists them all' in out and f'{LINES + 3} errors' in out
    page = (tmp_path / 'page.html').read_text(encoding='utf-8')
    assert all(f'case c{k:02d} is 7 everywhere' in page for k in range(LINES + 3))


@pytest.mark.parametrize('argv, sentence', [
    (['ACDC'], 'ACDC has no images, but the folders images, labels, scribbles, splits; give the folder of the images itself'),
    (['ACDC/images', '--data', 'x'], '--data goes with a config, but ACDC/images is a folder'),
    (['wsl/dmpls_acdc_cpu', '--classes', 'a'], '--classes goes with a folder, but wsl/dmpls_acdc_cpu is no folder'),
    (['wsl/dmpls_acdc_cpu', 'ACDC/labels'], 'LABELS goes with a folder'),
    (['ACDC/images', '--html', 'ACDC/images/case0.nii.gz/page.html'], 'cannot be written')])
def test_what_does_not_fit_together_is_answered_in_one_sentence(small_folder, monkeypatch, capsys, argv, sentence):
    monkeypatch.chdir(small_folder)
    assert call(*argv, '--processes', 1) == 2
    error = capsys.readouterr().err
    assert sentence in error and error.count('\n') == 1


def test_a_setting_of_the_config_can_be_overridden(small_folder, capsys):
    command = ['fsl/unet2d_acdc_cpu', '--data', small_folder, '--processes', 1]
    (small_folder / 'ACDC/splits/other.txt').write_text('case3\n')
    option = 'train_dataloader.dataset.parts.labeled.split=ACDC/splits/other.txt'
    assert call(*command) == 0 and call(*command, '--cfg-options', option) == 1
    assert '1 case of train.labeled in valid too: case3' in capsys.readouterr().out


def pixels(label):
    picture = thumbnail(np.zeros((1, *label.shape), np.float32), label, spacing_mm=(1.0, 1.0), size=40)
    return {tuple(colour) for colour in np.asarray(Image.open(io.BytesIO(picture)).convert('RGB')).reshape(-1, 3).tolist()}


def test_drawn_background_is_shown_in_scribbles_and_not_in_full_labels():
    label = np.zeros((40, 40), np.uint8)
    label[10:20, 10:20] = 1
    scribble = np.full_like(label, 255)
    scribble[5, 5:30], scribble[15, 12:18] = 0, 1
    assert colour_of(-1) == DRAWN_BACKGROUND
    assert pixels(label) == {(0, 0, 0), colour_of(0)} and pixels(scribble) == {(0, 0, 0), colour_of(0), DRAWN_BACKGROUND}


def test_the_page_is_readable_in_the_dark_and_shows_cases_with_problems_first(small_folder, tmp_path):
    rewrite(small_folder / 'ACDC/labels/case1.nii.gz', set_voxel(9))
    page = tmp_path / 'page.html'
    assert call(*files(small_folder, '', kinds=('images', 'labels'))[0].parents[:1], small_folder / 'ACDC/labels', '--classes',
                *CLASSES, '--html', page, '--processes', 1) == 1
    text = Path(page).read_text(encoding='utf-8')
    assert 'prefers-color-scheme: dark' in text and text.index('<b>case1</b>') < text.index('<b>case0</b>')

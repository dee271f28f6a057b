"""Data sets of nnU-Net and of the Decathlon are read as they are, and what is malformed is said in one sentence."""
import json
import shutil

import nibabel as nib
import numpy as np
import pytest
import torch
from PIL import Image

from scarceseg.components.datasets import FolderDataset, MSDDataset, NnUNetDataset
from scarceseg.components.datasets.layouts.complaints import collecting
from scarceseg.components.datasets.layouts.described import describe, is_described
from scarceseg.components.labels import IGNORE
from scarceseg.components.losses import cross_entropy
from scarceseg.registry import DATASETS, UserError

SHAPE = (9, 8, 3)
V2 = {'channel_names': {'0': 'T2', '1': 'ADC'}, 'labels': {'background': 0, 'PZ': 1, 'TZ': 2}, 'numTraining': 3,
      'file_ending': '.nii.gz'}
V1 = {'modality': {'0': 'T2', '1': 'ADC'}, 'labels': {'0': 'background', '1': 'PZ', '2': 'TZ'}, 'tensorImageSize': '4D'}
NAMES = ('prostate_00', 'prostate_01', 'prostate_02')
CLASSES = ('background', 'PZ', 'TZ')
MSD = {**V1, 'training': [{'image': f'./imagesTr/{n}.nii.gz', 'label': f'./labelsTr/{n}.nii.gz'} for n in NAMES],
       'test': ['./imagesTs/prostate_07.nii.gz']}


def say(folder, content):
    (folder / 'dataset.json').write_text(content if isinstance(content, str) else json.dumps(content), encoding='utf-8')


@pytest.fixture
def nnunet(make_case, rng, tmp_path):
    """Three cases of two channels in nnU-Net's raw layout, and one without labels."""
    for name in NAMES:
        label = rng.integers(0, 3, SHAPE).astype(np.uint8)
        make_case(f'Dataset005/labelsTr/{name}.nii.gz', label)
        for k in range(2):
            make_case(f'Dataset005/imagesTr/{name}_000{k}.nii.gz', (10 * (k + 1) * label).astype(np.int16))
    for k in range(2):
        make_case(f'Dataset005/imagesTs/prostate_07_000{k}.nii.gz', np.full(SHAPE, k, np.int16))
    say(tmp_path / 'Dataset005', V2)
    return tmp_path / 'Dataset005'


@pytest.fixture
def msd(make_case, rng, tmp_path):
    """Three cases of two channels in the Decathlon's layout, and one without labels."""
    for name in NAMES:
        label = rng.integers(0, 3, SHAPE).astype(np.uint8)
        make_case(f'Task05/labelsTr/{name}.nii.gz', label)
        make_case(f'Task05/imagesTr/{name}.nii.gz', np.stack([10 * label, 20 * label], -1).astype(np.int16))
        (tmp_path / f'Task05/imagesTr/._{name}.nii.gz').write_bytes(b'left by another system')
    make_case('Task05/imagesTs/prostate_07.nii.gz', np.zeros((*SHAPE, 2), np.int16))
    say(tmp_path / 'Task05', MSD)
    return tmp_path / 'Task05'


def check_cases(data, folder):
    assert data.names == list(NAMES) and data.classes == CLASSES and len(data) == 3
    for i, name in enumerate(NAMES):
        sample = data[i]
        label = np.asarray(nib.load(folder / f'labelsTr/{name}.nii.gz').dataobj).T
        assert np.array_equal(sample['label'], label) and sample['image'].shape == (2, *SHAPE[::-1])
        assert np.array_equal(sample['image'], np.stack([10 * label, 20 * label]).astype(np.float32))
        assert sample['spacing_mm'] == (8, 1.5, 1.5) and 'present' not in sample


@pytest.mark.parametrize('content', [V2, V1, {**V2, 'labels': {'TZ': [2], 'PZ': 1, 'background': 0}}])
def test_the_raw_layout_of_nnunet_is_read_in_both_versions(nnunet, content):
    say(nnunet, content)
    check_cases(NnUNetDataset('Dataset005', data_root=nnunet.parent), nnunet)
    check_cases(DATASETS.build(dict(type='NnUNetDataset', folder=str(nnunet), classes=CLASSES)), nnunet)
    assert is_described(nnunet) == 'NnUNetDataset'


def test_a_task_of_the_decathlon_is_read_as_it_is(msd):
    check_cases(MSDDataset('Task05', data_root=msd.parent), msd)
    assert is_described(msd) == 'MSDDataset' and is_described(msd.parent) is None


def test_test_cases_and_unlabelled_parts_have_no_labels(nnunet, msd):
    for kind, folder in ((NnUNetDataset, 'Dataset005'), (MSDDataset, 'Task05')):
        data = kind(folder, subset='test', labelled=False, data_root=nnunet.parent)
        assert data.names == ['prostate_07'] and 'label' not in data[0] and data.label(0) == {}
        training = kind(folder, labelled=False, data_root=nnunet.parent)
        assert training.names == list(NAMES) and 'label' not in training[0]
    with pytest.raises(UserError, match='there is no folder .*labelsTs'):
        NnUNetDataset('Dataset005', subset='test', data_root=nnunet.parent)
    shutil.rmtree(nnunet / 'labelsTr')
    assert len(NnUNetDataset('Dataset005', labelled=False, data_root=nnunet.parent)[0]['image']) == 2


def test_a_split_list_chooses_cases_in_its_order(nnunet, msd):
    (nnunet.parent / 'two.txt').write_text('# my choice\nprostate_02\nprostate_00\n')
    for kind, folder in ((NnUNetDataset, 'Dataset005'), (MSDDataset, 'Task05')):
        data = kind(folder, split='two.txt', data_root=nnunet.parent)
        assert data.names == ['prostate_02', 'prostate_00'] and data[1]['name'] == 'prostate_00'


def test_the_label_ignore_is_not_annotated_and_is_no_class(nnunet, make_case):
    say(nnunet, {**V2, 'labels': {'background': 0, 'PZ': 1, 'TZ': 2, 'ignore': 3}})
    label = (np.indices(SHAPE).sum(0) % 4).astype(np.uint8)
    make_case(f'Dataset005/labelsTr/{NAMES[0]}.nii.gz', label)
    data = NnUNetDataset('Dataset005', data_root=nnunet.parent)
    assert data.classes == CLASSES and np.array_equal(data[0]['label'], np.where(label == 3, IGNORE, label).T)
    logits = torch.randn(1, 3, *SHAPE[::-1], requires_grad=True)
    cross_entropy(logits, torch.from_numpy(data[0]['label'].astype(np.int64))[None]).backward()
    assert np.array_equal(logits.grad[0].abs().sum(0) == 0, label.T == 3)


def test_values_that_a_label_joins_become_one_class_and_predictions_take_the_first(nnunet):
    say(nnunet, {**V2, 'labels': {'background': 0, 'prostate': [1, 2]}})
    data = NnUNetDataset('Dataset005', data_root=nnunet.parent)
    label = np.asarray(nib.load(nnunet / f'labelsTr/{NAMES[0]}.nii.gz').dataobj).T
    assert np.array_equal(data[0]['label'], label > 0) and data.values.written.tolist() == [0, 1]


def test_a_colour_picture_is_one_file_of_three_channels(rng, tmp_path):
    for folder, name in (('imagesTr', 'a_0000'), ('labelsTr', 'a')):
        (tmp_path / 'RGB' / folder).mkdir(parents=True)
        picture = rng.integers(0, 2, (6, 5) if folder == 'labelsTr' else (6, 5, 3)).astype(np.uint8)
        Image.fromarray(picture).save(tmp_path / 'RGB' / folder / f'{name}.png')
    say(tmp_path / 'RGB', {'channel_names': {'0': 'R', '1': 'G', '2': 'B'}, 'labels': {'background': 0, 'vessel': 1},
                           'file_ending': '.png'})
    sample = NnUNetDataset('RGB', data_root=tmp_path)[0]
    assert sample['image'].shape == (3, 6, 5) and sample['label'].shape == (6, 5) and sample['name'] == 'a'
    assert describe(dict(type='NnUNetDataset', folder='RGB', data_root=str(tmp_path)))['channels'] == ('_0000',)


def test_files_that_dataset_json_lists_may_lie_anywhere(nnunet):
    (nnunet / 'imagesTr').rename(nnunet.parent / 'elsewhere')
    listed = {n: {'images': [f'../elsewhere/{n}_000{k}.nii.gz' for k in range(2)], 'label': f'labelsTr/{n}.nii.gz'} for n in NAMES}
    say(nnunet, {**V2, 'dataset': listed})
    check_cases(NnUNetDataset('Dataset005', data_root=nnunet.parent), nnunet)
    assert is_described(nnunet) == 'NnUNetDataset'


def test_what_dataset_json_says_are_settings_of_a_folder(nnunet, msd):
    say(nnunet, {**V2, 'labels': {'background': 0, 'TZ': 2, 'PZ': 1, 'ignore': 3}})
    settings = describe(dict(type='NnUNetDataset', folder='Dataset005', data_root=str(nnunet.parent)))
    assert settings == dict(classes=CLASSES, channels=('_0000', '_0001'), label_values=(0, 1, 2), unannotated=3)
    check_cases(FolderDataset('imagesTr', labels='labelsTr', data_root=nnunet, **settings), nnunet)
    assert describe(dict(type='MSDDataset', folder=str(msd)))['channels'] == ('',)
    assert describe(dict(type='FolderDataset', images='x')) == {}


def test_a_channel_that_is_missing_is_zeros_on_request_only(nnunet):
    (nnunet / f'imagesTr/{NAMES[1]}_0000.nii.gz').unlink()
    with pytest.raises(UserError, match="case 'prostate_01', found among the images, has no file prostate_01_0000 in"):
        NnUNetDataset('Dataset005', data_root=nnunet.parent)
    data = NnUNetDataset('Dataset005', missing='zeros', data_root=nnunet.parent)
    assert [data[i]['present'] for i in range(3)] == [(True, True), (False, True), (True, True)]
    image = data[1]['image']
    assert image.dtype == np.float32 and not image[0].any() and np.array_equal(image[1], 20.0 * data[1]['label'])
    assert data[1]['image_file'].endswith('_0001.nii.gz') and data[1]['spacing_mm'] == (8, 1.5, 1.5)
    assert data.key(1)[0][0] is None and data.key(0)[0][0] is not None


@pytest.mark.parametrize('change, sentence', [
    ('{"labels": ', 'dataset.json is no JSON: .* line 1'),
    ('[1, 2]', 'holds a list, but expected was an object'),
    ({'channel_names': {'0': 'T2'}}, r'"labels": None, but expected was an object'),
    ({**V2, 'labels': {}}, r'"labels": \{\}, but expected'),
    ({**V2, 'labels': ['background', 'PZ']}, "\"labels\": .'background', 'PZ'., but expected"),
    ({**V2, 'labels': {'PZ': 1, 'TZ': 2}}, "no label with value 0, the background, but only 'PZ', 'TZ'"),
    ({**V2, 'labels': {'background': 0, 'PZ': '1'}}, "gives label 'PZ' the value '1'; expected a whole number"),
    ({**V2, 'labels': {'background': 0, 'PZ': 1.5}}, "gives label 'PZ' the value 1.5"),
    ({**V2, 'labels': {'background': 0, 'PZ': True}}, "gives label 'PZ' the value True"),
    ({**V2, 'labels': {'background': 0, 'PZ': []}}, r"gives label 'PZ' the value \[\]"),
    ({**V2, 'labels': {'background': 0, 'whole': [1, 2], 'core': 2}}, 'overlap: value 2 belongs to whole, core; regions are not'),
    ({**V2, 'labels': {'background': 0, 'PZ': 1, 'ignore': [2, 3]}}, r"the label 'ignore' the values \[2, 3\]"),
    ({**V2, 'labels': {'background': 0, 'PZ': 1, 'ignore': 1}}, 'unannotated=1 must be a whole number that is no class'),
    ({**V1, 'labels': {'0': 'background', '1': 'PZ', '2': 'PZ'}}, 'gives one name to several labels'),
    ({**V2, 'file_ending': '.xyz'}, "\"file_ending\": '.xyz', which cannot be read; known: .*.nii.gz"),
    ({**V2, 'file_ending': '.png'}, r'no image in .*imagesTr ends with _0000.png; where each case is one file'),
    ({k: v for k, v in V2.items() if k != 'channel_names'}, '"channel_names": None, but expected'),
    ({**V2, 'channel_names': {'1': 'T2', '2': 'ADC'}}, "\"channel_names\": {'1': 'T2', '2': 'ADC'}, but expected"),
    ({**V2, 'channel_names': {'0': 'a', '1': 'b', '2': 'c'}}, 'has no file prostate_00_0002 in'),
    ({**V2, 'dataset': {'a': {'images': []}}}, "entry 'a' of \"dataset\" is .*, but expected was a list of images and a label"),
    ({**V2, 'dataset': {'a': {'images': ['no.nii.gz'], 'label': 'x.nii.gz'}}}, "case 'a', listed in .* has no image file .*no.nii"),
    ({**V2, 'dataset': ['a']}, "entry 'dataset' of \"dataset\" is None")])
def test_a_malformed_description_is_answered_in_one_sentence(nnunet, change, sentence):
    say(nnunet, change)
    with pytest.raises(UserError, match=sentence) as caught:
        NnUNetDataset('Dataset005', data_root=nnunet.parent)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('settings, sentence', [
    (dict(folder='Dataset006'), 'there is no .*Dataset006.dataset.json, which a data set of nnU-Net or .* has; give .*--data'),
    (dict(classes=('background', 'TZ', 'PZ')), r"classes=\('background', 'TZ', 'PZ'\) are others than those of .*dataset.json, "
                                              r"\('background', 'PZ', 'TZ'\); give these"),
    (dict(classes=('background', 'PZ')), 'are others than those of'),
    (dict(subset='validation'), "subset='validation' is unknown; known: training, test"),
    (dict(split='no.txt'), 'there is no split list'), (dict(missing='zero'), r"missing='zero' is unknown .did you mean 'zeros'")])
def test_settings_that_do_not_fit_a_description_are_said(nnunet, settings, sentence):
    with pytest.raises(UserError, match=sentence):
        NnUNetDataset(**{'folder': 'Dataset005', 'data_root': nnunet.parent, **settings})


@pytest.mark.parametrize('change, sentence', [
    (V1, "has no list 'training' of cases; where images end with _0000, as in nnU-Net, use NnUNetDataset"),
    ({**MSD, 'training': []}, "its list 'training' is empty"),
    ({**MSD, 'training': ['./imagesTr/a.nii.gz']}, "entry 0 of 'training' is './imagesTr/a.nii.gz', but expected was an image"),
    ({**MSD, 'training': [MSD['training'][0]] * 2}, "lists case 'prostate_00' twice under 'training'"),
    ({**MSD, 'training': [{'image': 'imagesTr/no.nii.gz', 'label': 'labelsTr/no.nii.gz'}]}, "case 'no', .* has no image file"),
    ({**MSD, 'training': [{'image': 'dataset.json', 'label': 'dataset.json'}]}, 'has no image file .*dataset.json'),
    ({**MSD, 'training': [dict(MSD['training'][0], label='labelsTr/x.nii.gz')]}, 'has no image file .*x.nii.gz'),
    ({**MSD, 'training': 'all'}, "has no list 'training'")])
def test_a_malformed_list_of_the_decathlon_is_answered_in_one_sentence(msd, change, sentence):
    say(msd, change)
    with pytest.raises(UserError, match=sentence) as caught:
        MSDDataset('Task05', data_root=msd.parent)
    assert '\n' not in str(caught.value)


def test_each_layout_names_the_other_where_it_is_the_right_one(nnunet, msd):
    with pytest.raises(UserError, match='use MSDDataset'):
        NnUNetDataset('Task05', data_root=msd.parent)
    say(nnunet, MSD)
    with pytest.raises(UserError, match='so use NnUNetDataset'):
        MSDDataset('Dataset005', data_root=msd.parent)


def test_a_file_with_another_number_of_channels_names_case_and_channels(msd, make_case):
    make_case(f'Task05/imagesTr/{NAMES[1]}.nii.gz', np.zeros((*SHAPE, 3), np.int16))
    with pytest.raises(UserError, match=r'case prostate_01: .* makes 3 channels, but expected were 2 \(T2, ADC\)'):
        MSDDataset('Task05', data_root=msd.parent)[1]


def test_a_label_that_is_no_class_of_the_description_is_named(nnunet, make_case):
    make_case(f'Dataset005/labelsTr/{NAMES[0]}.nii.gz', np.full(SHAPE, 255, np.uint8))
    with pytest.raises(UserError, match=r'case prostate_00: the label .* holds \[255\], but the classes are 0 to 2'):
        NnUNetDataset('Dataset005', data_root=nnunet.parent)[0]


def test_swapped_images_and_labels_are_found_by_their_values(nnunet, make_case):
    with pytest.raises(UserError, match=r'the label .*imagesTr.* holds \[10, 20\], but the classes are'):
        FolderDataset('labelsTr', CLASSES, 'imagesTr', label_suffix='_0000', data_root=nnunet)[0]
    make_case(f'Dataset005/imagesTr/{NAMES[0]}_0000.nii.gz', np.arange(216, dtype=np.int16).reshape(SHAPE))
    with pytest.raises(UserError, match='and others, but the classes are .*; is it an image instead of a label'):
        FolderDataset('labelsTr', CLASSES, 'imagesTr', label_suffix='_0000', data_root=nnunet)[0]


def test_names_with_spaces_and_letters_of_any_language_are_names(make_case, tmp_path):
    names = ['fall 1', 'Ünïcode ß', '患者 二', "it's; a $case"]
    for name in names:
        make_case(f'Données 1/imagesTr/{name}_0000.nii.gz', np.ones(SHAPE, np.int16))
        make_case(f'Données 1/labelsTr/{name}.nii.gz', np.zeros(SHAPE, np.uint8))
    say(tmp_path / 'Données 1', {'channel_names': {'0': 'CT'}, 'labels': {'background': 0, 'Läsion': 1}})
    (tmp_path / 'ä ö.txt').write_text('\n'.join(names[::-1]), encoding='utf-8')
    data = NnUNetDataset('Données 1', split='ä ö.txt', data_root=tmp_path)
    assert data.names == names[::-1] and all(data[i]['label'].shape == SHAPE[::-1] for i in range(4))


def test_whoever_takes_stock_sees_every_case_that_is_wrong(nnunet, msd):
    (nnunet / f'imagesTr/{NAMES[0]}_0001.nii.gz').unlink()
    (nnunet / f'labelsTr/{NAMES[2]}.nii.gz').unlink()
    with collecting() as notes:
        data = NnUNetDataset('Dataset005', data_root=nnunet.parent)
    assert data.names == [NAMES[1]] and [name for name, _ in notes] == [NAMES[0], NAMES[2]]
    assert 'has no file prostate_00_0001 in' in notes[0][1] and 'labelsTr' in notes[1][1]
    for name in NAMES[:2]:
        (msd / f'labelsTr/{name}.nii.gz').unlink()
    with collecting() as notes:
        assert MSDDataset('Task05', data_root=msd.parent).names == [NAMES[2]]
    assert len(notes) == 2
    with pytest.raises(UserError):
        MSDDataset('Task05', data_root=msd.parent)

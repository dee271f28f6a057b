"""Cases of several files, in several folders, and labels with values of their own."""
import os
import pickle

import nibabel as nib
import numpy as np
import pytest
import torch
from PIL import Image

from scarceseg.components.datasets import FolderDataset, LabelValues, PartsDataset, collate_parts
from scarceseg.components.datasets.cache.store import DiskStore
from scarceseg.components.datasets.parts.samplers import Draw
from scarceseg.components.labels import IGNORE
from scarceseg.registry import UserError

from ..conftest import MYOPS_VALUES, OBLIQUE

CLASSES = ('background', 'myocardium', 'LV', 'RV', 'edema', 'scar')
ABC = ('a', 'b', 'c')


def myops(root, **changes):
    settings = dict(images='MyoPS/train25', labels='MyoPS/train25_myops_gd', classes=CLASSES, channels=('_C0', '_DE', '_T2'),
                    label_suffix='_gd', label_values=MYOPS_VALUES, split='MyoPS/splits/fold1_train.txt', data_root=root)
    return FolderDataset(**{**settings, **changes})


def cadis(root, videos=(1, 3), **changes):
    folders = {key: [f'CaDIS/Video{v:02d}/{kind}' for v in videos] for key, kind in (('images', 'Images'), ('labels', 'Labels'))}
    return FolderDataset(**{**folders, **dict(classes=ABC, label_values=((0, 4), (5, 6), range(7, 36)), data_root=root), **changes})


def test_channels_are_stacked_in_their_order_and_values_become_classes(myops_folder):
    data = myops(myops_folder)
    sample, name = data[0], data.names[0]
    stored = [np.asarray(nib.load(myops_folder / f'MyoPS/train25/{name}_{c}.nii.gz').dataobj).T for c in ('C0', 'DE', 'T2')]
    assert np.array_equal(sample['image'], np.float32(stored)) and sample['image_file'].endswith(f'{name}_C0.nii.gz')
    label = np.asarray(nib.load(myops_folder / f'MyoPS/train25_myops_gd/{name}_gd.nii.gz').dataobj).T
    assert sample['label'].dtype == np.uint8 and np.array_equal(np.array(MYOPS_VALUES)[sample['label']], label)
    assert set(sample['label'].ravel()) == set(range(6)) and len(data) == 4
    swapped = myops(myops_folder, channels=('_T2', '_C0'))[0]['image']
    assert np.array_equal(swapped, sample['image'][[2, 0]])


def test_without_split_the_cases_are_what_the_channels_end(myops_folder, make_case):
    make_case('MyoPS/train25/overview.nii.gz', np.zeros((2, 2)))
    data = myops(myops_folder, split=None)
    assert data.names == [f'myops_training_{101 + k}' for k in range(5)]


def test_images_and_labels_may_lie_in_one_folder(myops_folder):
    folder = myops_folder / 'MyoPS' / 'train25'
    for path in (myops_folder / 'MyoPS' / 'train25_myops_gd').iterdir():
        path.rename(folder / path.name)
    data = myops(myops_folder, labels='MyoPS/train25', split=None)
    expected = data[0]
    assert len(data) == 5 and expected['label'].max() == 5
    single = myops(myops_folder, labels='MyoPS/train25', split=None, channels='_DE')[0]
    assert np.array_equal(single['image'], expected['image'][1:2])
    for path in [*folder.glob('*_DE.nii.gz'), *folder.glob('*_T2.nii.gz')]:
        path.unlink()
    for path in folder.glob('*_C0.nii.gz'):
        path.rename(folder / path.name.replace('_C0', ''))
    plain = FolderDataset('MyoPS/train25', CLASSES, 'MyoPS/train25', label_suffix='_gd', label_values=MYOPS_VALUES,
                          data_root=myops_folder)
    assert plain.names == data.names and np.array_equal(plain[0]['image'], expected['image'][:1])


def test_a_missing_channel_and_one_on_another_grid_are_named(myops_folder, make_case):
    (myops_folder / 'MyoPS/train25/myops_training_102_DE.nii.gz').rename(myops_folder / 'away.nii.gz')
    with pytest.raises(UserError, match=r"case 'myops_training_102', found among the images, has no file myops_training_102_DE in"):
        myops(myops_folder, split=None)
    make_case('MyoPS/train25/myops_training_102_DE.nii.gz', np.zeros((42, 38, 4)), affine=OBLIQUE)
    data = myops(myops_folder, split=None)
    with pytest.raises(UserError, match=r'case myops_training_102: .*_DE.nii.gz and .*_C0.nii.gz have shapes \(42, 38, 4\) and'):
        data[1]
    make_case('MyoPS/train25/myops_training_102_DE.nii.gz', np.zeros((42, 38, 3)), affine=np.diag([1, 1, 9, 1.0]))
    with pytest.raises(UserError, match='_DE.nii.gz and .*_C0.nii.gz lie differently in space'):
        data[1]


@pytest.mark.parametrize('changes, sentence', [
    (dict(channels=()), 'must be different endings'), (dict(channels=('_C0', '_C0')), 'must be different endings'),
    (dict(channels=('_X',)), "has no file in .*train25 .its files end with _X"),
    (dict(channels=('_X',), split=None), 'no case was found: .*train25 whose names end with _X'),
    (dict(label_suffix='_seg'), 'has no file myops_training_10._seg in .*myops_gd'),
    (dict(labels=('a', 'b')), '1 folders of images and 2 of labels'),
    (dict(label_values=(0, 1)), 'label_values has 2 entries.*6 classes'),
    (dict(label_values=(0, 200, 500, 600, 1220)), 'has 5 entries'), (dict(missing='zero'), "unknown .did you mean 'zeros'"),
    (dict(classes=None), 'classes=None must list the names of all classes'), (dict(classes='heart'), "classes='heart' must list")])
def test_settings_that_do_not_fit_are_answered_in_one_sentence(myops_folder, changes, sentence):
    with pytest.raises(UserError, match=sentence) as caught:
        myops(myops_folder, **changes)
    assert '\n' not in str(caught.value)


def test_a_value_that_is_not_listed_names_case_file_and_values(myops_folder):
    sentence = r'case .*: the label .*_gd.nii.gz holds \[2221\], but the classes are background 0, .*edema 1220; give the values'
    with pytest.raises(UserError, match=sentence):
        myops(myops_folder, classes=CLASSES[:5], label_values=MYOPS_VALUES[:5])[0]
    label = myops(myops_folder, classes=CLASSES[:4], label_values=MYOPS_VALUES[:4], unannotated=(1220, 2221))[0]['label']
    assert set(label.ravel()) == {0, 1, 2, 3, IGNORE}


def test_a_csv_has_a_column_for_each_channel(myops_folder):
    files = ','.join(f'MyoPS/train25/myops_training_101_{c}.nii.gz' for c in ('DE', 'C0'))
    (myops_folder / 'a.csv').write_text(f'image_DE,image_C0,label\n{files},MyoPS/train25_myops_gd/myops_training_101_gd.nii.gz\n')
    sample = myops(myops_folder, channels=('_C0', '_DE'), split='a.csv')[0]
    assert sample['name'] == 'myops_training_101' and sample['image'].shape[0] == 2
    assert np.array_equal(sample['image'], myops(myops_folder, split=None)[0]['image'][:2])
    with pytest.raises(UserError, match="no column 'image_T2'"):
        myops(myops_folder, split='a.csv')


def test_a_missing_channel_is_zeros_on_request_and_the_sample_says_so(myops_folder, make_case):
    (myops_folder / 'MyoPS/train25/myops_training_102_C0.nii.gz').unlink()
    data = myops(myops_folder, split=None, missing='zeros')
    whole, lacking = data[0], data[1]
    assert whole['present'] == (True, True, True) and lacking['present'] == (False, True, True)
    assert np.array_equal(whole['image'], myops(myops_folder, labels=None, split=None, missing='zeros')[0]['image'])
    assert not lacking['image'][0].any() and lacking['image'][1:].all() and lacking['image_file'].endswith('_DE.nii.gz')
    assert set(lacking['label'].ravel()) == set(range(6)) and lacking['geometry'].affine is not None
    assert data.key(1) != data.key(0) and 'present' not in myops(myops_folder, split=None, channels='_DE')[1]
    make_case('MyoPS/train25/myops_training_102_T2.nii.gz', np.zeros((42, 38, 3, 2)), affine=OBLIQUE)
    with pytest.raises(UserError, match='case myops_training_102: .*_T2.nii.gz holds 2 channels; where channels may be missing'):
        data[1]


@pytest.mark.parametrize('cache', ['memory', 'disk'])
@pytest.mark.parametrize('form', [dict(slices=True), dict(slices=True, patch=(20, 20)), dict(patch=(2, 24, 24))])
def test_which_channels_are_there_reaches_the_batch(myops_folder, tmp_path, form, cache):
    (myops_folder / 'MyoPS/train25/myops_training_102_C0.nii.gz').unlink()
    parts = dict(labeled=myops(myops_folder, split=None, missing='zeros'))
    data = PartsDataset(parts, cache=cache, store=tmp_path / 'store', **form,
                        prepare=[dict(type='clip_percentiles', low=1, high=99), dict(type='normalise')],
                        transforms=[dict(type='random_affine', size=(16, 16))] if 'slices' in form else [dict(type='random_flip')])
    batch = collate_parts([data[Draw('labeled', k, (0, k))] for k in range(data.sizes['labeled'])])['labeled']
    lacking = torch.tensor([name == 'myops_training_102' for name in batch['name']])
    assert batch['present'].dtype == torch.bool and batch['present'].shape == (len(lacking), 3) and 0 < lacking.sum() < len(lacking)
    assert torch.equal(batch['present'], torch.stack([~lacking, lacking | True, lacking | True], 1))
    assert not batch['image'][lacking][:, 0].any() and batch['image'][:, 1:].flatten(2).std(-1).all()
    assert torch.isfinite(batch['image']).all()


def test_a_missing_channel_of_a_table_is_an_empty_field(myops_folder):
    where = 'MyoPS/train25/myops_training_10'
    (myops_folder / 'a.csv').write_text(f'image_C0,image_DE\n{where}1_C0.nii.gz,{where}1_DE.nii.gz\n,{where}2_DE.nii.gz\n')
    settings = dict(channels=('_C0', '_DE'), labels=None, split='a.csv')
    data = myops(myops_folder, missing='zeros', **settings)
    assert data.names == ['myops_training_101', 'myops_training_102']
    assert [data[i]['present'] for i in range(2)] == [(True, True), (False, True)]
    with pytest.raises(UserError, match="a.csv, line 3, has nothing in column 'image_C0'; name a file"):
        myops(myops_folder, **settings)


@pytest.mark.parametrize('text, sentence', [
    ('image,mask\nA,B\n', "a.csv has no column 'label'; its columns: image, mask"),
    ('Image,label\nA,B\n', "has no column 'image' .did you mean 'Image'"),
    ('', "has no column 'image'; its columns: $"), ('image,label\n', 'no case was found'),
    ('image,label\nA,no.nii.gz\n', 'a.csv, line 2, names .*no.nii.gz, which is no file'),
    ('image,label\nA,B\nA,B\n', "a.csv has case 'myops_training_101_C0' twice"),
    ('image,label\nA,B,C\n', 'a.csv, line 2, has more fields than the first line has columns'),
    ('image,label\nA\n', "a.csv, line 2, has nothing in column 'label'"),
    ('image,label\n\nA,B\n,B\n', "a.csv, line 4, has nothing in column 'image'"),
    ('image,label\nA,a.csv\n', 'names .*a.csv, which is no image file'),
    (b'image,label\n\xff\xfe,B\n', 'a.csv cannot be read as a table'),
    ('image|label\nA|B\n', "has no column 'image'.*; its columns: image.label")])
def test_a_malformed_table_is_answered_in_one_sentence(myops_folder, text, sentence):
    files = ('MyoPS/train25/myops_training_101_C0.nii.gz', 'MyoPS/train25_myops_gd/myops_training_101_gd.nii.gz')
    text = text if isinstance(text, bytes) else text.replace('A', files[0]).replace('B', files[1]).encode()
    (myops_folder / 'a.csv').write_bytes(text)
    with pytest.raises(UserError, match=sentence) as caught:
        myops(myops_folder, channels=('',), split='a.csv')
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('text', ['image;label\nA;B\n', 'image\tlabel\r\nA\tB\r\n', 'label,"x;y;z;",image\nB,1;2,A\n'])
def test_a_table_of_any_spreadsheet_is_read(myops_folder, text):
    files = ('MyoPS/train25/myops_training_101_C0.nii.gz', 'MyoPS/train25_myops_gd/myops_training_101_gd.nii.gz')
    (myops_folder / 'a.CSV').write_text(text.replace('A', files[0]).replace('B', files[1]))
    sample = myops(myops_folder, channels=('',), split='a.CSV')[0]
    assert sample['image_file'].endswith(files[0]) and sample['label_file'].endswith(files[1])


def test_a_table_may_name_its_cases_whose_files_all_have_one_name(myops_folder):
    lines = ['name,image,label']
    for k in (1, 2):
        folder = myops_folder / f'UKB{k}'
        folder.mkdir()
        for kind in ('', '_gd'):
            source = myops_folder / f'MyoPS/train25{"_myops" + kind if kind else ""}/myops_training_10{k}{kind or "_C0"}.nii.gz'
            source.rename(folder / f'mri{kind}.nii.gz')
        lines.append(f'case {k},UKB{k}/mri.nii.gz,UKB{k}/mri_gd.nii.gz')
    settings = dict(channels=('',), split='a.csv')
    (myops_folder / 'a.csv').write_text('\n'.join(lines))
    data = myops(myops_folder, **settings)
    assert data.names == ['case 1', 'case 2'] and data[1]['name'] == 'case 2' and data[1]['image_file'].endswith('UKB2/mri.nii.gz')
    (myops_folder / 'a.csv').write_text('\n'.join(line.partition(',')[2] for line in lines))
    with pytest.raises(UserError, match="has case 'mri' twice; where files of several folders have one name, .* column 'name'"):
        myops(myops_folder, **settings)
    for name in ('', 'a/b'):
        (myops_folder / 'a.csv').write_text('\n'.join(lines).replace('case 2', name))
        with pytest.raises(UserError, match="line 3, has '.*' in column 'name', but predictions become files"):
            myops(myops_folder, **settings)


def test_a_mask_of_0_and_255_says_how_it_is_read_and_is(cadis_folder):
    lungs, folder = ('background', 'lung'), cadis_folder / 'CaDIS/Video01/Labels'
    mask = np.asarray(Image.open(folder / 'Video1_frame000010.png')) == 4
    Image.fromarray((255 * mask).astype(np.uint8)).save(folder / 'Video1_frame000010.png')
    settings = dict(videos=(1,), classes=lungs, label_values=None)
    with pytest.raises(UserError, match=r'holds \[255\], but the classes are 0 to 1 .*; give the values .* as label_values, and'):
        cadis(cadis_folder, **settings)[0]
    assert np.array_equal(cadis(cadis_folder, **{**settings, 'label_values': (0, 255)})[0]['label'], mask)
    assert set(cadis(cadis_folder, unannotated=255, **settings)[0]['label'].ravel()) == {0, IGNORE}


def test_a_table_may_have_spaces_around_entries_and_letters_of_any_language(myops_folder):
    (myops_folder / 'MyoPS/train25').rename(myops_folder / 'Ordner mit Ä')
    text = '\ufeffimage, x\r\n Ordner mit Ä/myops_training_101_C0.nii.gz ,1\r\n'
    (myops_folder / 'ü.csv').write_bytes(text.encode())
    assert myops(myops_folder, channels=('',), labels=None, split='ü.csv').names == ['myops_training_101_C0']


@pytest.mark.parametrize('text, sentence', [
    ('myops_training_101\nmyops_trainin_102\n', "case 'myops_trainin_102', listed in .*a.txt, has no file in .*did you mean"),
    ('myops_training_101\nmyops_training_999\n', r"case 'myops_training_999', listed in .*a.txt, has no file in .*_T2\)$"),
    ('myops_training_101\n\nmyops_training_101\n', 'names myops_training_101 more than once'),
    ('# nothing but a note\n', 'no case was found'), (b'caf\xe9\n', 'a.txt is not UTF-8 text'),
    ('# sha256 of the names: 00\nmyops_training_101\n', 'a.txt has been changed since it was written')])
def test_a_malformed_list_is_answered_in_one_sentence(myops_folder, text, sentence):
    (myops_folder / 'a.txt').write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError, match=sentence) as caught:
        myops(myops_folder, split='a.txt')
    assert '\n' not in str(caught.value)


def test_several_folders_are_one_set_of_cases(cadis_folder):
    data = cadis(cadis_folder)
    assert data.names == ['Video1_frame000010', 'Video3_frame000030']
    sample = data[1]
    assert sample['image'].shape == (3, 54, 71) and sample['spacing_mm'] is None and sample['label'].shape == (54, 71)
    index = np.asarray(Image.open(cadis_folder / 'CaDIS/Video03/Labels/Video3_frame000030.png'))
    assert np.array_equal(sample['label'], np.select([index >= 7, (index == 5) | (index == 6)], [2, 1], 0))
    (cadis_folder / 'one.txt').write_text('Video3_frame000030\n')
    assert cadis(cadis_folder, split='one.txt').names == data.names[1:]


def test_one_name_in_two_folders_is_refused(cadis_folder):
    for kind in ('Images', 'Labels'):
        folder = cadis_folder / 'CaDIS' / 'Video03' / kind
        (folder / 'Video3_frame000030.png').rename(folder / 'Video1_frame000010.png')
    with pytest.raises(UserError, match="'Video1_frame000010' is in two folders, .*Video01.*Video03"):
        cadis(cadis_folder)


def test_a_label_alone_is_read_without_its_image(cadis_folder):
    data = cadis(cadis_folder)
    expected = data[0]['label']
    (cadis_folder / 'CaDIS/Video01/Images/Video1_frame000010.png').write_bytes(b'')
    alone = data.label(0)
    assert np.array_equal(alone['label'], expected) and 'image' not in alone
    assert cadis(cadis_folder, labels=None).label(0) == {}


def test_pictures_become_samples_from_memory_and_from_disk(cadis_folder, tmp_path):
    transforms = [dict(type='random_affine', size=(32, 40), rotate_deg=0, scale=(0.5, 2.0))]
    settings = dict(parts=dict(labeled=cadis(cadis_folder)), prepare=[dict(type='normalise')], transforms=transforms)
    memory = PartsDataset(**settings)
    disk = PartsDataset(cache='disk', store=tmp_path / 'store', **settings)
    draw = Draw('labeled', 1, (0, 1))
    for data in (disk, pickle.loads(pickle.dumps(disk))):
        part, sample = data[draw]
        assert part == 'labeled' and sample['image'].shape == (3, 32, 40) and sample['label'].shape == (32, 40)
        assert all(np.array_equal(sample[k], memory[draw][1][k]) for k in ('image', 'label'))


def test_a_store_of_thousands_of_cases_holds_no_file_open(tmp_path):
    store = DiskStore(tmp_path)
    before = len(os.listdir('/proc/self/fd')) if os.path.isdir('/proc/self/fd') else pytest.skip('needs /proc')
    samples = [store.get(k, lambda k=k: dict(name=str(k), image=np.full((1, 2, 2), k), spacing_mm=None)) for k in range(20)]
    assert [int(s['image'][0, 0, 0]) for s in samples] == list(range(20)) and samples[3]['spacing_mm'] is None
    assert dict(samples[3]).keys() == {'name', 'image', 'spacing_mm'} and 'label' not in samples[3]
    assert len(os.listdir('/proc/self/fd')) == before


def literal(label, values, unannotated):
    """The slow and obvious way."""
    out = np.full(label.shape, 77, np.uint8)
    for place in np.ndindex(label.shape):
        for k, numbers in enumerate(values):
            if label[place] in (numbers if isinstance(numbers, tuple) else (numbers,)):
                out[place] = k
        if label[place] in unannotated:
            out[place] = IGNORE
    return out


@pytest.mark.parametrize('dtype', [np.uint8, np.int16, np.uint16, np.int32, np.int64])
@pytest.mark.parametrize('values, unannotated', [
    ((0, 1, 2), ()), ((0, (1, 5), (2, 3, 4)), (9, 11)), ((7, 0, 100), (255,)), (((30, 4), 1, 2), (0,))])
def test_values_are_mapped_as_by_a_loop(rng, dtype, values, unannotated):
    flat = [v for numbers in values for v in (numbers if isinstance(numbers, tuple) else (numbers,))]
    label = rng.choice(np.array([*flat, *unannotated], dtype), (5, 6, 7))
    classes = LabelValues(ABC, values, unannotated or None).to_classes(label, 'it')
    assert classes.dtype == np.uint8 and np.array_equal(classes, literal(label, values, unannotated))


def test_negative_values_are_values_too():
    values = LabelValues(ABC, (-1, 0, 300), unannotated=-5)
    assert values.to_classes(np.array([-1, 0, 300, -5], np.int16), 'it').tolist() == [0, 1, 2, IGNORE]
    assert values.to_values(np.array([0, 1, 2])).tolist() == [-1, 0, 300] and values.written.dtype == np.int16


@pytest.mark.parametrize('values, dtype', [
    (None, np.uint8), ((0, 1, 255), np.uint8), ((0, 1, 256), np.uint16), (MYOPS_VALUES[-3:], np.uint16),
    ((0, 1, 70000), np.uint32), ((-1, 0, 127), np.int8)])
def test_predictions_take_the_smallest_dtype_and_the_first_of_several_values(values, dtype):
    mapping = LabelValues(ABC, values)
    assert mapping.to_values(np.array([[2, 0]], np.uint8)).dtype == dtype
    grouped = LabelValues(ABC, ((0, 4), 3, (9, 7)))
    assert grouped.to_values(np.array([0, 1, 2])).tolist() == [0, 3, 9]
    assert grouped.to_classes(grouped.to_values(np.arange(3)), 'it').tolist() == [0, 1, 2]


@pytest.mark.parametrize('value', [3, -1, 254, 255, 1000])
def test_a_value_without_meaning_is_found_wherever_it_lies(value):
    label = np.zeros((4, 5), np.int16)
    label[2, 3] = value
    with pytest.raises(UserError, match=rf'it holds \[{value}\], but the classes are 0 to 2 \(a, b, c\)'):
        LabelValues(ABC).to_classes(label, 'it')


def test_many_strange_values_are_not_all_listed():
    with pytest.raises(UserError, match=r'holds \[3, 4, 5, 6, 7, 8, 9, 10\] and others, but the classes are a 0, b 1, c 2 or 40;'):
        LabelValues(ABC, (0, 1, (2, 40))).to_classes(np.arange(30), 'it')
    with pytest.raises(UserError, match='c 7 to 35'):
        LabelValues(ABC, (0, 1, range(7, 36))).to_classes(np.arange(30), 'it')


def test_an_empty_label_has_no_classes():
    assert LabelValues(ABC).to_classes(np.zeros((0, 3), np.int16), 'it').shape == (0, 3)


@pytest.mark.parametrize('values, unannotated, sentence', [
    ((0, 1), None, 'has 2 entries'), ((0, 1, ()), None, 'has 3 entries'), ((0, 1, 1), None, 'must be different'),
    ((0, 1, 2 ** 25), None, 'within 16777216 of each other'), ((0, 1, 2.5), None, 'whole number'),
    ((0, 1, '2'), None, 'whole number'),
    (None, 2, 'unannotated=2 must be a whole number that is no class'), (None, (4, 1), 'must be a whole number that is no class'),
    (None, True, 'unannotated=True must be')])
def test_values_with_two_meanings_or_none_are_refused(values, unannotated, sentence):
    with pytest.raises(UserError, match=sentence):
        LabelValues(ABC, values, unannotated)

import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from scarceseg.components.datasets import CasesDataset, FolderDataset, PartBatchSampler, PartsDataset, collate_parts
from scarceseg.components.datasets.cache.store import DiskStore
from scarceseg.components.labels import IGNORE
from scarceseg.registry import UserError

CLASSES = ('background', 'a', 'b', 'c')
TRANSFORMS = [dict(type='random_affine', size=(16, 16)), dict(type='random_gamma'), dict(type='random_noise')]


def folder(root, **changes):
    settings = dict(images='ACDC/images', labels='ACDC/labels', split='ACDC/splits/train.txt', classes=CLASSES, data_root=root)
    return FolderDataset(**{**settings, **changes})


def scribbled(root, **changes):
    return PartsDataset(**{**dict(parts=dict(scribbled=folder(root, labels='ACDC/scribbles', unannotated=4)),
                                  prepare=[dict(type='normalise')], transforms=TRANSFORMS, slices=True), **changes})


def sampler(dataset, parts, seed=0, **settings):
    return PartBatchSampler(SimpleNamespace(dataset=dataset, seed=seed), parts, **settings)


def test_a_case_has_image_label_and_geometry(small_folder):
    data = folder(small_folder)
    sample = data[1]
    assert [s['name'] for s in data] == ['case0', 'case1'] and len(data) == 2
    assert sample['image'].shape == (1, 3, 36, 40) and sample['label'].shape == (3, 36, 40)
    assert sample['spacing_mm'] == (8.0, 1.5, 1.5) and sample['label'].dtype == np.uint8


def test_the_files_value_for_not_annotated_becomes_ours(small_folder):
    label = folder(small_folder, labels='ACDC/scribbles', unannotated=4)[0]['label']
    assert set(np.unique(label)) == {0, 1, 2, 3, IGNORE}


def test_without_split_every_file_is_a_case_and_without_labels_there_are_none(small_folder):
    data = folder(small_folder, split=None, labels=None)
    assert len(data) == 4 and 'label' not in data[0]


def test_a_csv_names_images_and_labels(small_folder):
    (small_folder / 'all.csv').write_text('image,label\nACDC/images/case3.nii.gz,ACDC/scribbles/case3.nii.gz\n')
    data = folder(small_folder, split='all.csv', unannotated=4)
    assert data.names == ['case3'] and (data[0]['label'] == IGNORE).any()


def test_mistakes_in_folders_and_lists_are_answered_in_one_sentence(small_folder):
    splits = small_folder / 'ACDC' / 'splits'
    (splits / 'odd.txt').write_text('case0\ncase9\n')
    (splits / 'twice.txt').write_text('case0\ncase0\n')
    (splits / 'empty.txt').write_text('\n')
    (small_folder / 'bad.csv').write_text('images,label\na,b\n')
    (small_folder / 'gone.csv').write_text('image,label\nACDC/images/nowhere.nii.gz,ACDC/labels/case0.nii.gz\n')
    for changes, parts in [
            (dict(images='ACDC/imgs'), ['no folder', 'imgs', '--data']),
            (dict(labels='ACDC/lables'), ['no folder', 'lables']),
            (dict(split='ACDC/splits/tran.txt'), ['tran.txt', "did you mean 'train.txt'"]),
            (dict(split='ACDC/splits/odd.txt'), ["'case9'", 'odd.txt']),
            (dict(split='ACDC/splits/twice.txt'), ['case0 more than once']),
            (dict(split='ACDC/splits/empty.txt'), ['no case']),
            (dict(split='bad.csv'), ["no column 'image'", "did you mean 'images'"]),
            (dict(split='gone.csv'), ['nowhere.nii.gz', 'which is no file'])]:
        with pytest.raises(UserError) as caught:
            folder(small_folder, **changes)
        assert all(part in str(caught.value) for part in parts), str(caught.value)


def test_a_label_value_outside_the_classes_names_case_and_file(small_folder):
    with pytest.raises(UserError, match=r'case case0: the label .*scribbles.*case0.nii.gz holds \[4\].*0 to 3.*unannotated'):
        PartsDataset(parts=dict(scribbled=folder(small_folder, labels='ACDC/scribbles')))


def test_a_label_of_another_shape_than_its_image_shows_both(small_folder, make_case):
    make_case('ACDC/labels/case1.nii.gz', np.zeros((40, 36, 4), np.uint8))
    with pytest.raises(UserError, match=r'case1: .*\(40, 36, 4\) and \(40, 36, 3\)'):
        PartsDataset(parts=dict(labeled=folder(small_folder)))


def test_a_label_that_lies_elsewhere_in_space_shows_where(small_folder, make_case):
    make_case('ACDC/labels/case1.nii.gz', np.zeros((40, 36, 3), np.uint8), affine=np.diag([-1.5, 1.5, 8.0, 1.0]))
    with pytest.raises(UserError, match='case1: .*differently in space.*resample'):
        PartsDataset(parts=dict(labeled=folder(small_folder)))


def test_a_split_list_may_be_written_by_any_editor(small_folder):
    (small_folder / 'odd.txt').write_bytes('\ufeffcase0\r\ncase1.nii.gz\r\n\r\n'.encode())
    assert folder(small_folder, split='odd.txt').names == ['case0', 'case1']
    (small_folder / 'latin.txt').write_bytes('caf\u00e9'.encode('latin-1'))
    with pytest.raises(UserError, match='not UTF-8'):
        folder(small_folder, split='latin.txt')


def test_two_dimensional_files_are_no_slices(small_folder, make_case):
    for k in (0, 1):
        for kind in ('images', 'labels'):
            make_case(f'ACDC/{kind}/case{k}.nii.gz', np.ones((40, 36), np.uint8))
    with pytest.raises(UserError, match='case0 has 2 axes of space; slices=True'):
        PartsDataset(parts=dict(labeled=folder(small_folder)), slices=True)
    assert PartsDataset(parts=dict(labeled=folder(small_folder))).sizes == dict(labeled=2)


def test_an_image_with_nan_is_refused(small_folder, make_case):
    make_case('ACDC/images/case1.nii.gz', np.full((40, 36, 3), np.nan, np.float32))
    with pytest.raises(UserError, match='case1: .*NaN'):
        PartsDataset(parts=dict(labeled=folder(small_folder)))


def test_a_case_twice_in_a_folder_is_refused(small_folder, make_case):
    make_case('ACDC/images/case0.nii', np.zeros((2, 2, 2)))
    with pytest.raises(UserError, match="'case0' twice"):
        folder(small_folder)


def test_slices_without_annotation_are_left_out(small_folder, make_case):
    scribble = np.full((40, 36, 3), 4, np.uint8)
    scribble[10, 10, 1] = 2
    make_case('ACDC/scribbles/case0.nii.gz', scribble)
    assert scribbled(small_folder).sizes == {'scribbled': 4}
    assert scribbled(small_folder, annotated_only=False).sizes == {'scribbled': 6}


def test_a_part_with_nothing_annotated_is_refused(small_folder, make_case):
    for k in (0, 1):
        make_case(f'ACDC/scribbles/case{k}.nii.gz', np.full((40, 36, 3), 4, np.uint8))
    with pytest.raises(UserError, match='not one annotated voxel'):
        scribbled(small_folder)


def test_an_item_is_a_slice_of_its_prepared_case(small_folder):
    data = scribbled(small_folder, transforms=[])
    part, item = data[sampler(data, dict(scribbled=1)).batch(0)[0]]
    case = next(c for c in data.cases['scribbled'] if c['name'] == item['name'])
    assert part == 'scribbled' and item['image'].shape == (1, 36, 40)
    assert any(np.array_equal(item['image'], case['image'][:, z]) for z in range(3))


def test_every_item_is_seen_once_a_round_and_rounds_differ(small_folder):
    batches = sampler(scribbled(small_folder), dict(scribbled=4))
    order = [draw.index for t in range(6) for draw in batches.batch(t)]
    rounds = [order[k:k + 6] for k in range(0, 24, 6)]
    assert all(sorted(r) == list(range(6)) for r in rounds) and len({tuple(r) for r in rounds}) > 1


def test_batch_t_depends_on_seed_and_t_alone(small_folder):
    data = scribbled(small_folder)
    asked = sampler(data, dict(scribbled=4))
    forward = [asked.batch(t) for t in range(8)]
    assert [sampler(data, dict(scribbled=4)).batch(t) for t in reversed(range(8))] == forward[::-1]
    started = iter(sampler(data, dict(scribbled=4), start=5))
    assert [next(started) for _ in range(3)] == forward[5:]
    assert sampler(data, dict(scribbled=4), seed=1).batch(0) != forward[0]


def test_processes_share_one_batch(small_folder, monkeypatch):
    data = scribbled(small_folder)
    whole = sampler(data, dict(scribbled=4)).batch(3)
    shares = []
    for rank in (0, 1):
        monkeypatch.setattr('scarceseg.components.datasets.parts.samplers.get_dist_info', lambda rank=rank: (rank, 2))
        shares += sampler(data, dict(scribbled=4)).batch(3)
    assert shares == whole
    with pytest.raises(UserError, match='2 processes cannot share'):
        sampler(data, dict(scribbled=3))


def test_a_part_that_the_data_lacks_is_named(small_folder):
    with pytest.raises(UserError, match="'labeled', but the data set has scribbled"):
        sampler(scribbled(small_folder), dict(labeled=2))


@pytest.mark.parametrize('context', ['fork', 'spawn'])
def test_batches_do_not_depend_on_the_number_of_workers(small_folder, context):
    data = scribbled(small_folder)

    def first_batches(workers):
        draws = [sampler(data, dict(scribbled=4)).batch(t) for t in range(4)]  # workers that are still busy may not end in order
        loader = DataLoader(data, batch_sampler=draws, collate_fn=collate_parts, num_workers=workers,
                            multiprocessing_context=context if workers else None)
        return [batch['scribbled'] for batch in loader]
    for alone, shared in zip(first_batches(0), first_batches(2)):
        assert torch.equal(alone['image'], shared['image']) and torch.equal(alone['label'], shared['label'])


def test_several_parts_come_in_one_batch_each_with_its_fields(small_folder):
    data = PartsDataset(parts=dict(labeled=folder(small_folder), unlabeled=folder(small_folder, labels=None, split=None)),
                        transforms=TRANSFORMS, slices=True)
    draws = sampler(data, dict(labeled=2, unlabeled=3)).batch(0)
    batch = collate_parts([data[d] for d in draws])
    assert {k: set(v) for k, v in batch.items()} == {'labeled': {'image', 'label', 'name'}, 'unlabeled': {'image', 'name'}}
    assert [tuple(d) for d in sampler(data, dict(unlabeled=3, labeled=2)).batch(0)] == [tuple(d) for d in draws]
    assert batch['unlabeled']['image'].shape == (3, 1, 16, 16) and batch['labeled']['label'].dtype == torch.int64


def test_samples_of_different_shapes_make_no_batch():
    samples = [('labeled', dict(image=np.zeros((1, n, 4), np.float32))) for n in (4, 5)]
    with pytest.raises(UserError, match='random_crop'):
        collate_parts(samples)


def test_the_disk_cache_gives_the_same_items_and_reads_each_file_once(small_folder, tmp_path, monkeypatch):
    expected = scribbled(small_folder)
    stored = scribbled(small_folder, cache='disk', store=tmp_path / 'store')
    draws = sampler(expected, dict(scribbled=4)).batch(0)
    for data in (stored, pickle.loads(pickle.dumps(stored))):
        for draw in draws:
            assert np.array_equal(data[draw][1]['image'], expected[draw][1]['image'])
    monkeypatch.setattr(FolderDataset, '__getitem__', lambda *_: pytest.fail('a stored case was read again'))
    scribbled(small_folder, cache='disk', store=tmp_path / 'store')


def test_a_changed_file_or_setting_is_stored_anew(small_folder, tmp_path, make_case):
    store = tmp_path / 'store'
    before = scribbled(small_folder, cache='disk', store=store).cases['scribbled'][0]['label'].copy()
    make_case('ACDC/scribbles/case0.nii.gz', np.full((40, 36, 3), 1, np.uint8))
    after = scribbled(small_folder, cache='disk', store=store).cases['scribbled'][0]['label']
    assert (after == 1).all() and not (before == 1).all()
    plain = scribbled(small_folder, cache='disk', store=store, prepare=[]).cases['scribbled'][0]['image']
    assert plain.max() > 100


def test_a_failed_making_leaves_nothing_in_the_store(tmp_path):
    def fail():
        raise RuntimeError('no')
    with pytest.raises(RuntimeError):
        DiskStore(tmp_path / 's').get('k', fail)
    assert not list(tmp_path.glob('s/*'))


def test_validation_keeps_the_label_of_the_file_and_the_way_back(small_folder):
    data = CasesDataset(folder(small_folder), prepare=[dict(type='pad', size=(48, 48))])
    part, sample = data[0]
    assert part == 'case' and sample['image'].shape == (1, 3, 48, 48) and sample['label'].shape == (3, 36, 40)
    assert [name for name, _ in sample['history']] == ['pad']

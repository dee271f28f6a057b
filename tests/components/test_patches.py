import math
import pickle
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from scarceseg.components.datasets import FolderDataset, PartBatchSampler, PartsDataset, PhantomDataset, collate_parts
from scarceseg.components.datasets.parts.class_locations import index_label, item_locations, items_with_foreground, locations_in_box
from scarceseg.components.datasets.parts.patches import draw_box, read_box
from scarceseg.components.datasets.parts.samplers import Draw
from scarceseg.components.labels import IGNORE, IMPLIED
from scarceseg.registry import DATASETS, TRANSFORMS, UserError

CLASSES = ('background', 'a', 'b', 'c')
SHAPE = (6, 24, 20)


@TRANSFORMS.register_module()
def noted_foreground(sample, rng, *, foreground=0.25):
    """A transform of the tests that tells what it was given."""
    known = sample.get('class_locations')
    return dict(sample, told=np.array([foreground, -1 if known is None else len(known)], np.float64))


@pytest.fixture
def cases(rng):
    """Three volumes of four classes, a third of which is not annotated, and a wholly unannotated slice."""
    found = []
    for k in range(3):
        label = rng.choice([0, 1, 2, 3, IGNORE, IMPLIED], SHAPE, p=[0.4, 0.1, 0.05, 0.05, 0.3, 0.1]).astype(np.uint8)
        label[k] = IGNORE
        label[(k + 1) % 6][label[(k + 1) % 6] < IMPLIED] = 0
        image = rng.normal(size=(2, *SHAPE)).astype(np.float32)
        found.append(dict(name=f'c{k}', image=image, label=label, spacing_mm=(9.0, 2.0, 1.0)))
    return Cases(found)


class Cases(list):
    """A data set in memory."""

    names, classes = property(lambda self: [c['name'] for c in self]), CLASSES

    def key(self, i):
        return self[i]['name']


def parts(cases, **settings):
    return PartsDataset(parts=dict(labeled=cases), **settings)


def sampler(dataset, parts=None, seed=0, **settings):
    return PartBatchSampler(SimpleNamespace(dataset=dataset, seed=seed), parts or dict(labeled=4), **settings)


@pytest.mark.parametrize('slices', [False, True])
def test_the_index_of_a_label_is_what_a_scan_finds(cases, slices):
    for case in cases:
        index = index_label(case['label'], slices=slices)
        items = list(enumerate(case['label'])) if slices else [(-1, case['label'])]
        with_foreground = []
        for place, label in items:
            found = item_locations(index, place, label.shape)
            expected = {c: np.flatnonzero(label == c) for c in (1, 2, 3) if (label == c).any()}
            assert found.keys() == expected.keys() and all(np.array_equal(found[c], expected[c]) for c in found)
            assert all(found[c].dtype == np.int64 for c in found)
            with_foreground += [max(place, 0)] if expected else []
        assert items_with_foreground(index, items[0][1].size).tolist() == with_foreground
        assert index['annotated'].tolist() == [bool((label != IGNORE).any()) for _, label in items]


@pytest.mark.parametrize('slices', [False, True])
def test_of_many_voxels_a_random_choice_is_kept_that_is_always_the_same(slices):
    label = np.zeros((4, 50, 60), np.uint8)
    label[1:] = 1
    label[2, 0, :5] = 2
    index = index_label(label, slices=slices, most=100)
    assert np.array_equal(index['locations'], index_label(label, slices=slices, most=100)['locations'])
    for place in range(4) if slices else [-1]:
        item = label[place] if slices else label
        found = item_locations(index, place, item.shape)
        assert all((item.ravel()[found[c]] == c).all() and (np.diff(found[c]) > 0).all() for c in found)
        assert {c: len(v) for c, v in found.items()} == {c: min(100, (item == c).sum()) for c in (1, 2) if (item == c).any()}
    spread = item_locations(index, 1 if slices else -1, label.shape[-2:] if slices else label.shape)[1]
    assert spread.max() - spread.min() > 0.8 * (3000 if slices else 9000)


def test_an_empty_label_has_an_empty_index():
    index = index_label(np.full((2, 3, 3), IGNORE, np.uint8), slices=False)
    assert item_locations(index, -1, (2, 3, 3)) == {} and not index['annotated'].any() and len(index['locations']) == 0


def test_no_draw_scans_a_label(small_folder, monkeypatch):
    data = FolderDataset('ACDC/images', CLASSES, labels='ACDC/labels', data_root=small_folder)
    for settings in (dict(slices=True, transforms=[dict(type='random_affine', size=(16, 16), foreground=1.0)]),
                     dict(patch=(2, 8, 8), foreground=1.0)):
        dataset = parts(data, **settings)
        with monkeypatch.context() as patch:
            patch.setattr(np, 'flatnonzero', lambda *_: pytest.fail('a label was scanned'))
            patch.setattr(np, 'nonzero', lambda *_: pytest.fail('a label was scanned'))
            for draw in sampler(dataset, foreground=0.5).batch(0):
                assert (dataset[draw][1]['label'] > 0).any()


@pytest.mark.parametrize('cache', ['memory', 'disk'])
@pytest.mark.parametrize('slices, patch', [(False, (4, 10, 7)), (False, (None, 12, 30)), (True, (9, 11)), (True, (30, 11))])
def test_a_patch_is_a_crop_of_the_whole(cases, tmp_path, cache, slices, patch):
    data = parts(cases, slices=slices, patch=patch, cache=cache, store=tmp_path, annotated_only=False)
    seen = set()
    for t in range(12):
        for draw in sampler(data).batch(t):
            item = data[draw][1]
            case = next(c for c in cases if c['name'] == item['name'])
            place = data.items['labeled'][draw.index][1]
            image, label = (case['image'][:, place], case['label'][place]) if slices else (case['image'], case['label'])
            size = tuple(p or n for p, n in zip(patch, label.shape))
            assert item['image'].shape == (2, *size) and item['label'].shape == size
            low = case['image'].min((1, 2, 3))
            extra = [(max(s - n, 0) // 2, max(s - n, 0) - max(s - n, 0) // 2) for s, n in zip(size, label.shape)]
            image = np.stack([np.pad(c, extra, constant_values=v) for c, v in zip(image, low)])
            label = np.pad(label, extra, constant_values=IGNORE)
            places = [p for p in np.ndindex(*(n - s + 1 for n, s in zip(label.shape, size)))
                      if all(np.array_equal(whole[(..., *(slice(a, a + s) for a, s in zip(p, size)))], item[key])
                             for key, whole in (('image', image), ('label', label)))]
            assert len(places) == 1
            seen.update(places)
    assert len(seen) >= 10


def test_boxes_are_drawn_everywhere_alike():
    rng = np.random.default_rng(0)
    counts = Counter(draw_box(rng, (4, 9), (3, 4)) for _ in range(6000))
    assert set(counts) == set(np.ndindex(2, 6)) and min(counts.values()) > 400 and max(counts.values()) < 600
    assert draw_box(rng, (4, 9), (7, 9)) == (-1, 0)


def test_a_box_on_the_foreground_holds_a_voxel_of_a_class_drawn_first():
    rng, label = np.random.default_rng(0), np.zeros((12, 12), np.uint8)
    label[:, :4], label[11, 11] = 1, 2
    locations = {c: np.flatnonzero(label == c) for c in (1, 2)}
    rare = 0
    for _ in range(400):
        start = draw_box(rng, label.shape, (3, 3), locations=locations)
        box = label[start[0]:start[0] + 3, start[1]:start[1] + 3]
        assert box.shape == (3, 3) and box.any()
        rare += (box == 2).any()
    assert 160 < rare < 240


def test_a_box_that_leaves_the_image_is_filled():
    array = np.arange(12).reshape(1, 3, 4)
    assert read_box(array, (-1, 2), (3, 4), fill=[-7]).tolist() == [[[-7, -7, -7, -7], [2, 3, -7, -7], [6, 7, -7, -7]]]
    assert read_box(array[0], (5, 0), (2, 1), fill=9).tolist() == [[9], [9]]
    inside = read_box(array, (0, 1), (2, 2), fill=0)
    assert not np.shares_memory(inside, array) and inside.tolist() == [[[1, 2], [5, 6]]]


def test_locations_follow_into_the_box():
    label = np.random.default_rng(0).integers(0, 3, (5, 6, 7))
    locations = {c: np.flatnonzero(label == c) for c in (1, 2)}
    for start, size in (((1, 2, 0), (3, 3, 4)), ((-1, 0, -2), (4, 6, 5)), ((4, 5, 6), (1, 1, 1))):
        box = read_box(label, start, size, fill=0)
        found = locations_in_box(locations, label.shape, start, size)
        assert all(np.array_equal(found.get(c, []), np.flatnonzero(box == c)) for c in (1, 2))


def test_a_margin_is_read_around_the_box_for_transforms_that_cut_it_off(cases):
    plain = parts(cases, patch=(2, 6, 6))
    wide = parts(cases, patch=(2, 6, 6), margin=(0, 3, 3), transforms=[dict(type='centre_crop', size=(2, 6, 6))])
    raw = parts(cases, patch=(2, 6, 6), margin=(0, 3, 3))
    for draw in sampler(plain).batch(0):
        assert raw[draw][1]['image'].shape == (2, 2, 12, 12)
        assert all(np.array_equal(plain[draw][1][k], wide[draw][1][k]) for k in ('image', 'label'))


@pytest.mark.parametrize('slices', [False, True])
def test_a_batch_has_its_share_of_foreground_whatever_is_drawn(slices):
    phantom = PhantomDataset(count=4, shape=(8, 64, 64))
    settings = dict(slices=True, transforms=[dict(type='random_crop', size=(9, 9))]) if slices else dict(patch=(1, 9, 9))
    data = parts(phantom, annotated_only=False, **settings)
    free = np.mean([(data[d][1]['label'] > 0).any() for t in range(10) for d in sampler(data).batch(t)])
    assert free < 0.6
    for share, least in ((0.5, 2), (0.26, 2), (1.0, 4), (0.01, 1)):
        asked = sampler(data, foreground=share)
        for t in range(6):
            draws = asked.batch(t)
            assert sum(d.foreground for d in draws) == least
            assert all((data[d][1]['label'] > 0).any() for d in draws if d.foreground)


def test_samples_that_are_certain_go_round_the_items_with_foreground_and_the_rest_round_all(cases):
    data = parts(cases, slices=True)
    batches = sampler(data, foreground=0.5)
    draws = [d for t in range(40) for d in batches.batch(t)]
    certain, rest = [d.index for d in draws if d.foreground], [d.index for d in draws if not d.foreground]
    assert len(certain) == len(rest) == 80 and data.sizes['labeled'] == 15
    wanted = [k for k, (case, place) in enumerate(data.items['labeled'])
              if ((cases[case]['label'][place] > 0) & (cases[case]['label'][place] < IMPLIED)).any()]
    assert data.with_foreground['labeled'] == wanted and len(wanted) == 12
    for k in range(0, 72, 12):
        assert sorted(certain[k:k + 12]) == wanted
    for k in range(0, 75, 15):
        assert sorted(rest[k:k + 15]) == list(range(15))
    assert len({d.entropy for d in draws}) == len(draws)


def test_with_shares_too_batch_t_depends_on_seed_and_t_alone_and_processes_share_it(cases, monkeypatch):
    data = parts(cases, slices=True)
    forward = [sampler(data, foreground=0.6).batch(t) for t in range(6)]
    asked = sampler(data, foreground=dict(labeled=0.6))
    assert [asked.batch(t) for t in reversed(range(6))] == forward[::-1]
    shares = []
    for rank in (0, 1):
        monkeypatch.setattr('scarceseg.components.datasets.parts.samplers.get_dist_info', lambda rank=rank: (rank, 2))
        shares.append(sampler(data, foreground=0.6).batch(3))
    assert sum(shares, []) == forward[3] and [sum(d.foreground for d in s) for s in shares] in ([1, 2], [2, 1])


@pytest.mark.parametrize('numbers, share, world', [
    (dict(labeled=1, unlabeled=7, noisy=2), 0.5, 1), (dict(labeled=6, unlabeled=2, noisy=4), 0.34, 2),
    (dict(labeled=3, unlabeled=6, noisy=9), dict(noisy=0.5), 3), (dict(labeled=40, noisy=4), 0.9, 4), (dict(unlabeled=5), 0, 1)])
def test_parts_come_in_any_numbers_and_every_item_of_each_is_seen_as_often(numbers, share, world, cases, monkeypatch):
    data = PartsDataset(dict(labeled=cases, unlabeled=cases, noisy=cases), slices=True)
    seen, rank = {part: {True: [], False: []} for part in numbers}, [0]
    monkeypatch.setattr('scarceseg.components.datasets.parts.samplers.get_dist_info', lambda: (rank[0], world))
    processes = []
    for rank[0] in range(world):
        processes.append(sampler(data, numbers, seed=3, foreground=share))
    for t in range(60):
        batch = [p.batch(t) for p in processes]
        assert len({tuple(Counter(d.part for d in b).items()) for b in batch}) == 1, 'processes have the same parts'
        draws = [d for b in batch for d in b]
        assert Counter(d.part for d in draws) == numbers and len({d.entropy for d in draws}) == len(draws)
        for part, found in seen.items():
            wanted = (share if share and part != 'unlabeled' else 0) if not isinstance(share, dict) else share.get(part, 0)
            certain = [d.index for d in draws if d.part == part and d.foreground]
            assert len(certain) == math.ceil(wanted * numbers[part])
            found[True] += certain
            found[False] += [d.index for d in draws if d.part == part and not d.foreground]
    for part, found in seen.items():
        for certain, indices in found.items():
            items = data.with_foreground[part] if certain else range(data.sizes[part])
            counts = Counter(indices)
            assert set(counts) <= set(items)
            assert not counts or max(counts.values()) - min(counts.get(k, 0) for k in items) <= 1


def test_classes_are_alike_in_certain_samples_however_rare():
    """A class of one voxel is in as many patches as one of thousands; what is not annotated, or implied, in none on purpose."""
    label = np.full((20, 40, 40), IMPLIED, np.uint8)
    label[:, 10:], label[:, 20:], label[3, 5, 5] = IGNORE, 1, 2
    case = dict(name='a', image=np.zeros((1, *label.shape), np.float32), label=label, spacing_mm=None)
    data = parts(Cases([case]), patch=(2, 3, 3))
    batches = sampler(data, dict(labeled=1), foreground=1.0)
    found = [data[d][1]['label'] for t in range(400) for d in batches.batch(t)]
    assert all(((view > 0) & (view < IMPLIED)).any() for view in found)
    assert 160 < sum((view == 2).any() for view in found) < 240


def test_without_a_share_draws_are_what_they_always_were(cases):
    """Runs of earlier versions can be resumed: the numbers are those of the first one."""
    draws = sampler(parts(cases, slices=True), seed=7).batch(5)
    order = {r: np.random.default_rng([7, 0, r]).permutation(15) for r in (1,)}
    assert draws == [Draw('labeled', int(order[1][20 + k - 15]), (7, 0, 5, k), False) for k in range(4)]


def test_a_certain_sample_sure_in_transforms_too_and_they_get_the_index(cases):
    data = parts(cases, slices=True, transforms=[dict(type='noted_foreground', foreground=0.3)])
    told = {d.foreground: data[d][1]['told'] for d in sampler(data, foreground=0.5).batch(0)}
    assert told[True][0] == 1.0 and told[False][0] == 0.3 and told[True][1] > 0
    patches = parts(cases, patch=(3, 9, 9), transforms=[dict(type='noted_foreground')])
    assert all(patches[d][1]['told'][1] > 0 for d in sampler(patches, foreground=1.0).batch(0))


@pytest.mark.parametrize('within', [
    lambda crop: [dict(type='views', strong=[dict(type='random_noise')], weak=[crop])],
    lambda crop: [dict(type='sometimes', transforms=[dict(type='one_of', transforms=[crop, crop])], probability=1.0)]])
def test_a_certain_sample_sure_in_transforms_within_others(within):
    data = parts(PhantomDataset(count=2, shape=(4, 64, 64)), slices=True, transforms=within(dict(type='random_crop', size=(5, 5))))
    draws = [d for t in range(15) for d in sampler(data, foreground=0.5).batch(t)]
    shown = {sure: [(data[d][1]['label'] > 0).any() for d in draws if d.foreground == sure] for sure in (True, False)}
    assert all(shown[True]) and np.mean(shown[False]) < 0.8 and 'class_locations' in data._item(draws[0], np.random.default_rng(0))


@pytest.mark.parametrize('cache, context', [('memory', 'fork'), ('disk', 'fork'), ('disk', 'spawn')])
def test_patches_do_not_depend_on_workers(small_folder, tmp_path, cache, context):
    folders = {part: FolderDataset('ACDC/images', CLASSES, labels=labels, data_root=small_folder)
               for part, labels in (('labeled', 'ACDC/labels'), ('unlabeled', None))}
    data = PartsDataset(folders, patch=(2, 16, 16), foreground=0.3, cache=cache, store=tmp_path / 'store',
                        transforms=[dict(type='random_crop', size=(2, 12, 12), foreground=0.5), dict(type='random_noise')])

    def batches(workers):
        batches = sampler(data, dict(labeled=2, unlabeled=1), foreground=0.5)
        draws = [batches.batch(t) for t in range(3)]  # workers that are still busy may not end in order
        return list(DataLoader(data, batch_sampler=draws, num_workers=workers, collate_fn=collate_parts,
                               multiprocessing_context=context if workers else None))
    for alone, shared in zip(batches(0), batches(2), strict=True):
        assert torch.equal(alone['labeled']['label'], shared['labeled']['label']) and alone.keys() == shared.keys()
        assert all(torch.equal(alone[p]['image'], shared[p]['image']) for p in alone) and 'label' not in alone['unlabeled']


def test_labels_of_the_unlabelled_part_are_not_read(small_folder):
    (small_folder / 'ACDC/labels/case1.nii.gz').write_bytes(b'no label')
    labelled = FolderDataset('ACDC/images', CLASSES, labels='ACDC/labels', data_root=small_folder)
    data = PartsDataset(dict(unlabeled=labelled, other=PhantomDataset(count=1, shape=(3, 36, 40))))
    assert data.sizes == dict(unlabeled=4, other=1) and 'label' not in data[Draw('unlabeled', 1, (0,))][1]
    assert 'label' in data[Draw('other', 0, (0,))][1] and labelled.files['case0'][1] is not None
    generated = PartsDataset(dict(unlabeled=PhantomDataset(count=1, shape=(3, 36, 40))))
    assert 'label' not in generated[Draw('unlabeled', 0, (0,))][1]


def test_other_maps_follow_the_image_and_flags_come_along(cases, tmp_path):
    for case in cases:
        case.update(weight=case['image'][0] + 1, present=(True, False))
    for cache in ('memory', 'disk'):
        data = parts(cases, patch=(3, 30, 9), prepare=[], cache=cache, store=tmp_path)
        item = data[Draw('labeled', 1, (3,))][1]
        assert item['present'].tolist() == [True, False] and item['weight'].shape == (3, 30, 9)
        known = item['label'] != IGNORE
        assert np.allclose(item['weight'][known], item['image'][0][known] + 1) and not item['weight'][:, :3].any()
        assert pickle.loads(pickle.dumps(data))[Draw('labeled', 1, (3,))][1]['weight'].shape == (3, 30, 9)


def test_a_part_is_simulated_once_and_alone(small_folder):
    full = FolderDataset('ACDC/images', CLASSES, labels='ACDC/labels', data_root=small_folder)
    steps = [dict(type='simulate_scribbles', num_classes=4)]
    data = PartsDataset(dict(labeled=full, scribbled=full), simulate=dict(scribbled=steps), slices=True)
    once, again = (TRANSFORMS.build(dict(type='simulate_scribbles', num_classes=4, seed=s))(full[2])['label'] for s in (0, 1))
    assert np.array_equal(data.cases['scribbled'][2]['label'], once) and not np.array_equal(once, again)
    assert np.array_equal(data.cases['labeled'][2]['label'], full[2]['label'])


def test_a_subset_of_patients_parts_no_patient(make_case, tmp_path):
    for name in (f'p{p}_{k}' for p in range(4) for k in range(1 + p)):
        make_case(f'images/{name}.nii.gz', np.zeros((2, 2, 2)))
    folder = dict(type='FolderDataset', images='images', data_root=tmp_path)
    for seed in range(4):
        both = [DATASETS.build(dict(type='SubsetDataset', cases=folder, share=0.5, classes=CLASSES, seed=seed, rest=rest,
                                    patient=r'p\d')).names for rest in (False, True)]
        sides = [{name[:2] for name in names} for names in both]
        assert len(sum(both, [])) == 10 and not sides[0] & sides[1] and list(map(len, sides)) == [2, 2]
    with pytest.raises(UserError, match='share=4 of 4 patients is 4; .* a number of patients from 1 to 3'):
        DATASETS.build(dict(type='SubsetDataset', cases=folder, share=4, classes=CLASSES, patient=r'p\d'))


def test_a_subset_and_its_rest_are_all_cases_and_grow_with_the_share(small_folder):
    folder = dict(type='FolderDataset', images='ACDC/images', labels='ACDC/labels', data_root=small_folder)

    def chosen(share, **settings):
        return set(DATASETS.build(dict(type='SubsetDataset', cases=folder, share=share, classes=CLASSES, **settings)).names)
    assert chosen(0.5) | chosen(0.5, rest=True) == {f'case{k}' for k in range(4)} and len(chosen(0.5)) == 2
    assert chosen(1) < chosen(0.5) < chosen(3) and chosen(0.01) == chosen(1)
    assert len({frozenset(chosen(0.5, seed=s)) for s in range(8)}) > 1
    for share in (0, 4, 1.0):
        with pytest.raises(UserError, match=rf'share={share} of 4 cases'):
            chosen(share)
    with pytest.raises(UserError, match='PhantomDataset'):
        DATASETS.build(dict(type='SubsetDataset', cases=dict(type='PhantomDataset', count=2), share=1))


@pytest.mark.parametrize('settings, words', [
    (dict(patch=(4, 4)), r'case c0 has 3 axes.*patch=\(4, 4\)'), (dict(patch=(4, 4, 4), slices=True), 'case c0 has 2 axes'),
    (dict(patch=(4, 0, 4)), r'patch=\(4, 0, 4\) must give'), (dict(patch=(4, 4.5, 4)), 'must give whole numbers'),
    (dict(patch=8), 'patch=8'),
    (dict(patch=(4, 4, 4), margin=-1), 'margin=-1'), (dict(patch=(4, 4, 4), margin=(1, 1)), r'margin=\(1, 1\) has not'),
    (dict(patch=(4, 4, 4), foreground=1.5), 'foreground=1.5'), (dict(foreground=0.5), 'speak of patches'),
    (dict(cache='disc'), "cache='disc' is unknown"),
    (dict(simulate=dict(labelled=[])), "'labelled'.*did you mean 'labeled'"),
    (dict(simulate=dict(labeled=[dict(type='random_flip')])), 'random and cannot'),
    (dict(simulate=dict(labeled=[dict(type='simulate_dilations')])), "did you mean 'simulate_dilation'"),
    (dict(simulate=dict(labeled=[dict(type='simulate_dilation', radios=(1, 2))])), "did you mean 'radius'")])
def test_settings_that_do_not_fit_are_answered_in_one_sentence(cases, settings, words):
    with pytest.raises(UserError, match=words) as caught:
        parts(cases, **settings)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('foreground, words', [
    (1.5, 'foreground=1.5'), (dict(labeled='x'), 'must lie in'), (dict(labelled=0.5), "names part 'labelled'"),
    (dict(unlabeled=0.5), "foreground in part 'unlabeled', but none"), ('half', "foreground='half'")])
def test_shares_that_cannot_be_kept_are_refused(cases, foreground, words):
    data = PartsDataset(dict(labeled=cases, unlabeled=cases))
    with pytest.raises(UserError, match=words):
        sampler(data, dict(labeled=2, unlabeled=2), foreground=foreground)
    assert sum(d.foreground for d in sampler(data, dict(labeled=2, unlabeled=2), foreground=0.5).batch(0)) == 1

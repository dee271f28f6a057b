"""Transforms of transforms, and what a user may get wrong."""
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from torch.utils.data import DataLoader

from scarceseg.components import transforms as t
from scarceseg.components.datasets import FolderDataset, PartBatchSampler, PartsDataset, collate_parts
from scarceseg.components.datasets.parts.samplers import Draw
from scarceseg.registry import TRANSFORMS, UserError, bind

STRONG = [partial(t.random_bezier, probability=1), partial(t.random_noise, std=0.3, probability=1)]


def make_sample(space=(16, 20)):
    rng = np.random.default_rng(0)
    return dict(name='a', image=rng.normal(0, 1, (1, *space)).astype(np.float32), label=rng.integers(0, 4, space).astype(np.uint8),
                spacing_mm=(1.0,) * len(space))


def draw(transform, count=400, **settings):
    return [transform(make_sample(), np.random.default_rng(k), **settings) for k in range(count)]


def test_one_of_takes_each_as_often_as_it_weighs():
    kinds = [partial(t.flip, axes=(-1,)), partial(t.rot90, turns=1), partial(t.normalise)]
    names = [s['history'][0][0] if 'history' in s else 'none' for s in draw(t.one_of, transforms=kinds, weights=(2, 1, 1))]
    assert abs(names.count('flip') / 400 - 0.5) < 0.08 and abs(names.count('rot90') / 400 - 0.25) < 0.08
    assert {s['history'][0][0] for s in draw(t.one_of, 30, transforms=kinds[:2], weights=(0, 1))} == {'rot90'}


def test_sometimes_does_all_or_nothing():
    both = [partial(t.flip, axes=(-1,)), partial(t.rot90, turns=1)]
    lengths = [len(s.get('history', ())) for s in draw(t.sometimes, transforms=both, probability=0.3)]
    assert set(lengths) == {0, 2} and abs(np.mean(lengths) / 2 - 0.3) < 0.08


def test_views_show_the_same_voxels_in_different_light():
    weak = [partial(t.random_affine, size=(12, 12))]
    sample = make_sample()
    out = t.views(sample, np.random.default_rng(5), weak=weak, strong=STRONG, count=2)
    alone = t.random_affine(sample, np.random.default_rng(5), size=(12, 12))
    assert np.array_equal(out['image'], alone['image']) and np.array_equal(out['label'], alone['label'])
    assert len(out['history']) == 1 and {k for k in out if k.startswith('image')} == {'image', 'image_strong1', 'image_strong2'}
    assert not np.array_equal(out['image_strong1'], out['image_strong2'])
    for k in (1, 2):
        view = out[f'image_strong{k}']
        assert view.shape == out['image'].shape and np.corrcoef(view.ravel(), out['image'].ravel())[0, 1] > 0.5


def test_one_strong_view_is_the_first_of_two():
    one, two = (t.views(make_sample(), np.random.default_rng(1), strong=STRONG, count=n) for n in (1, 2))
    assert 'image_strong2' not in one and np.array_equal(one['image_strong1'], two['image_strong1'])


def test_views_make_a_batch():
    samples = [('unlabeled', {k: v for k, v in t.views(make_sample(), np.random.default_rng(k), strong=STRONG, count=2).items()
                              if k in ('image', 'image_strong1', 'image_strong2', 'name')}) for k in range(3)]
    batch = collate_parts(samples)['unlabeled']
    assert batch['image_strong2'].shape == batch['image'].shape == (3, 1, 16, 20) and batch['image_strong1'].dtype == torch.float32


@pytest.mark.parametrize('strong', [partial(t.flip, axes=(-1,)), partial(t.random_crop, size=(4, 4)),
                                    partial(t.convert_labels, values=(0, (1, 2, 3)))])
def test_a_strong_view_may_not_move_voxels(strong):
    with pytest.raises(UserError, match=f'one of normalise, {strong.func.__name__} changes .*put it into weak'):
        t.views(make_sample(), np.random.default_rng(0), strong=[t.normalise, strong])


NESTED = dict(type='views', weak=[dict(type='random_flip')], strong=[
    dict(type='one_of', transforms=[dict(type='random_gamma', probability=1.0), dict(type='random_blur', probability=1.0)])])


def test_nested_configs_are_bound():
    out = bind(NESTED, registry=TRANSFORMS)(make_sample(), np.random.default_rng(0))
    assert not np.array_equal(out['image_strong1'], out['image'])


@pytest.mark.parametrize('entry, sentence', [
    (dict(type='random_gama'), "no transform is called 'random_gama' .did you mean 'random_gamma'"),
    (dict(type='random_gamma', lower=1), "'random_gamma' has no setting 'lower' .did you mean 'low'"),
    (dict(type='random_crop'), "'random_crop' needs a value for 'size'"),
    (dict(typ='random_gamma'), "a transform is written dict.type=…, ….*'typ': 'random_gamma'")])
def test_a_slip_in_a_nested_config_is_named_when_it_is_built(entry, sentence):
    for config in (dict(type='views', strong=[entry]), dict(type='sometimes', transforms=[dict(type='views', strong=[entry])])):
        with pytest.raises(UserError, match=sentence):
            bind(config, registry=TRANSFORMS)


@pytest.mark.parametrize('name, key', [('views', 'strong'), ('views', 'weak'), ('one_of', 'transforms'),
                                       ('sometimes', 'transforms')])
@pytest.mark.parametrize('entry', ['random_gamma', ['random_gamma'], None, dict(random_gamma=dict(low=1)), [[t.normalise]]])
def test_what_is_no_transform_is_refused_by_those_that_take_some(name, key, entry):
    with pytest.raises(UserError, match=f'{name} takes transforms, which in a config are written dict.type='):
        getattr(t, name)(make_sample(), np.random.default_rng(0), **(dict(strong=[]) if key == 'weak' else {}), **{key: entry})


WRONG = [
    ('random_gamma', dict(probability=1.5), r'random_gamma has probability=1.5, but it must be a number in \[0, 1\]'),
    ('random_flip', dict(probability=-0.1), r'probability=-0.1'),
    ('random_noise', dict(probability=2), 'probability=2'),
    ('random_elastic', dict(probability=2), 'probability=2'),
    ('sometimes', dict(transforms=[], probability=3), 'probability=3'),
    ('random_crop', dict(size=(4, 4), foreground=1.2), 'foreground=1.2'),
    ('random_gamma', dict(low=2, high=1), r'\(low, high\)=\(2, 1\).*the lower first'),
    ('random_gamma', dict(low=0), 'must lie above 0'),
    ('random_affine', dict(size=(4, 4), scale=(1.2, 0.8)), 'scale=.*the lower first'),
    ('random_affine', dict(size=(4, 4), scale=1.2), 'scale=1.2.*two numbers'),
    ('random_affine', dict(size=(4, 4), scale=(0, 1)), 'scale=.*above 0'),
    ('random_affine', dict(size=(4, 4), stretch=0.5), 'stretch=0.5.*not below 1'),
    ('random_affine', dict(size=(4, 4), rotate_deg=-3), 'rotate_deg=-3'),
    ('random_affine', dict(size=(4, 4), rotate_deg=(10, 10, 10)), 'three about z, y and x; the sample has 2 axes'),
    ('random_affine', dict(size=(4, 4), flip_axes=(-4,)), r'random_affine has flip_axes=\(-4,\).* sample with 2 axes'),
    ('random_affine', dict(size=(4, 4), order=7), 'order=7'),
    ('random_affine', dict(size=(0, 4)), r'size=\(0, 4\)'),
    ('random_affine', dict(size=(4, 4, 4)), r'size=\(4, 4, 4\).*2 axes of space'),
    ('random_affine', dict(size=4), 'size=4'),
    ('random_crop', dict(size=(2.5, 4)), 'a whole number of voxels'),
    ('pad', dict(size=(-1, 3)), 'a whole number of voxels'),
    ('centre_crop', dict(size=(1, 2, 3)), 'centre_crop has size'),
    ('resize', dict(size=(1, 2, 3)), 'resize has size'),
    ('crop', dict(start=(10, 0), size=(10, 4)), r'\(10, 4\) from start=\(10, 0\), which does not lie in the image'),
    ('crop', dict(start=(0,), size=(4,)), 'crop has start=.*or 2, one for each axis'),
    ('flip', dict(axes=(-3,)), r'flip has axes=\(-3,\), but it must list'),
    ('flip', dict(axes=(-1, -1)), 'different axes'),
    ('rot90', dict(turns=1, axes=(-1,)), 'list 2 different axes'),
    ('rot90', dict(turns=0.5), 'whole number of quarter turns'),
    ('transpose', dict(axes=(0, 0)), 'each of 0, 1 once'),
    ('random_transpose', dict(axes=(-1,)), 'list 2 different axes'),
    ('rotate', dict(angle_deg=3, axes=(-1,)), 'list 2 different axes'),
    ('scale', dict(factor=0), 'factor=.*above 0'),
    ('scale', dict(factor=(1, 2, 3)), 'factor=.*or 2, one for each axis'),
    ('crop_foreground', dict(margin=(1, 2, 3)), 'margin=.*or 2, one for each axis'),
    ('crop_foreground', dict(margin=-1), 'margin=.*not below 0'),
    ('random_resized_crop', dict(size=(4, 4), share=(0.5, 1.5)), 'share=.*above 1'),
    ('random_resized_crop', dict(size=(4, 4), share=(0, 1)), 'share=.*above 0'),
    ('resample', dict(spacing_mm=(0, 1)), r'resample has spacing_mm=\[0, 1\], but it must be a number above 0'),
    ('resample', dict(spacing_mm=(1, 1, 1)), '2 axes of space'),
    ('resample', dict(spacing_mm=(1, 1), order=9), 'order=9'),
    ('clip', dict(low=3, high=1), r'\(low, high\)=\(3, 1\)'),
    ('clip', {}, 'needs low, high or both'),
    ('clip_percentiles', dict(low=90, high=10), 'the lower first'),
    ('normalise_percentiles', dict(high=101), 'above 100'),
    ('normalise', dict(mean=1), 'both mean and std'),
    ('normalise', dict(nonzero=True, foreground=True), 'normalise takes'),
    ('normalise', dict(mean=(1, 2), std=(1, 1)), r'mean=\[1.0, 2.0\].*1 channels'),
    ('normalise_min_max', dict(low=2), 'lower first'),
    ('normalise', dict(mean=1, std=-1), 'std=-1, but it must be a number above 0'),
    ('ct_window', dict(level_hu=40, width_hu=0), 'width_hu=0'),
    ('equalise_histogram', dict(bins=0), 'bins=0'),
    ('random_blur', dict(sigma_mm=(2, 1)), 'sigma_mm=.*the lower first'),
    ('random_blur', dict(sigma_mm=(-1, 1)), 'sigma_mm=.*below 0'),
    ('random_low_resolution', dict(factor=(0.5, 2)), 'factor=.*below 1'),
    ('random_bias_field', dict(degree=0), 'degree=0'),
    ('random_bezier', dict(strength=2), 'strength=2'),
    ('random_cutout', dict(share=(0.5, 2)), 'share=.*above 1'),
    ('random_brightness_contrast', dict(contrast=-1), 'contrast=-1'),
    ('random_noise', dict(std=-1), 'std=-1'),
    ('random_elastic', dict(displacement_mm=-1), 'displacement_mm=.*below 0'),
    ('one_of', dict(transforms=[]), 'one_of has weights'),
    ('one_of', dict(transforms=[t.normalise], weights=(1, 2)), r'a weight for each of its 1 transforms.*weights=\(1, 2\)'),
    ('views', dict(strong=[], count=0), 'count=0'),
    ('convert_labels', dict(values=(0, 1)), r'case a has classes \[2, 3\]'),
    ('convert_labels', dict(values=(0, 0)), 'different'),
    ('convert_labels', dict(values=(0, 1), others=7), 'others=7'),
    ('one_hot', dict(num_classes=3), 'class 3, but num_classes=3'),
    ('reorient', dict(axcodes='RRS'), "axcodes='RRS'"),
    ('reorient', dict(axcodes=3), 'axcodes=3'),
    ('random_gamma', dict(probability='0.5'), "random_gamma has probability='0.5', but it must be a number"),
    ('random_affine', dict(size='88'), "random_affine has size='88'"),
    ('random_affine', dict(size=(4, 4), scale=('a', 'b')), 'two numbers'),
    ('random_affine', dict(size=(4, 4), rotate_deg='x'), "rotate_deg='x', but it must be a number"),
    ('random_affine', dict(size=(4, 4), flip_axes=-1), 'random_affine has flip_axes=-1'),
    ('random_affine', dict(size=(4, 4), order=1.0), 'order=1.0'),
    ('random_affine', dict(size=(4, 4), longest='a'), "longest='a'"),
    ('random_affine', dict(size=(4, 4), foreground=2), 'random_affine has foreground=2'),
    ('random_affine', dict(size=(4, 4), displacement_mm=50), 'random_affine has displacement_mm=50 .* fold'),
    ('random_elastic', dict(control_mm='a'), "control_mm='a'"),
    ('random_crop', dict(size=(4, '4')), 'a whole number of voxels'),
    ('random_crop', dict(size=(4, 4), foreground=None), 'foreground=None'),
    ('random_flip', dict(axes=(-3,), probability=0), r'random_flip has axes=\(-3,\)'),
    ('flip', dict(axes=-1), 'flip has axes=-1'),
    ('transpose', dict(axes=1), 'transpose has axes=1'),
    ('crop', dict(start=(0.5, 1), size=(2, 2)), 'whole numbers'),
    ('rotate', dict(angle_deg=float('nan')), 'angle_deg=nan'),
    ('shear', dict(share='a'), "share='a'"),
    ('scale', dict(factor='2'), "factor='2'"),
    ('affine', dict(matrix=[[1, 0]], centre=(1, 1), size=(4, 4)), '2 rows of 2 numbers'),
    ('affine', dict(matrix=[[1, 1], [1, 1]], centre=(1, 1), size=(4, 4)), 'with an inverse'),
    ('affine', dict(matrix=[['a', 0], [0, 1]], centre=(1, 1), size=(4, 4)), 'affine needs numbers'),
    ('affine', dict(matrix=np.eye(2), centre=(1,), size=(4, 4)), r'centre=\(1,\), but it must be 2 numbers'),
    ('resample', dict(spacing_mm=1.0), 'spacing_mm=1.0, but the sample has 2 axes'),
    ('resample', dict(spacing_mm=(None, '1')), 'resample has spacing_mm'),
    ('resample', dict(spacing_mm=(1, 1), thick_order=7), 'resample has thick_order=7'),
    ('normalise', dict(mean='a', std=1), "mean='a'"),
    ('normalise', dict(mean=0, std=0), 'std=0, but it must be a number above 0'),
    ('ct_window', dict(level_hu=1, width_hu='3'), "width_hu='3'"),
    ('clip', dict(low='a'), 'clip has'),
    ('crop_foreground', dict(threshold='x'), "threshold='x'"),
    ('equalise_histogram', dict(bins=2.5), 'bins=2.5'),
    ('random_low_resolution', dict(axes=-1), 'axes=-1'),
    ('random_bias_field', dict(degree=1.5), 'degree=1.5'),
    ('random_cutout', dict(count=1.5), 'count=1.5'),
    ('random_cutout', dict(value='a'), "value='a'"),
    ('implied_background', dict(margin='x'), "margin='x'"),
    ('one_of', dict(transforms=[t.normalise], weights=('a',)), 'one_of has weights'),
    ('views', dict(strong=[], count='2'), "count='2'"),
    ('views', dict(strong=[partial(t.one_hot, num_classes=4)]), 'one_hot changes soft_label'),
    ('convert_labels', dict(values=3), 'values=3'),
    ('convert_labels', dict(values=(0, 1.0, 2, 3)), 'whole numbers from 0'),
    ('convert_labels', dict(values=()), 'values=..'),
    ('one_hot', dict(num_classes=4.0), 'num_classes=4.0'),
    ('reorient', dict(axcodes='RA'), "axcodes='RA'"),
]


@pytest.mark.parametrize('name, settings, sentence', WRONG, ids=[f'{n} {s}' for n, s, _ in WRONG])
def test_a_wrong_setting_is_answered_in_a_sentence(name, settings, sentence):
    with pytest.raises(UserError, match=sentence):
        getattr(t, name)(make_sample(), np.random.default_rng(0), **settings)


def test_classes_are_renumbered_before_they_are_spread_over_channels():
    with pytest.raises(UserError, match='soft_label that one_hot has made.*before one_hot'):
        t.convert_labels(t.one_hot(make_sample(), num_classes=4), values=(0, (1, 2), 3))


def test_classes_are_selected_and_keep_their_numbers():
    sample = make_sample()
    chosen = t.convert_labels(sample, values=(0, 1, (), 3), others=0)['label']
    assert np.array_equal(chosen, np.where(sample['label'] == 2, 0, sample['label']))


def test_a_picture_has_no_spacing_to_resample_from():
    with pytest.raises(UserError, match='case a has no spacing in millimetres.*use resize'):
        t.resample(dict(make_sample(), spacing_mm=None), spacing_mm=(1, 1))


def test_a_label_of_another_shape_than_its_image_is_named():
    sample = dict(make_sample(), label=np.zeros((16, 21), np.uint8))
    with pytest.raises(UserError, match=r'case a: label of shape \(16, 21\) does not lie on the grid of its image, \(16, 20\)'):
        t.flip(sample, axes=(-1,))
    with pytest.raises(UserError, match='case a: label of shape .3, 16, 20. does not lie on the grid of its image'):
        t.resize(dict(sample, label=np.zeros((3, 16, 20), np.uint8)), size=(8, 8))


@pytest.mark.parametrize('wrap', [lambda c: dict(type='views', weak=[c], strong=[]), lambda c: dict(type='one_of', transforms=[c]),
                                  lambda c: dict(type='sometimes', transforms=[c], probability=1.0),
                                  lambda c: dict(type='views', strong=[], weak=dict(type='one_of', transforms=c))])
def test_a_share_of_foreground_reaches_the_transforms_within(wrap):
    """One voxel of foreground in 1,600: seldom in view by chance, and always where the batch sampler is promised it."""
    label = np.zeros((1, 40, 40), np.uint8)
    label[0, 30, 7] = 2
    cases = [dict(name='a', image=np.zeros((1, 1, 40, 40), np.float32), label=label, spacing_mm=None)]
    data = PartsDataset(dict(labeled=cases), slices=True, transforms=[wrap(dict(type='random_crop', size=(5, 5)))])
    shown = {certain: [2 in data[Draw('labeled', 0, (k,), certain)][1]['label'] for k in range(20)] for certain in (True, False)}
    assert all(shown[True]) and sum(shown[False]) < 5


def config(path, size):
    """A data set with weak and strong views, as a config file says it."""
    path.write_text(f"""
transforms = [
    dict(type='one_hot', num_classes=4),
    dict(type='views', count=2,
         weak=[dict(type='random_affine', size=({size}, {size}), displacement_mm=2.0, foreground=0.5)],
         strong=[dict(type='random_bezier', inverted=0.2),
                 dict(type='one_of', weights=(2, 1), transforms=[
                     dict(type='random_blur', probability=1.0), dict(type='random_low_resolution', probability=1.0)]),
                 dict(type='sometimes', transforms=[dict(type='random_gamma'), dict(type='random_bias_field')]),
                 dict(type='random_brightness_contrast'), dict(type='random_noise'), dict(type='random_cutout')]),
    dict(type='random_flip'), dict(type='random_rot90'), dict(type='random_transpose'), dict(type='random_elastic'),
    dict(type='random_resized_crop', size=(20, 24)), dict(type='random_crop', size=(16, 20))]
""")
    return Config.fromfile(str(path)).transforms


@pytest.mark.parametrize('context', ['fork', 'spawn'])
def test_every_random_transform_gives_the_same_batches_whatever_the_number_of_workers(small_folder, tmp_path, context):
    folders = {part: FolderDataset('ACDC/images', ('background', 'a', 'b', 'c'), labels=labels, data_root=small_folder, **more)
               for part, labels, more in (('scribbled', 'ACDC/scribbles', dict(unannotated=4)), ('unlabeled', None, {}))}
    transforms = config(tmp_path / 'transforms.py', 32)
    named = str(transforms)
    assert not [n for n, f in TRANSFORMS.module_dict.items() if n.startswith('random_') and n in t.__all__ and n not in named]
    data = PartsDataset(folders, slices=True, prepare=[dict(type='normalise')], transforms=transforms)

    def batches(workers):
        sampler = PartBatchSampler(SimpleNamespace(dataset=data, seed=3), dict(scribbled=2, unlabeled=2))
        loader = iter(DataLoader(data, batch_sampler=sampler, collate_fn=collate_parts, num_workers=workers,
                                 multiprocessing_context=context if workers else None))
        return [next(loader) for _ in range(3)]
    for alone, shared in zip(batches(0), batches(2 if context == 'fork' else 1)):
        assert set(alone['unlabeled']) == {'image', 'image_strong1', 'image_strong2', 'name'}
        assert set(alone['scribbled']) == {'image', 'image_strong1', 'image_strong2', 'name', 'label', 'soft_label'}
        for part, fields in alone.items():
            assert all(torch.equal(v, shared[part][k]) if torch.is_tensor(v) else v == shared[part][k] for k, v in fields.items())

"""Every config of a data set loads its parts, on generated data and, where they are, on the real ones."""
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

from scarceseg.components.datasets import PartBatchSampler, collate_parts
from scarceseg.components.labels import IGNORE, IMPLIED
from scarceseg.methods.assembly import assemble
from scarceseg.registry import DATASETS, use_data_root

ROOT = Path(__file__).resolve().parent.parent
REAL = ROOT.parent / 'shared' / 'data'
BASES = ROOT / 'configs' / '_base_' / 'datasets'
PARTS = {'acdc_labeled': {'labeled'}, 'acdc_scribble': {'scribbled'},
         'acdc_labeled_cpu': {'labeled'}, 'acdc_scribble_cpu': {'scribbled'},
         'acdc_semi': {'labeled', 'unlabeled'}, 'acdc_semi_cpu': {'labeled', 'unlabeled'}, 'acdc_noisy': {'noisy'},
         'la_full_labeled': {'labeled'}, 'la_full_semi': {'labeled', 'unlabeled'},
         'la_labeled': {'labeled'}, 'la_scribble': {'scribbled'}, 'la_semi': {'labeled', 'unlabeled'}, 'la_noisy': {'noisy'},
         'cxr_labeled': {'labeled'}, 'cxr_scribble': {'scribbled'}, 'cxr_semi': {'labeled', 'unlabeled'}, 'cxr_noisy': {'noisy'}}
SIZES = {'acdc_semi': dict(labeled=14, unlabeled=126), 'acdc_semi_cpu': dict(labeled=14, unlabeled=126),
         'la_full_semi': dict(labeled=7, unlabeled=65), 'acdc_noisy': dict(noisy=140), 'acdc_scribble': dict(scribbled=140),
         'la_semi': dict(labeled=7, unlabeled=65), 'la_noisy': dict(noisy=72),
         'la_scribble': dict(scribbled=72), 'cxr_semi': dict(labeled=7, unlabeled=28),
         'cxr_noisy': dict(noisy=35), 'cxr_scribble': dict(scribbled=35)}


def load(name, data):
    """The config of a data set, completed as for training, on the data below a folder; and its two data sets."""
    config = Config.fromfile(str(BASES / f'{name}.py'), import_custom_modules=False)
    size = (64, 64) if not name.startswith('la') else None
    config.transforms = [dict(type='random_crop', size=size)] if size else []
    config.model = dict(networks=dict(net=dict(type='UNet2D', in_channels=1, num_classes=len(config.classes))),
                        method=dict(type='supervised'), losses=dict(sup=dict(type='dice_ce')))
    config.filename = str(BASES / f'{name}.py')
    assemble(use_data_root(config, str(data)))
    return config, *(DATASETS.build(dict(config[f'{k}_dataloader'].dataset)) for k in ('train', 'val'))


def check(name, data):
    config, train, valid = load(name, data)
    settings = dict(config.train_dataloader.batch_sampler)
    assert settings.pop('type') == 'PartBatchSampler' and set(train.sizes) == PARTS[name]
    sampler = PartBatchSampler(type('Sampler', (), dict(dataset=train, seed=0)), **settings)
    batch = collate_parts([train[draw] for draw in sampler.batch(0)])
    if 'scribbled' in train.sizes:
        labels = [train[draw][1]['label'] for t in range(6) for draw in sampler.batch(t)]
        assert np.mean([(label < IMPLIED).any() for label in labels]) > 0.5, 'most samples have something to learn from'
    assert set(batch) == PARTS[name]
    for part, content in batch.items():
        image, classes = content['image'], range(len(config.classes))
        assert image.shape == (config.train_dataloader.batch_sampler.parts[part], 1, *(train.patch or (64, 64)))
        assert np.isfinite(image.numpy()).all() and ('label' in content) == (part != 'unlabeled')
        if 'label' in content:
            found = set(np.unique(content['label']))
            assert found <= {*classes, IGNORE, IMPLIED} and (part == 'scribbled') <= (IGNORE in found)
    label = valid[0][1]['label']
    assert set(np.unique(label)) <= set(range(len(config.classes))), 'validation sees the true labels'
    return train


@pytest.mark.parametrize('name', PARTS)
def test_a_data_config_loads_from_generated_data(name, small_folder, la_folder, cxr_folder):
    (small_folder / 'ACDC/splits/unlabeled_90pct.txt').write_text('case1\n')
    check(name, small_folder)


@pytest.mark.skipif(not REAL.is_dir(), reason='the real data are not here')
@pytest.mark.parametrize('name', SIZES)
def test_a_data_config_loads_from_the_real_data(name):
    train = check(name, REAL)
    assert {part: len(cases) for part, cases in train.cases.items()} == SIZES[name]


def test_every_data_config_of_the_three_data_sets_is_tested():
    found = {p.stem for p in BASES.glob('*.py') if p.stem.partition('_')[0] in ('acdc', 'la', 'cxr')}
    assert found - {'acdc', 'la', 'cxr'} == set(PARTS)

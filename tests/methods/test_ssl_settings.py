"""Settings of semi-supervised methods that are out of range, and names that do not fit, end in one sentence."""
import pytest
import torch

from scarceseg.methods.training import train
from scarceseg.registry import UserError

from .test_methods import NETWORK, RECIPES, TEACHER, all_parts, segmentor, terms_of
from .test_training import small


@pytest.mark.parametrize('name, settings, part', [
    ('uamt', dict(certain=1.5), r'certain=1.5, .*in \[0, 1\]'), ('uamt', dict(certain=-0.1), 'certain=-0.1'),
    ('uamt', dict(certain=0.8, passes=0), 'passes=0 of uamt must be a whole number'),
    ('uamt', dict(certain=0.8, passes=2.5), 'passes=2.5'),
    ('cps', dict(confidence=95), r'confidence=95 .*\[0, 1\]'), ('cross_teaching', dict(confidence=-1), 'confidence=-1'),
    ('unimatch', dict(confidence=1.2), 'confidence=1.2'), ('unimatch', dict(dropout=1.5), r'rate=1.5 .*\[0, 1\]'),
    ('unimatch', dict(mixing=2), 'probability=2'), ('unimatch', dict(share=(0.5, 0.2)), r'share=\(0.5, 0.2\)'),
    ('mcnet', dict(temperature=0), 'temperature=0'), ('bcp', dict(side=0), 'side=0 of bcp'),
    ('mean_teacher', dict(noise=-0.1), 'std=-0.1'), ('uamt', dict(certain=0.9, noise=-1), 'std=-1'),
    ('distillation', dict(temperature=0), 'temperature=0 of distillation must be above 0'),
    ('distillation', dict(levels=(0, 5)), r'levels=\(0, 5\) of distillation.*have 2 and 2'),
    ('distillation', dict(levels=()), r'levels=\(\)')])
def test_settings_out_of_range(name, settings, part):
    model = segmentor(name, method=dict(type=name, **settings)).train()
    with pytest.raises(UserError, match=part) as caught:
        terms_of(model, all_parts(name))
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('name, settings, part', [
    ('uamt', {}, "needs a value for 'certain'"), ('uamt', dict(certian=0.8), "did you mean 'certain'"),
    ('mean_teacher', dict(nois=1), "did you mean 'noise'"), ('bcp', dict(alone=dict(type='step')), "needs a value for 'at'")])
def test_settings_that_are_missing_or_misspelt(name, settings, part):
    with pytest.raises(UserError, match=part):
        segmentor(name, method=dict(type=name, **settings))


@pytest.mark.parametrize('name', ['mean_teacher', 'uamt', 'bcp', 'distillation'])
def test_a_teacher_that_nothing_moves_is_refused(name):
    networks = {**RECIPES[name]['networks'], 'teacher': NETWORK}
    with pytest.raises(UserError, match=f"method {name} does not train networks.teacher.*average_of='student'.*frozen=True"):
        segmentor(name, networks=networks)
    segmentor(name, networks={**networks, 'teacher': {**NETWORK, 'frozen': True}})


@pytest.mark.parametrize('own', [dict(frozen=True), dict(pretrained=dict(checkpoint='x.pth'))])
def test_an_average_has_neither_weights_of_its_own_nor_stands_still(own):
    with pytest.raises(UserError, match=f"networks.teacher is an average of 'student'.*leave out {next(iter(own))}"):
        segmentor('mean_teacher', networks=dict(student=NETWORK, teacher={**TEACHER, **own}))
    segmentor('mean_teacher', networks=dict(student=NETWORK, teacher={**TEACHER, 'frozen': False}))


def test_an_average_of_a_frozen_network_is_refused():
    networks = dict(student={**NETWORK, 'frozen': True}, teacher=TEACHER)
    with pytest.raises(UserError, match="average_of='student' is no trained network"):
        segmentor('mean_teacher', networks=networks)


@pytest.mark.parametrize('options, part', [
    ({'part_transforms': dict(unlabelled=[])}, "part_transforms names part 'unlabelled' .did you mean 'unlabeled'"),
    ({'part_transforms.unlabeled': []}, 'method unimatch needs image_strong1, image_strong2'),
    ({'train_dataloader.batch_sampler.parts': dict(labeled=2, _delete_=True)}, 'unimatch needs unlabeled in each batch'),
    ({'model.networks.net.type': 'MultiDecoderUNet'}, 'has no decoder'),
    ({'model.networks.net.scales': 2}, 'one output, but this one has 2')])
def test_slips_in_the_config_of_unimatch(small_folder, tmp_path, options, part):
    config = small('ssl/unimatch_acdc_cpu', iterations=1)
    config.merge_from_dict(options)
    with pytest.raises(UserError, match=part) as caught:
        train(config, root=tmp_path / 'runs', data=small_folder)
    assert '\n' not in str(caught.value) and not list((tmp_path / 'runs').glob('*'))


def test_numbers_that_bcp_cannot_pair(small_folder, tmp_path):
    config = small('ssl/bcp_acdc_cpu', iterations=1)
    config.train_dataloader.batch_sampler.parts.unlabeled = 3
    with pytest.raises(UserError, match='has 2 and 3; give both parts the same even number'):
        train(config, root=tmp_path / 'runs', data=small_folder)


def test_settings_at_the_ends_of_their_range_are_fine():
    for name, settings in (('unimatch', dict(dropout=1.0, confidence=1.0)), ('unimatch', dict(dropout=0, confidence=0, mixing=1)),
                           ('uamt', dict(certain=1.0, passes=1)), ('mean_teacher', dict(noise=0.0)), ('bcp', dict(side=1.0))):
        terms = terms_of(segmentor(name, method=dict(type=name, **settings)), all_parts(name))
        assert all(torch.isfinite(term) for term in terms.values()), name

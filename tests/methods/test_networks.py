"""Networks of any library in a segmentor, and weights to start from."""
from collections import OrderedDict

import pytest
import torch
from torch import nn

from scarceseg.methods.networks import plain_outputs
from scarceseg.methods.runs import LAST
from scarceseg.methods.supervision import supervise
from scarceseg.methods.training import train
from scarceseg.registry import LOSSES, MODELS, NETWORKS, UserError

from .test_methods import make_batch
from .test_training import small, weights


class Speaking(nn.Module):
    """A 1-convolution that answers in the form it is told to."""

    def __init__(self, form):
        super().__init__()
        self.layer, self.form = nn.Conv2d(1, 3, 1), form

    def forward(self, image):
        z = self.layer(image)
        return {'dict': {'aux': z + 1, 'out': z}, 'model output': OrderedDict(logits=z), 'list': [z, z + 1], 'tuple of one': (z,),
                'stacked': torch.stack([z, z + 1], 1), 'with a number': (z, torch.zeros(())), 'tensor': z,
                'text': 'z', 'empty': {}}[self.form]


@pytest.fixture
def speaking(monkeypatch):
    monkeypatch.setitem(NETWORKS.module_dict, 'Speaking', Speaking)


def segmentor(form):
    torch.manual_seed(0)
    return MODELS.build(dict(type='Segmentor', networks=dict(net=dict(type='Speaking', form=form)), method=dict(type='supervised'),
                             losses=dict(sup=dict(type='cross_entropy'))))


@pytest.mark.parametrize('form, count', [('dict', 2), ('model output', 1), ('list', 2), ('tuple of one', 1), ('with a number', 1),
                                         ('tensor', 1), ('stacked', 2)])
def test_whatever_form_a_network_answers_in_its_main_output_comes_first(speaking, form, count):
    model, image = segmentor(form), torch.randn(2, 1, 4, 4)
    net = model.networks['net']
    outputs = net(image)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    assert len(outputs) == count and torch.equal(outputs[0], net.layer(image))
    model.iteration = 0
    model(mode='loss', **make_batch('labeled'))['loss_sup'].backward()
    assert float(net.layer.weight.grad.abs().sum()) > 0


def test_what_a_dict_holds_beside_the_main_output_is_left_out_in_evaluation(speaking):
    model, image = segmentor('dict').eval(), torch.randn(1, 1, 4, 4)
    assert torch.equal(model.networks['net'](image), model.networks['net'].layer(image))
    assert torch.allclose(model.predict(image), model.networks['net'].layer(image).softmax(1))


def test_an_average_of_a_network_answers_in_the_same_form(speaking):
    networks = dict(net=dict(type='Speaking', form='dict'), slow=dict(type='ExponentialMovingAverage', average_of='net'))
    model = MODELS.build(dict(type='Segmentor', networks=networks, method=dict(type='supervised'),
                              losses=dict(sup=dict(type='cross_entropy')), predict='slow')).eval()
    image = torch.randn(1, 1, 4, 4)
    assert torch.equal(model.networks['slow'](image), model.networks['slow'].module.layer(image))


@pytest.mark.parametrize('form', ['text', 'empty'])
def test_an_answer_without_logits_is_refused_with_the_networks_name(speaking, form):
    with pytest.raises(UserError, match='network Speaking returned .*expected logits'):
        segmentor(form).networks['net'](torch.zeros(1, 1, 2, 2))


def test_something_that_is_no_network_is_refused():
    with pytest.raises(UserError, match="'fractions.Fraction' is a Fraction; a network is"):
        MODELS.build(dict(type='Segmentor', networks=dict(net=dict(type='fractions.Fraction')), method=dict(type='supervised'),
                          losses=dict(sup=dict(type='cross_entropy'))))


def test_plain_outputs_pass_tensors_and_tuples_on():
    a, b = torch.zeros(1, 2, 3), torch.ones(1, 2, 3)
    assert plain_outputs(nn.Identity(), [a], a) is a and plain_outputs(nn.Identity(), [a], (a, b)) == (a, b)


def test_several_outputs_are_supervised_on_average_or_together():
    label = torch.randint(0, 3, (2, 8, 8))
    fine, other, coarse = torch.randn(2, 3, 8, 8), torch.randn(2, 3, 8, 8), torch.randn(2, 3, 4, 4)
    loss = LOSSES.build(dict(type='cross_entropy'))
    assert torch.allclose(supervise(loss, (fine, other), label), (loss(fine, label) + loss(other, label)) / 2)
    with pytest.raises(UserError, match=r'sizes \(8, 8\), \(4, 4\).*deep_supervision.*scales=1'):
        supervise(loss, (fine, coarse), label)
    together = LOSSES.build(dict(type='deep_supervision', loss=dict(type='cross_entropy')))
    assert torch.allclose(supervise(together, fine, label), loss(fine, label))
    assert torch.isfinite(supervise(together, (fine, coarse), label))


def test_a_run_starts_from_the_weights_it_names_and_resumes_without_them(small_folder, tmp_path):
    source = train(small(iterations=1), work_dir=tmp_path / 'source', data=small_folder)
    settings = dict(checkpoint=str(source / LAST), source='networks.dual.encoder', target='encoder')
    options = {'model.networks.dual.pretrained': settings, 'optim_wrapper.optimizer.lr': 0.0}
    folder = train(small(iterations=1, **options), work_dir=tmp_path / 'target', data=small_folder, seed=9)
    before, after = weights(source), weights(folder)
    encoder = [k for k in after if k.startswith('networks.dual.encoder') and k.endswith('.0.weight')]
    decoder = [k for k in after if k.startswith('networks.dual.decoders') and k.endswith('heads.0.weight')]
    assert encoder and decoder and all(torch.equal(after[k], before[k]) for k in encoder)
    assert not any(torch.equal(after[k], before[k]) for k in decoder)
    assert 'entries loaded' in (folder / 'train.log').read_text()
    (source / LAST).unlink()
    from scarceseg.methods.prediction import Predictor
    Predictor.from_run(folder)


@pytest.mark.parametrize('settings, part', [
    (dict(checkpoint='nowhere.pth'), r'networks.dual.pretrained: there is no file /.*/nowhere.pth .*working directory.*train it '
     r'first, or .*model.networks.dual.pretrained.checkpoint=FILE$'),
    (dict(checkpont='x.pth'), 'checkpoint=FILE'), ('x.pth', 'checkpoint=FILE')])
def test_pretrained_weights_that_are_not_there_end_before_anything_starts(small_folder, tmp_path, settings, part):
    config = small()
    config.model.networks.dual.pretrained = settings
    with pytest.raises(UserError, match=part):
        train(config, work_dir=tmp_path / 'run', data=small_folder)
    assert not (tmp_path / 'run').exists()


def test_a_frozen_network_needs_all_of_its_weights(small_folder, tmp_path):
    source = train(small(iterations=1), work_dir=tmp_path / 'source', data=small_folder)
    config = small('ssl/distillation_acdc_cpu')
    config.model.networks.teacher.pretrained = None
    with pytest.raises(UserError, match='networks.teacher is frozen, but has no weights to start from; give it pretrained='):
        train(config, work_dir=tmp_path / 'run', data=small_folder)
    config.model.networks.teacher.pretrained = dict(checkpoint=str(source / LAST), source='networks.dual')
    with pytest.raises(UserError, match='networks.teacher is frozen, but .* gives it only a part of its weights'):
        train(config, work_dir=tmp_path / 'run', data=small_folder)


def test_pretrained_weights_beside_a_whole_checkpoint_are_a_contradiction(small_folder, tmp_path):
    source = train(small(iterations=1), work_dir=tmp_path / 'source', data=small_folder)
    config = small()
    config.load_from = str(source / LAST)
    config.model.networks.dual.pretrained = dict(checkpoint=str(source / LAST))
    with pytest.raises(UserError, match='load_from.*pretrained'):
        train(config, work_dir=tmp_path / 'run', data=small_folder)


def test_the_number_of_classes_is_compared_whatever_a_library_calls_it(small_folder, tmp_path):
    config = small('wsl/partial_ce_acdc_cpu')
    config.model.networks.net = dict(type='torch.nn.Conv2d', in_channels=1, out_channels=7, kernel_size=1)
    with pytest.raises(UserError, match='model.networks.net.out_channels=7, but there are 4 classes'):
        train(config, work_dir=tmp_path / 'run', data=small_folder)


def test_a_network_that_is_not_a_unet_trains(small_folder, tmp_path):
    config = small('wsl/partial_ce_acdc_cpu', iterations=1)
    config.model.networks.net = dict(type='torch.nn.Conv2d', in_channels=1, out_channels=4, kernel_size=1)
    assert (train(config, work_dir=tmp_path / 'run', data=small_folder) / LAST).is_file()

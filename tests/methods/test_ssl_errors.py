"""Mistakes in configs of semi-supervised methods end in one sentence."""
import pytest
import torch
from torch import nn

from scarceseg.methods.contract import check_pieces
from scarceseg.methods.passes import together
from scarceseg.registry import METHODS, NETWORKS, UserError

from .ssl_references import Draws, Given, Pieces, run
from .test_methods import DUAL, NETWORK, RECIPES, all_parts, make_batch, parts_of, segmentor, terms_of

SEMI = [name for name in RECIPES if 'unlabeled' in parts_of(name)]
SINGLE = ('cct', 'cps', 'cross_teaching', 'unimatch', 'bcp', 'distillation')
SCALES = {**NETWORK, 'channels': (4, 8, 8), 'scales': 2}


def sentence(caught):
    assert '\n' not in str(caught.value) and len(str(caught.value)) < 500
    return str(caught.value)


def with_networks(name, network):
    """A recipe, all of whose trained networks are this one."""
    return {key: config if 'average_of' in config or config.get('frozen') else network
            for key, config in RECIPES[name]['networks'].items()}


@pytest.mark.parametrize('name, network, missing', [
    ('cct', NETWORK, 'has no auxiliary; such have: PerturbedDecoderUNet'),
    ('cct', DUAL, 'has no decoder, auxiliary'),
    ('unimatch', {**NETWORK, 'type': 'MultiDecoderUNet'}, 'has no decoder; such have: UNet2D'),
    ('distillation', DUAL, 'of networks.student by themselves, but DualBranchUNet2D has no decoder'),
    ('unimatch', dict(type='SwinUNet', in_channels=1, num_classes=3), 'SwinUNet has no encoder, decoder')])
def test_networks_without_the_pieces_a_method_calls(name, network, missing):
    with pytest.raises(UserError, match=missing) as caught:
        segmentor(name, networks=with_networks(name, network))
    assert f'method {name} calls encoder, decoder' in sentence(caught)


def test_a_list_of_modules_is_no_piece():
    net = Pieces(encoder=nn.ModuleList([nn.Identity()]), decoder=nn.Identity())
    with pytest.raises(UserError, match='Pieces has no encoder'):
        check_pieces(METHODS.build(dict(type='unimatch')), dict(net=net))


@pytest.mark.parametrize('name', ['UNet', 'AttentionUNet', 'UNetScSE', 'CANet', 'COPLENet', 'NestedUNet', 'ResidualEncoderUNet',
                                  'PerturbedDecoderUNet', 'TransUNet'])
def test_a_networks_encoder_and_decoder_are_all_of_it(name):
    """Else a method that calls them by themselves would train something else than what predicts."""
    small_ones = dict(width=12, hidden=16, depth=1, heads=2, grid=4) if name == 'TransUNet' else {}
    net = NETWORKS.build(dict(type=name, in_channels=1, num_classes=3, channels=(4, 8, 8, 8), **small_ones)).eval()
    image = torch.randn(2, 1, 32, 32)
    assert torch.equal(net(image), net.decoder(net.encoder(image)))


@pytest.mark.parametrize('name', [name for name in SINGLE if name != 'cct'])
def test_networks_of_several_outputs_where_one_is_needed(name):
    model = segmentor(name, networks=with_networks(name, SCALES)).train()
    with pytest.raises(UserError, match=f'method {name} needs a network with one output, but this one has 2; such are') as caught:
        terms_of(model, all_parts(name))
    sentence(caught)


@pytest.mark.parametrize('name, such', [
    ('mcnet', 'MultiDecoderUNet'), ('urpc', 'U-Nets with scales=4'), ('dmpls', 'DualBranchUNet2D')])
def test_networks_of_one_output_where_several_are_needed(name, such):
    """The batch has two samples, which are not to be taken for two branches."""
    model = segmentor(name, networks=with_networks(name, NETWORK)).train()
    with pytest.raises(UserError, match=f'method {name} needs a network with 2 outputs.*has 1; such are: {such}') as caught:
        terms_of(model, all_parts(name))
    sentence(caught)


@pytest.mark.parametrize('name', ['mcnet', 'dmpls'])
def test_scales_are_no_decoders(name):
    with pytest.raises(UserError, match=rf'method {name} needs .* outputs of one size, .* \(16, 16\), \(8, 8\)') as caught:
        terms_of(segmentor(name, networks=with_networks(name, SCALES)).train(), all_parts(name))
    sentence(caught)


def test_three_branches_are_none_of_dmpls():
    three = {**NETWORK, 'type': 'MultiDecoderUNet', 'upsamplers': ('linear', 'nearest', 'transposed')}
    with pytest.raises(UserError, match='needs a network with 2 outputs, but this one has 3'):
        terms_of(segmentor('dmpls', networks=dict(dual=three)), all_parts('dmpls'))


@pytest.mark.parametrize('name', ['entropy_minimization', 'mean_teacher', 'uamt'])
def test_of_several_outputs_all_are_supervised_and_the_main_one_is_regularised(name):
    """In the methods that have a use for that: what a stub answers second changes nothing but the supervision."""
    draws, losses = Draws((4, 6)), dict(sup='dice_ce', **{'entropy_minimization': dict(entropy='entropy')}.get(
        name, dict(consistency='mean_squared_error')))
    main, other, followed, batch = draws.logits(5), draws.logits(5), draws.logits(9), draws.batch(2, 3)
    settings = dict(certain=0.9, passes=2, noise=0.0) if name == 'uamt' else dict(noise=0.0) if name == 'mean_teacher' else {}

    def terms(outputs):
        teacher = followed if name == 'uamt' else followed[:3]
        nets = dict(net=Given(outputs), student=Given(outputs), teacher=Given((teacher, teacher * 0)))
        return run(name, nets, batch, losses, **settings)
    both, one, two = terms((main, other)), terms(main), terms(other)
    regular = next(key for key in both if key != 'sup')
    assert torch.equal(both[regular], one[regular])
    assert torch.allclose(both['sup'], (one['sup'] + two['sup']) / 2)


class Lists(nn.Module):
    """Of another library: pieces that answer in other forms than those here."""

    def __init__(self, in_channels=1, num_classes=3, features=list, answers=list):
        super().__init__()
        self.layer, self.head = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 3, 1)
        self.features, self.answers = features, answers

    def encoder(self, image):
        return self.features([self.layer(image)])

    def decoder(self, features):
        z = self.head(features[-1])
        return self.answers([z, z] if self.answers is list else [z])

    def forward(self, image):
        return self.decoder(self.encoder(image))


class Headed(Lists):
    """One whose decoder has a head behind it, which pieces alone leave out."""

    def __init__(self, in_channels=1, num_classes=3):
        super().__init__(answers=lambda maps: maps[0])
        self.last = nn.Conv2d(3, num_classes, 1)

    def forward(self, image):
        return self.last(super().forward(image))


def test_a_network_that_is_more_than_its_pieces_is_refused_at_the_first_step(monkeypatch):
    monkeypatch.setitem(NETWORKS.module_dict, 'Headed', Headed)
    model = segmentor('unimatch', networks=dict(net=dict(type='Headed'))).train()
    model.iteration = 0
    with pytest.raises(UserError, match=r'Headed does more than decoder\(encoder\(image\)\)') as caught:
        model(mode='loss', **all_parts('unimatch'))
    sentence(caught)


@pytest.mark.parametrize('name', ['unimatch', 'cct', 'distillation'])
def test_looking_at_the_pieces_changes_nothing(name):
    """Neither modes nor running statistics nor what the generator draws."""
    values = []
    for checked in (False, True):
        model = segmentor(name).train()
        model.iteration, model.is_checked = 0, checked
        before = [m.training for m in model.modules()]
        torch.manual_seed(1)
        values.append((model(mode='loss', **all_parts(name))['loss_sup'], model.state_dict()))
        assert before == [m.training for m in model.modules()] and model.is_checked
    (one, first), (two, second) = values
    assert torch.equal(one, two) and all(torch.equal(first[k], second[k]) for k in first)


@pytest.mark.parametrize('name', ['unimatch', 'distillation'])
def test_pieces_that_answer_in_lists_are_not_sliced_as_tensors(name, monkeypatch):
    monkeypatch.setitem(NETWORKS.module_dict, 'Lists', Lists)

    def terms(**forms):
        return terms_of(segmentor(name, networks=with_networks(name, dict(type='Lists', **forms))), all_parts(name))
    levels = {} if name == 'unimatch' else dict(method=dict(type=name, levels=(-1,)))
    with pytest.raises(UserError, match='one output, but this one has 2'):
        terms()
    with pytest.raises(UserError, match='needs an encoder that returns a list of features.*Lists returned Tensor'):
        terms(features=lambda maps: maps[0], answers=tuple)
    model = segmentor(name, networks=with_networks(name, dict(type='Lists', features=tuple, answers=tuple)), **levels)
    assert all(torch.isfinite(term) for term in terms_of(model, all_parts(name)).values())


@pytest.mark.parametrize('name', [name for name in SEMI if name != 'bcp'])
def test_parts_of_different_size(name):
    batch = all_parts(name)
    batch['unlabeled'] = {k: v[..., :12] if torch.is_tensor(v) else v for k, v in batch['unlabeled'].items()}
    with pytest.raises(UserError, match=r'shapes \(1, 16, 12\) and \(1, 16, 16\).*go through the network together.*crop') as caught:
        terms_of(segmentor(name), batch)
    sentence(caught)


def test_images_that_go_together_have_one_size_and_come_back_apart():
    a, b = torch.randn(2, 1, 4, 4), torch.randn(3, 1, 4, 4)
    assert all(torch.equal(x, y) for x, y in zip(together(lambda image: 2 * image, a, b), (2 * a, 2 * b)))
    (first, second), (third, fourth) = together(lambda image: (image, -image), a, b)
    assert torch.equal(first, a) and torch.equal(second, -a) and torch.equal(third, b) and torch.equal(fourth, -b)
    with pytest.raises(UserError, match='shapes'):
        together(lambda image: image, a, torch.zeros(1, 2, 4, 4))


def test_parts_of_different_size_cannot_be_pasted():
    batch = all_parts('bcp')
    batch['unlabeled']['image'] = batch['unlabeled']['image'][..., :12]
    with pytest.raises(UserError, match='16, 12.*16, 16') as caught:
        terms_of(segmentor('bcp'), batch)
    sentence(caught)


def test_unlabelled_images_without_strong_views():
    batch = {**make_batch('labeled'), 'unlabeled': dict(image=torch.zeros(2, 1, 16, 16))}
    with pytest.raises(UserError, match='needs image_strong1, image_strong2 of the unlabelled images.*part_transforms') as caught:
        terms_of(segmentor('unimatch'), batch)
    sentence(caught)

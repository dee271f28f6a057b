import pytest
import torch

from scarceseg.components.networks import DualBranchUNet, UNet, load_matching
from scarceseg.registry import UserError

SMALL = dict(in_channels=1, num_classes=3, channels=(4, 6))


def network(seed, make=UNet, **changes):
    torch.manual_seed(seed)
    return make(**{**SMALL, **changes})


def test_an_encoder_is_loaded_by_name_from_a_run_of_another_network():
    source = {f'networks.net.{k}': v for k, v in network(0).state_dict().items()}
    target = network(1, DualBranchUNet)
    decoders = {k: v.clone() for k, v in target.decoders.state_dict().items()}
    match = load_matching(target, source, source='networks.net.encoder', target='encoder')
    assert all(torch.equal(v, source[f'networks.net.encoder.{k}']) for k, v in target.encoder.state_dict().items())
    assert all(torch.equal(v, decoders[k]) for k, v in target.decoders.state_dict().items())
    assert len(match.loaded) == len(target.encoder.state_dict()) and not (match.other_shape or match.not_in_file or match.unused)


def test_what_does_not_fit_is_reported_and_left_as_it_was():
    target = network(1, num_classes=4)
    head = target.decoder.heads[0].weight.detach().clone()
    weights = dict(network(0).state_dict(), odd=torch.zeros(3))
    del weights['encoder.levels.0.0.weight']
    match = load_matching(target, weights)
    assert match.other_shape == ['decoder.heads.0.weight', 'decoder.heads.0.bias'] and match.unused == ['odd']
    assert match.not_in_file == ['encoder.levels.0.0.weight'] and torch.equal(target.decoder.heads[0].weight, head)
    total = len(target.state_dict())
    text = str(match)
    assert f'{total - 3} of {total} entries loaded' in text and '2 of another shape (decoder.heads.0.weight' in text
    assert '1 in the file without use (odd)' in text


def test_parameters_stay_the_same_objects_so_that_an_optimizer_keeps_them():
    target = network(1)
    before = list(target.parameters())
    load_matching(target, network(0).state_dict())
    assert all(a is b for a, b in zip(before, target.parameters())) and all(p.requires_grad for p in target.parameters())


@pytest.mark.parametrize('settings, part', [
    (dict(source='nothing.of.it'), 'nothing in w.pth fits: it has encoder.levels.0.0.weight'),
    (dict(target='encodr'), "target='encodr' is no part of the network; its parts: encoder, decoder"),
    (dict(source='decoder', target='encoder'), 'set source and target')])
def test_nothing_that_fits_is_an_error_that_shows_both_names(settings, part):
    with pytest.raises(UserError, match=part):
        load_matching(network(1), network(0).state_dict(), where='w.pth', **settings)

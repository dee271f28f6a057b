"""Networks with several decoders."""
import pytest
import torch

from scarceseg.components.networks import MultiDecoderUNet, PerturbedDecoderUNet, UNet
from scarceseg.registry import UserError

from .test_networks import count, decoder_size, encoder_size

SMALL = dict(in_channels=1, num_classes=3, channels=(4, 6, 8))


def test_each_decoder_upsamples_in_its_own_way():
    network = MultiDecoderUNet(**SMALL, upsamplers=('transposed', 'linear', 'nearest')).eval()
    outputs = network(torch.randn(2, 1, 16, 20))
    assert [tuple(z.shape) for z in outputs] == [(2, 3, 16, 20)] * 3
    assert [d.ups[0].mode for d in network.decoders] == ['transposed', 'linear', 'nearest']


def test_the_parameters_of_several_decoders_are_those_counted_by_hand():
    """A transposed convolution of stride 2 has 4 times the weights of a 1-convolution."""
    channels = SMALL['channels']
    interpolating = decoder_size(channels, 3)
    transposed = interpolating + sum(3 * low * high for high, low in zip(channels, channels[1:]))
    assert count(MultiDecoderUNet(**SMALL)) == encoder_size(channels, 1) + interpolating + transposed
    assert count(PerturbedDecoderUNet(**SMALL)) == encoder_size(channels, 1) + 5 * interpolating


def test_the_auxiliary_decoders_work_in_training_only_and_the_main_one_is_a_plain_unet():
    network = PerturbedDecoderUNet(**SMALL)
    image = torch.randn(2, 1, 16, 16)
    outputs = network(image)
    assert len(outputs) == 5 and all(z.shape == (2, 3, 16, 16) for z in outputs)
    plain = UNet(**SMALL)
    plain.load_state_dict({k: v for k, v in network.state_dict().items() if not k.startswith('auxiliary')})
    assert torch.equal(network.eval()(image), plain.eval()(image))


def test_every_auxiliary_decoder_starts_from_the_clean_features():
    """With perturbations of no strength all decoders of equal weights give the main decoder's answer."""
    network = PerturbedDecoderUNet(**SMALL, noise=0.0, drop=(2.0, 2.0), channel_dropout=0.0, vat=0.0)
    for decoder in network.auxiliary_decoders:
        decoder.load_state_dict(network.decoder.state_dict())
    main, *auxiliary = network(torch.rand(2, 1, 16, 16))
    assert all(torch.allclose(z, main, atol=1e-5) for z in auxiliary)


def test_each_perturbation_changes_what_its_decoder_sees():
    network = PerturbedDecoderUNet(**SMALL)
    for decoder in network.auxiliary_decoders:
        decoder.load_state_dict(network.decoder.state_dict())
    main, *auxiliary = network(torch.rand(2, 1, 16, 16))
    assert all(not torch.allclose(z, main, atol=1e-4) for z in auxiliary)


def test_auxiliary_decoders_may_be_spent_on_some_samples_alone():
    network = PerturbedDecoderUNet(**SMALL, perturbations=('noise',), noise=0.0, norm='instance')
    features = network.encoder(torch.randn(3, 1, 16, 16))
    alone, = network.auxiliary([f[1:] for f in features])
    assert torch.allclose(alone, network.auxiliary(features)[0][1:], atol=1e-5)


def test_outputs_at_several_scales_are_auxiliary_and_halve_in_size():
    network = UNet(**SMALL, scales=2)
    outputs = network(torch.randn(2, 1, 16, 20))
    assert [tuple(z.shape[2:]) for z in outputs] == [(16, 20), (8, 10)]
    (outputs[0].sum() + outputs[1].sum()).backward()
    assert all(p.grad is not None for p in network.parameters())
    plain = UNet(**SMALL)
    plain.load_state_dict({k: v for k, v in network.state_dict().items() if not k.startswith('decoder.heads.1')})
    image = torch.randn(1, 1, 16, 20)
    assert torch.equal(network.eval()(image), plain.eval()(image))


@pytest.mark.parametrize('make, change, part', [
    (UNet, dict(scales=3), 'from 1 to 2'), (UNet, dict(scales=0), 'from 1 to 2'),
    (MultiDecoderUNet, dict(upsamplers=('linear',)), 'two or more'),
    (MultiDecoderUNet, dict(upsamplers=('linear', 'transpose')), "did you mean 'transposed'"),
    (PerturbedDecoderUNet, dict(perturbations=('nois',)), "did you mean 'noise'"),
    (PerturbedDecoderUNet, dict(perturbations='vat'), 'one or more')])
def test_a_setting_that_does_not_fit_is_named(make, change, part):
    with pytest.raises(UserError, match=part):
        make(**SMALL, **change)

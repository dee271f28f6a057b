"""The convolutional networks beside U-Net, and the parts they are made of."""
from itertools import pairwise
from math import prod

import pytest
import torch
import torch.nn.functional as F
from monai.networks.blocks import ChannelSELayer, ResidualSELayer
from monai.networks.blocks.dynunet_block import UnetResBlock
from monai.networks.nets import BasicUNetPlusPlus
from monai.networks.nets.attentionunet import AttentionBlock
from torch import nn

from scarceseg.components.networks.attention import (
    ASPP,
    AttentionGate,
    ChannelScores,
    JointAttention,
    NonLocal,
    ResidualSqueezeExcite,
    ScaleAttention,
    ScSE,
    SqueezeExcite,
)
from scarceseg.components.networks.attention_unet import AttentionUNet
from scarceseg.components.networks.canet import CANet, ChannelAttentionBlock
from scarceseg.components.networks.coplenet import COPLENet, DualPool
from scarceseg.components.networks.layout import make_layout
from scarceseg.components.networks.nested_unet import NestedUNet
from scarceseg.components.networks.residual import ResidualBlock
from scarceseg.components.networks.residual_encoder_unet import ResidualEncoderUNet
from scarceseg.components.networks.unet import UNet
from scarceseg.components.networks.unet2d5 import UNet2D5
from scarceseg.components.networks.unet_scse import UNetScSE
from scarceseg.registry import UserError

SMALL = dict(in_channels=1, num_classes=3, channels=(4, 8, 8))
MAKERS = [AttentionUNet, UNetScSE, NestedUNet, UNet2D5, ResidualEncoderUNet, COPLENet, CANet]
IN_2D = [m for m in MAKERS if m is not UNet2D5]
CASES = [(m, dims) for m in MAKERS for dims in (2, 3) if (m, dims) != (UNet2D5, 2)]


def build(make, dims=2, **settings):
    """A small network; CA-Net has joint attention from four levels on."""
    torch.manual_seed(0)
    levels = dict(channels=(4, 8, 8, 8)) if make is CANet else {}
    axes = {} if make is UNet2D5 else dict(dims=dims)
    return make(**{**SMALL, **levels, **axes, **settings})


def image_for(dims, *, batch=2, size=(8, 16, 16)):
    return torch.randn(batch, 1, *size[-dims:], generator=torch.Generator().manual_seed(1))


def layout_of(dims=2, channels=(4, 8, 8), norm='none', **settings):
    return make_layout(dims, 1, channels, **{**dict(kernels=3, strides=2, dropout=0.0, norm=norm, activation='leaky_relu',
                                                    upsample='linear'), **settings})


# every network

@pytest.mark.parametrize('make, dims', CASES)
@pytest.mark.parametrize('size', [(9, 17, 23), (11, 13, 31)])
def test_logits_have_the_size_of_odd_images(make, dims, size):
    network, image = build(make, dims), image_for(dims, size=size)
    assert network(image).shape == (2, 3, *size[-dims:])


@pytest.mark.parametrize('make', IN_2D)
def test_the_smallest_image_has_one_voxel_at_the_last_level(make):
    network = build(make, norm='none')
    least = network.layout.reduction
    assert network(torch.zeros(1, 1, *least)).shape == (1, 3, *least)
    with pytest.raises(UserError, match='pad it, or use fewer levels'):
        network(torch.zeros(1, 1, least[0], least[1] - 1))


@pytest.mark.parametrize('make, dims', CASES)
def test_dropout_per_level_is_placed_at_its_level(make, dims):
    def rates(part):
        return {m.p for m in part.modules() if isinstance(m, nn.Dropout)}
    given = (0.0, 0.1, 0.2, 0.3)[:4 if make is CANet else 3]
    network = build(make, dims, dropout=given)
    assert [rates(level) for level in network.encoder.levels] == [set(), *({rate} for rate in given[1:])]
    assert rates(network.decoder) == set(given[1:-1])


@pytest.mark.parametrize('make', [AttentionUNet, UNetScSE, UNet2D5, ResidualEncoderUNet, COPLENet])
def test_coarser_levels_have_outputs_in_training_only(make):
    network = build(make, 3, scales=2)
    finest, coarser = network(image_for(3))
    assert finest.shape == (2, 3, 8, 16, 16)
    assert coarser.shape == ((2, 3, 8, 8, 8) if make is UNet2D5 else (2, 3, 4, 8, 8))
    assert network.eval()(image_for(3)).shape == (2, 3, 8, 16, 16)
    with pytest.raises(UserError, match='from 1 to 2'):
        build(make, 3, scales=3)


# parameters counted by hand; k is the number of weights of a kernel

def count(network):
    return sum(p.numel() for p in network.parameters())


def conv(before, after, k=1):
    return k * before * after + after


def unit(before, after, k=9):
    """Convolution without bias and a batch norm of scale and shift."""
    return k * before * after + 2 * after


def block(before, after, k=9):
    return unit(before, after, k) + unit(after, after, k)


def squeeze(c):
    """To half the channels and back."""
    return conv(c, c // 2) + conv(c // 2, c)


def unet(channels, in_channels, classes):
    encoder = sum(block(a, b) for a, b in pairwise((in_channels, *channels)))
    return encoder + sum(conv(low, c) + block(2 * c, c) for c, low in pairwise(channels)) + conv(channels[0], classes)


def attention_unet(channels, in_channels, classes):
    """A gate at each level of the decoder but the finest: two maps to half the channels, one with bias, and one to a number."""
    gates = sum(2 * c * (c // 2) + c // 2 + c // 2 + 1 for c in channels[1:-1])
    return unet(channels, in_channels, classes) + gates


def unet_scse(channels, in_channels, classes):
    """Behind the blocks of all levels, and of all but the last once more."""
    return unet(channels, in_channels, classes) + sum(squeeze(c) + conv(c, 1) for c in (*channels, *channels[:-1]))


def nested_unet(channels, in_channels, classes):
    """At level i there are as many nodes as levels below it; the j-th sees j + 1 maps."""
    encoder = sum(block(a, b) for a, b in pairwise((in_channels, *channels)))
    nodes = sum(conv(channels[i + 1], c) + block((j + 1) * c, c)
                for i, c in enumerate(channels[:-1]) for j in range(1, len(channels) - i))
    return encoder + nodes + conv(channels[0], classes)


def unet2d5(channels, in_channels, classes):
    """Kernels of 9 weights at the two finest levels, of 27 below."""
    k = [9, 9, *[27] * (len(channels) - 2)]
    encoder = sum(block(a, b, n) for (a, b), n in zip(pairwise((in_channels, *channels)), k))
    decoder = sum(conv(low, c) + block(2 * c, c, n) for (c, low), n in zip(pairwise(channels), k))
    return encoder + decoder + conv(channels[0], classes)


def residual_encoder_unet(channels, in_channels, classes):
    """Instance norm: the convolutions have biases, but in the shortcuts where the channels change; 2×2 transposed convolutions."""
    def unit(before, after):
        return conv(before, after, 9) + 2 * after
    total = unit(in_channels, channels[0]) + conv(channels[0], classes)
    for before, after, blocks in zip((channels[0], *channels), channels, (1, 3, 4, 6, 6, 6)):
        total += unit(before, after) + (2 * blocks - 1) * unit(after, after) + (before != after) * (before * after + 2 * after)
    return total + sum(conv(low, c, 4) + unit(2 * c, c) for c, low in pairwise(channels))


def coplenet(channels, in_channels, classes):
    """Twice the channels after pooling; a pyramid of one 1×1 and three 3×3 convolutions; halves meet in the decoder."""
    total = block(in_channels, channels[0]) + squeeze(channels[0]) + conv(channels[0], classes)
    for before, after in pairwise(channels):
        total += block(2 * before, after) + squeeze(after) + (2 * before != after) * conv(2 * before, after)
    last, share = channels[-1], channels[-1] // 4
    total += conv(last, last - 3 * share) + 3 * conv(last, share, 9) + unit(last, last, 1)
    return total + sum(conv(low, c // 2) + unit(c, c // 2, 1) + block(c, c) + squeeze(c) for c, low in pairwise(channels))


def canet(channels, in_channels, classes):
    """Non-local attention on 2 c channels at the last level but one; two gates and a merge at the levels between it and the finest.

    A decoder block is c, 2 c, c channels of 3×3 convolutions, a shortcut to 2 c and scores through c / 2. The scales have w = 16
    channels each, weighted through a quarter of them.
    """
    c, s, w = channels[-2], len(channels) - 1, 16
    total = sum(block(a, b) for a, b in pairwise((in_channels, *channels)))
    total += 2 * conv(2 * c, c // 2) + 2 * c * (c // 2) + (c // 2) * 2 * c + 2 * 2 * c
    total += sum(2 * (2 * c * (c // 2) + c // 2 + c // 2 + 1) + unit(2 * c, c, 1) for c in channels[1:-2])
    for c, low in pairwise(channels):
        total += conv(low, c) + unit(2 * c, c) + unit(c, 2 * c) + unit(2 * c, 2 * c, 1) + conv(2 * c, c // 2) + conv(c // 2, 2 * c)
        total += unit(2 * c, c) + conv(c, w)
    quarter = w * s // 4
    scores, places = conv(w * s, quarter) + conv(quarter, w * s), unit(w * s, s) + conv(s, s)
    return total + scores + places + unit(w * s, w) + conv(w, classes)


COUNTS = [(AttentionUNet, attention_unet), (UNetScSE, unet_scse), (NestedUNet, nested_unet), (UNet2D5, unet2d5),
          (ResidualEncoderUNet, residual_encoder_unet), (COPLENet, coplenet), (CANet, canet)]


@pytest.mark.parametrize('make, expected', COUNTS)
@pytest.mark.parametrize('channels', [(16, 32, 64, 128, 256), (4, 6, 8, 10)])
def test_the_number_of_parameters_is_the_one_counted_by_hand(make, expected, channels):
    assert count(make(2, 4, channels=channels)) == expected(channels, 2, 4)


def test_the_defaults_are_the_levels_and_blocks_of_the_papers():
    assert count(ResidualEncoderUNet(1, 4)) == residual_encoder_unet((32, 64, 128, 256, 320, 320), 1, 4)
    for make, expected in COUNTS:
        if make is not ResidualEncoderUNet:
            assert count(make(1, 4)) == expected((16, 32, 64, 128, 256), 1, 4)


# attention

def saturate(module, value):
    """The last convolution of a module gives ``value`` whatever it sees."""
    last = [m for m in module.modules() if isinstance(m, (nn.Conv2d, nn.Conv3d))][-1]
    nn.init.zeros_(last.weight)
    nn.init.constant_(last.bias, value)


def test_an_attention_gate_follows_its_formula_place_by_place():
    gate, skip, up = AttentionGate(layout_of(), 1), torch.randn(2, 8, 3, 5), torch.randn(2, 8, 3, 5)
    theta, phi, psi = gate.theta.weight[:, :, 0, 0], gate.phi.weight[:, :, 0, 0], gate.psi[1].weight[0, :, 0, 0]
    out = gate(skip, up)
    for n, i, j in torch.cartesian_prod(torch.arange(2), torch.arange(3), torch.arange(5)).tolist():
        inner = (theta @ skip[n, :, i, j] + phi @ up[n, :, i, j] + gate.phi.bias).clamp_min(0)
        weight = 1 / (1 + torch.exp(-(psi @ inner + gate.psi[1].bias)))
        assert torch.allclose(out[n, :, i, j], weight * skip[n, :, i, j], atol=1e-6)


def test_an_attention_gate_is_that_of_monai_with_neutral_norms():
    gate, reference = AttentionGate(layout_of(3), 1), AttentionBlock(3, f_int=4, f_g=8, f_l=8).eval()
    for norm in (m for m in reference.modules() if isinstance(m, nn.BatchNorm3d)):
        norm.eps = 0.0
    pairs = (gate.theta, reference.W_x), (gate.phi, reference.W_g), (gate.psi[1], reference.psi)
    for ours, theirs in pairs:
        theirs[0].conv.load_state_dict({'weight': ours.weight, 'bias': torch.zeros(len(ours.weight)), **ours.state_dict()})
    skip, up = torch.randn(2, 8, 3, 4, 5), torch.randn(2, 8, 3, 4, 5)
    assert torch.allclose(gate(skip, up), reference(g=up, x=skip), atol=1e-6)


@pytest.mark.parametrize('value, passes', [(100.0, 1.0), (-100.0, 0.0)])
def test_a_saturated_gate_passes_all_or_nothing(value, passes):
    gate, skip = AttentionGate(layout_of(), 1), torch.randn(2, 8, 4, 4)
    saturate(gate, value)
    assert torch.equal(gate(skip, torch.randn(2, 8, 4, 4)), passes * skip)


def test_joint_attention_with_open_gates_merges_the_skip_with_itself():
    joint, skip = JointAttention(layout_of(), 1), torch.randn(2, 8, 4, 4)
    for gate in joint.gates:
        saturate(gate, 100.0)
    assert torch.allclose(joint(skip, torch.randn(2, 8, 4, 4)), joint.merge(torch.cat([skip, skip], 1)))


def moved(state, *places):
    """The entries of a network under the names of another, whose part ``b`` is the first's ``a``."""
    return {next((b + name[len(a):] for a, b in places if name.startswith(a)), name): value for name, value in state.items()}


def test_an_attention_unet_with_open_gates_is_the_plain_unet():
    network, plain = build(AttentionUNet).eval(), UNet(**SMALL).eval()
    missing, unexpected = network.load_state_dict(plain.state_dict(), strict=False)
    assert not unexpected and {name.split('.')[1] for name in missing} == {'gates'}
    gates = [m for m in network.modules() if isinstance(m, AttentionGate)]
    for gate in gates:
        saturate(gate, 100.0)
    assert len(gates) == 1 and torch.allclose(network(image_for(2)), plain(image_for(2)), atol=1e-6)


def test_a_unet_with_open_squeeze_and_excitation_is_the_plain_unet():
    network, plain = build(UNetScSE).eval(), UNet(**SMALL).eval()
    blocks = ((f'{part}.{i}.', f'{part}.{i}.0.') for part in ('encoder.levels', 'decoder.blocks') for i in range(3))
    missing, unexpected = network.load_state_dict(moved(plain.state_dict(), *blocks), strict=False)
    layers = [m for m in network.modules() if isinstance(m, ScSE)]
    for layer in layers:
        saturate(layer.channel, 100.0)
        saturate(layer.place, 100.0)
    assert not unexpected and len(missing) == 6 * len(layers) == 6 * 5
    assert torch.allclose(network(image_for(2)), plain(image_for(2)), atol=1e-6)


@pytest.mark.parametrize('ours, theirs', [(SqueezeExcite, ChannelSELayer), (ResidualSqueezeExcite, ResidualSELayer)])
@pytest.mark.parametrize('dims', [2, 3])
def test_squeeze_and_excitation_is_that_of_monai(ours, theirs, dims):
    layer, reference = ours(layout_of(dims), 8), theirs(dims, 8, r=2)
    for i in (0, 2):
        reference.fc[i].load_state_dict({k: v.flatten(1) if k == 'weight' else v for k, v in layer.weigh[i].state_dict().items()})
    x = torch.randn(2, 8, *(3, 4, 5)[:dims])
    assert torch.allclose(layer(x), reference(x), atol=1e-6)


def test_scse_is_the_larger_of_channel_and_spatial_excitation():
    layer, x = ScSE(layout_of(), 4), torch.randn(2, 4, 3, 5)
    first, second = layer.channel.weigh[0], layer.channel.weigh[2]
    hidden = (x.mean((2, 3)) @ first.weight[:, :, 0, 0].T + first.bias).relu()
    of_channel = (hidden @ second.weight[:, :, 0, 0].T + second.bias).sigmoid()[:, :, None, None]
    of_place = (torch.einsum('ncyx,c->nyx', x, layer.place[0].weight[0, :, 0, 0]) + layer.place[0].bias).sigmoid()[:, None]
    assert torch.allclose(layer(x), torch.where(x * of_channel > x * of_place, x * of_channel, x * of_place), atol=1e-6)


def test_channel_scores_add_those_of_mean_and_maximum():
    scores, x = ChannelScores(layout_of(), 8), torch.randn(2, 8, 3, 5)
    mean, maximum = x.flatten(2).mean(2), x.flatten(2).max(2).values
    first, second = ((m.weight[:, :, 0, 0], m.bias) for m in (scores.score[0], scores.score[2]))
    expected = sum(F.linear(F.linear(v, *first).relu(), *second) for v in (mean, maximum))
    assert torch.allclose(scores(x)[:, :, 0, 0], expected, atol=1e-6)


@pytest.mark.parametrize('dims', [2, 3])
def test_non_local_attention_mixes_pooled_places_by_their_likeness(dims):
    layer, x = NonLocal(layout_of(dims), 8, pool=2), torch.randn(2, 8, *(4, 6, 5)[:dims])

    def project(conv, x):
        return torch.einsum('nc...,oc->no...', x, conv.weight.flatten(1))
    bias = (slice(None), *(None,) * dims)
    query = (project(layer.query, x) + layer.query.bias[bias]).flatten(2)
    key = layer.pool(project(layer.key, x)).flatten(2)
    value = layer.pool(project(layer.value, x) + layer.value.bias[bias]).flatten(2)
    likeness = torch.einsum('nci,ncj->nij', query, key).exp()
    mixed = torch.einsum('nij,ncj->nci', likeness / likeness.sum(2, keepdim=True), value).unflatten(2, x.shape[2:])
    assert torch.allclose(layer(x), x + project(layer.out[0], mixed), atol=1e-5)


def test_scale_attention_follows_its_formula():
    layer = ScaleAttention(layout_of(), 3, scales=2, width=4)
    fine, coarse = torch.randn(2, 4, 6, 6), torch.randn(2, 4, 3, 3)
    x = torch.cat([fine, F.interpolate(coarse, scale_factor=2, mode='bilinear')], 1)
    scores = layer.scale(x)[:, :, 0, 0]
    scaled = torch.cat([x[:, s] * scores[:, s].mean(1).sigmoid()[:, None, None, None] for s in (slice(0, 4), slice(4, 8))], 1)
    places = layer.place(scaled)
    placed = torch.cat([scaled[:, :4] * places[:, :1], scaled[:, 4:] * places[:, 1:]], 1)
    assert torch.allclose(layer((fine, coarse)), layer.head(layer.merge(placed + scaled + x)), atol=1e-6)


def test_scale_attention_that_weighs_nothing_leaves_the_maps():
    layer, x = ScaleAttention(layout_of(), 3, scales=1, width=4), torch.randn(2, 4, 6, 6)
    saturate(layer.scale, -100.0)
    assert torch.allclose(layer((x,)), layer.head(layer.merge(x)))


def test_a_channel_attention_block_adds_weighted_channels_to_the_shortcut():
    layer, x = ChannelAttentionBlock(layout_of(), 1, 6, 8), torch.randn(2, 6, 5, 5)
    f = layer.block(x)
    assert f.shape == (2, 16, 5, 5)
    for value, weight in ((100.0, 1.0), (-100.0, 0.0)):
        saturate(layer.scores, value)
        assert torch.allclose(layer(x), layer.merge(weight * f + layer.shortcut(x)), atol=1e-6)


def test_canet_looks_at_all_places_at_the_coarsest_level_of_the_decoder_only():
    network = CANet(1, 3, channels=(4, 8, 8, 8, 8))
    gates, blocks = network.decoder.decoder.gates, network.decoder.decoder.blocks  # the coarsest first
    assert [isinstance(gate, JointAttention) for gate in gates] == [False, True, True, False]
    assert [any(isinstance(m, NonLocal) for m in b.modules()) for b in blocks] == [True, False, False, False]
    assert not any(isinstance(m, NonLocal) for m in CANet(1, 3, channels=(4, 8)).modules())


def test_the_pyramid_is_its_dilated_convolutions_side_by_side():
    layer, x = ASPP(layout_of(channels=(4, 10))), torch.randn(2, 10, 9, 9)
    assert [b.out_channels for b in layer.branches] == [4, 2, 2, 2]
    parts = [F.conv2d(x, b.weight, b.bias, padding=d * (len(b.weight[0, 0]) // 2), dilation=d)
             for b, d in zip(layer.branches, (1, 2, 4, 6))]
    assert torch.allclose(layer(x), layer.merge(torch.cat(parts, 1)), atol=1e-6)


# the networks' own

def test_dual_pooling_has_maxima_and_means_side_by_side():
    pooled = DualPool(layout_of(), 1)(torch.tensor([[1.0, 2.0, 5.0], [3.0, 6.0, 5.0], [7.0, 7.0, 7.0]])[None, None])
    assert pooled.tolist() == [[[[6.0]], [[3.0]]]]


def test_nested_unet_is_that_of_monai():
    """MONAI's upsampling halves the channels, but for the finest level; so these are the channels for which the two agree."""
    channels = (4, 4, 8, 16, 32)
    network = NestedUNet(1, 3, channels=channels, norm='instance', upsample='transposed', deep_supervision=True)
    reference = BasicUNetPlusPlus(2, 1, 3, features=(*channels, 4), deep_supervision=True,
                                  act=('LeakyReLU', {'negative_slope': 0.01}))
    parts = [(network.encoder.levels[0], reference.conv_0_0)]
    parts += [(network.encoder.levels[i], getattr(reference, f'conv_{i}_0')) for i in range(1, 5)]
    for column in range(1, 5):
        for level in range(5 - column):
            theirs = getattr(reference, f'upcat_{level}_{column}')
            parts += [(network.decoder.ups[column - 1][level], theirs.upsample),
                      (network.decoder.blocks[column - 1][level], theirs.convs)]
        parts.append((network.decoder.heads[4 - column], getattr(reference, f'final_conv_0_{column}')))
    with torch.no_grad():
        for ours, theirs in parts:
            for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
                q.copy_(p)
    assert sum(count(ours) for ours, _ in parts) == count(network)
    image = torch.randn(2, 1, 32, 32)
    for ours, theirs in zip(network(image), reference(image)[::-1], strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5)


def test_the_deepest_nested_decoder_comes_first_and_evaluates_alone():
    network, image = build(NestedUNet, norm='none', deep_supervision=True), image_for(2)
    outputs = network(image)
    assert [o.shape for o in outputs] == [(2, 3, 16, 16)] * 2
    assert torch.equal(network.eval()(image), outputs[0])


def test_a_nested_unet_of_two_levels_is_a_unet():
    settings = dict(in_channels=1, num_classes=3, channels=(4, 8))
    network, plain = NestedUNet(**settings).eval(), UNet(**settings).eval()
    nested = ('decoder.ups.0.', 'decoder.ups.0.0.'), ('decoder.blocks.0.', 'decoder.blocks.0.0.')
    network.load_state_dict(moved(plain.state_dict(), *nested))
    assert torch.allclose(network(image_for(2)), plain(image_for(2)), atol=1e-6)


def test_a_volume_through_flat_levels_only_is_segmented_slice_by_slice():
    plain, network = UNet(**SMALL, dims=2).eval(), UNet2D5(**SMALL, flat_levels=3).eval()
    network.load_state_dict({k: v[:, :, None] if v.ndim == 4 else v for k, v in plain.state_dict().items()})
    volume = torch.randn(1, 1, 5, 17, 23)
    slices = plain(volume[0].transpose(0, 1))
    assert torch.allclose(network(volume)[0], slices.transpose(0, 1), atol=1e-5)


@pytest.mark.parametrize('flat, first, last', [(2, 12, 12), (1, 10, 14), (0, 4, 21)])
def test_slices_mix_in_the_levels_that_are_not_flat(flat, first, last):
    """A 3D block reaches 2 slices to each side. From slice 12, the coarser level alone reaches 10 to 14.

    With all in 3D, the decoder takes 10 to 14, which are 5 to 7 at the coarser level, whose block takes 3 to 9; these are 6 to
    19 of the finest, whose encoder takes 4 to 21.
    """
    torch.manual_seed(0)
    network = UNet2D5(1, 2, channels=(4, 8), flat_levels=flat, norm='none', upsample='nearest').eval()
    volume = torch.randn(1, 1, 24, 8, 8, requires_grad=True)
    network(volume)[0, :, 12].sum().backward()
    seen = volume.grad[0, 0].abs().sum((1, 2)).nonzero()[:, 0]
    assert (int(seen.min()), int(seen.max())) == (first, last)


def test_a_residual_block_is_that_of_monai():
    ours = ResidualBlock(layout_of(norm='batch'), 1, 4, 8)
    theirs = UnetResBlock(2, 4, 8, kernel_size=3, stride=1, norm_name='batch')
    first, norm1, _, second, norm2 = ours.residual
    pairs = ((first, theirs.conv1.conv), (norm1, theirs.norm1), (second, theirs.conv2.conv), (norm2, theirs.norm2),
             (ours.shortcut[0], theirs.conv3.conv), (ours.shortcut[1], theirs.norm3))
    for a, b in pairs:
        b.load_state_dict(a.state_dict())
    x = torch.randn(2, 4, 7, 9)
    assert torch.allclose(ours(x), theirs(x), atol=1e-6)


def test_a_residual_block_that_adds_nothing_gives_the_mean_of_what_it_strides_over():
    """The border is averaged over what there is of it."""
    layer = ResidualBlock(layout_of(), 1, 8, 8, strided=True)
    saturate(layer.residual, 0.0)
    x = torch.rand(1, 8, 5, 4)
    expected = torch.stack([torch.stack([x[:, :, i:i + 2, j:j + 2].mean((2, 3)) for j in (0, 2)], 2) for i in (0, 2, 4)], 2)
    assert torch.allclose(layer(x), expected, atol=1e-6)


def test_strides_round_up_and_levels_may_be_anisotropic():
    network = ResidualEncoderUNet(1, 3, dims=3, channels=(4, 8, 8), blocks=(1, 2, 1), kernels=[(1, 3, 3), 3, 3],
                                  strides=[(1, 2, 2), 2])
    assert [tuple(f.shape[2:]) for f in network.encoder(torch.randn(1, 1, 5, 17, 23))] == [(5, 17, 23), (5, 9, 12), (3, 5, 6)]
    assert network(torch.randn(1, 1, 5, 17, 23)).shape == (1, 3, 5, 17, 23)


@pytest.mark.parametrize('blocks, per_level', [(None, [1, 3, 4]), (2, [2, 2, 2]), ((2, 1, 3), [2, 1, 3])])
def test_each_level_has_its_number_of_residual_blocks(blocks, per_level):
    levels = build(ResidualEncoderUNet, blocks=blocks).encoder.levels
    assert [sum(isinstance(m, ResidualBlock) for m in level) for level in levels] == per_level


@pytest.mark.parametrize('make, change, part', [
    (ResidualEncoderUNet, dict(blocks=(1, 2)), 'one for each of the 3 levels'), (ResidualEncoderUNet, dict(blocks=0), 'blocks=0'),
    (UNet2D5, dict(flat_levels=4), 'from 0 to 3'), (COPLENet, dict(channels=(4, 8, 3)), 'end with 4 or more'),
    (CANet, dict(scale_width=0), 'scale_width=0'), (AttentionUNet, dict(norm='bach'), "did you mean 'batch'")])
def test_a_setting_that_does_not_fit_is_named(make, change, part):
    with pytest.raises(UserError, match=part):
        make(**{**SMALL, **change})


def test_a_decoder_gives_the_outputs_asked_for_in_evaluation_too():
    network, image = UNet(**SMALL, scales=2).eval(), image_for(2)
    finest, coarser = network.decoder.outputs(network.encoder(image), 2)
    assert torch.equal(finest, network(image)) and prod(coarser.shape[2:]) == 64

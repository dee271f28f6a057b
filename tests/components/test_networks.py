import pytest
import torch

from scarceseg.components.networks import DualBranchUNet2D, DualBranchUNet3D, UNet, UNet2D, UNet3D
from scarceseg.components.networks.layers import ACTIVATIONS, NORMS, UPSAMPLERS
from scarceseg.registry import UserError

SMALL = dict(in_channels=1, num_classes=3, channels=(4, 6, 8))


def block_size(before, after):
    """Two 3×3 convolutions without bias and two batch norms of scale and shift."""
    return 9 * before * after + 2 * after + 9 * after * after + 2 * after


def decoder_size(channels, classes):
    """At each level a 1×1 convolution with bias and a block; a 1×1 convolution at the end."""
    steps = sum(low * high + high + block_size(2 * high, high) for high, low in zip(channels, channels[1:]))
    return steps + channels[0] * classes + classes


def encoder_size(channels, in_channels):
    return sum(block_size(a, b) for a, b in zip((in_channels, *channels), channels))


def count(network):
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize('channels', [(16, 32, 64, 128, 256), (4, 6, 8)])
def test_the_number_of_parameters_is_the_one_counted_by_hand(channels):
    settings = dict(in_channels=2, num_classes=4, channels=channels)
    assert count(UNet2D(**settings)) == encoder_size(channels, 2) + decoder_size(channels, 4)
    assert count(DualBranchUNet2D(**settings)) == encoder_size(channels, 2) + 2 * decoder_size(channels, 4)


@pytest.mark.parametrize('norm', ['batch', 'none'])
def test_the_parameters_of_an_anisotropic_volume_network_are_those_counted_by_hand(norm):
    """Kernels of 9 and 27 voxels, a transposed convolution of stride 1×2×2; biases only where no batch norm takes them away."""
    network = UNet3D(2, 3, channels=(4, 6, 8), kernels=((1, 3, 3), 3, 3), strides=((1, 2, 2), 2), norm=norm, upsample='transposed')

    def unit(before, after, kernel):
        return kernel * before * after + (2 * after if norm == 'batch' else after)
    encoder = unit(2, 4, 9) + unit(4, 4, 9) + unit(4, 6, 27) + unit(6, 6, 27) + unit(6, 8, 27) + unit(8, 8, 27)
    ups = (8 * 6 * 8 + 6) + (6 * 4 * 4 + 4)
    decoder = unit(12, 6, 27) + unit(6, 6, 27) + unit(8, 4, 9) + unit(4, 4, 9)
    assert count(network) == encoder + ups + decoder + (4 * 3 + 3)


def test_levels_are_as_coarse_along_each_axis_as_their_strides_say():
    network = UNet3D(1, 2, channels=(4, 4, 4), strides=((1, 2, 2), (2, 2, 1)))
    shapes = [tuple(f.shape[2:]) for f in network.encoder(torch.zeros(1, 1, 5, 16, 12))]
    assert shapes == [(5, 16, 12), (5, 8, 6), (2, 4, 6)]
    assert network.layout.reduction == (2, 4, 2) and network(torch.zeros(2, 1, 5, 17, 13)).shape == (2, 2, 5, 17, 13)


@pytest.mark.parametrize('levels', [2, 3, 6])
def test_any_number_of_levels(levels):
    network = UNet2D(1, 2, channels=(4,) * levels)
    assert network(torch.zeros(2, 1, 32, 32)).shape == (2, 2, 32, 32) and len(network.encoder.levels) == levels


def test_a_volume_of_equal_slices_through_flat_kernels_is_segmented_like_the_slice():
    """A 3D network with 1×3×3 kernels and 1×2×2 strides, and a 2D network with the same weights."""
    flat, deep = UNet2D(**SMALL).eval(), UNet3D(**SMALL, kernels=[(1, 3, 3)] * 3, strides=[(1, 2, 2)] * 2).eval()
    weights = flat.state_dict()
    deep.load_state_dict({k: weights[k].unsqueeze(2) if v.ndim == 5 else weights[k] for k, v in deep.state_dict().items()})
    image = torch.randn(1, 1, 16, 20)
    volume = deep(image[:, :, None].expand(-1, -1, 3, -1, -1))
    assert all(torch.allclose(volume[:, :, z], flat(image), atol=1e-5) for z in range(3))


def test_the_names_with_dimensions_are_the_general_networks():
    for general, named, dims in ((UNet, UNet3D, 3), (UNet, UNet2D, 2)):
        assert count(general(**SMALL, dims=dims)) == count(named(**SMALL)) and named(**SMALL).layout.dims == dims
    first, second = DualBranchUNet3D(**SMALL)(torch.randn(2, 1, 8, 8, 8))
    assert first.shape == second.shape == (2, 3, 8, 8, 8)


def test_the_default_has_five_levels_from_16_to_256():
    levels = UNet2D(1, 4).encoder.levels
    assert [level[0].out_channels for level in levels] == [16, 32, 64, 128, 256]


@pytest.mark.parametrize('size', [(16, 16), (17, 23), (4, 5), (31, 64)])
@pytest.mark.parametrize('upsample', UPSAMPLERS)
def test_logits_have_the_size_of_the_image_for_odd_sizes_too(size, upsample):
    network = UNet2D(**SMALL, upsample=upsample, norm='instance' if min(size) > 4 else 'none')
    assert network(torch.randn(2, 1, *size)).shape == (2, 3, *size)


@pytest.mark.parametrize('norm', NORMS)
@pytest.mark.parametrize('activation', ACTIVATIONS)
def test_every_norm_and_activation_trains_every_parameter(norm, activation):
    network = UNet2D(**SMALL, norm=norm, activation=activation, dropout=0.0)
    network(torch.randn(2, 1, 16, 16)).square().mean().backward()
    dead = [name for name, p in network.named_parameters() if p.grad is None or not torch.isfinite(p.grad).all()]
    assert not dead


def test_both_branches_train_every_parameter():
    network = DualBranchUNet2D(**SMALL)
    first, second = network(torch.randn(2, 1, 16, 16))
    (first.square().mean() + second.square().mean()).backward()
    assert all(p.grad is not None and float(p.grad.abs().sum()) > 0 for n, p in network.named_parameters() if 'weight' in n)


@pytest.mark.parametrize('make', [UNet2D, DualBranchUNet2D])
def test_nothing_is_dropped_in_evaluation_and_something_in_training(make):
    torch.manual_seed(0)
    network = make(**SMALL, dropout=0.5)
    image = torch.randn(1, 1, 16, 16)

    def run():
        out = network(image)
        return torch.cat(out) if isinstance(out, tuple) else out
    network.eval()
    assert torch.equal(run(), run())
    network.train()
    assert not torch.equal(run(), run())


def test_only_the_second_branch_sees_dropped_features():
    network = DualBranchUNet2D(**SMALL, dropout=0.0, norm='none')
    image = torch.randn(1, 1, 16, 16)
    (first, second), (again, differs) = network(image), network(image)
    assert torch.equal(first, again) and not torch.equal(second, differs)


def test_dropout_per_level_is_placed_at_its_level():
    network = UNet2D(**SMALL, dropout=(0.0, 0.2, 0.4))
    rates = [[m.p for m in level if isinstance(m, torch.nn.Dropout)] for level in network.encoder.levels]
    assert rates == [[], [0.2], [0.4]]


def test_a_batch_is_predicted_like_its_images_one_by_one():
    network = UNet2D(**SMALL).eval()
    images = torch.randn(3, 1, 16, 16)
    alone = torch.cat([network(i[None]) for i in images])
    assert torch.allclose(network(images), alone, atol=1e-5)


def test_channels_innermost_gives_the_same_logits():
    network = UNet2D(**SMALL).eval()
    image = torch.randn(2, 1, 16, 16)
    expected = network(image)
    network.to(memory_format=torch.channels_last)
    assert torch.allclose(network(image.contiguous(memory_format=torch.channels_last)), expected, atol=1e-5)


def test_the_graph_of_the_evaluating_network_exports():
    network = UNet2D(**SMALL).eval()
    image = torch.randn(1, 1, 16, 16)
    exported = torch.export.export(network, (image,)).module()
    assert torch.allclose(exported(image), network(image), atol=1e-5)


@pytest.mark.parametrize('settings, image, parts', [
    (SMALL, (1, 1, 8, 16, 16), ['2D images', 'window=(1, None, None)']),
    (SMALL, (1, 2, 16, 16), ['in_channels=1', '2 channels']),
    (SMALL, (1, 1, 3, 16), ['at least 4×4 voxels', 'pad']),
    (SMALL, (1, 1, 4, 4), ["norm='batch'", '4×4', 'norm="group"']),
])
def test_an_image_that_does_not_fit_is_answered_with_the_remedy(settings, image, parts):
    with pytest.raises(UserError) as caught:
        UNet2D(**settings)(torch.zeros(image))
    assert all(part in str(caught.value) for part in parts)


def test_an_instance_norm_needs_more_than_one_voxel_in_evaluation_too_and_a_batch_norm_does_not():
    image = torch.zeros(1, 1, 4, 4)
    with pytest.raises(UserError, match="norm='instance' cannot normalise an image of 4×4"):
        UNet2D(**SMALL, norm='instance').eval()(image)
    assert UNet2D(**SMALL).eval()(image).shape == (1, 3, 4, 4)


@pytest.mark.parametrize('change, part', [
    (dict(norm='bach'), "did you mean 'batch'"), (dict(activation='rleu'), "did you mean 'relu'"),
    (dict(upsample='transpose'), "did you mean 'transposed'"), (dict(dropout=(0.1, 0.2)), '3 levels'),
    (dict(channels=(4,)), 'two or more'), (dict(channels=(4, 0)), 'whole numbers'), (dict(dropout=1.0), 'rate in'),
    (dict(kernels=2), 'odd'), (dict(kernels=(3, 3)), '3 entries'), (dict(kernels=((3, 3, 3), 3, 3)), 'or 2, one per axis'),
    (dict(strides=(2, 2, 2)), '2 entries'), (dict(strides=0), 'whole number')])
def test_a_setting_that_does_not_fit_is_named(change, part):
    with pytest.raises(UserError, match=part):
        UNet2D(**{**SMALL, **change})

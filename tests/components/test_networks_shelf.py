"""Properties of every network on the shelf."""
import importlib.util

import pytest
import torch

from scarceseg.components.networks import dropout_active
from scarceseg.registry import NETWORKS, UserError

CLASSES = 3
SMALL = dict(channels=(4, 8, 8), dropout=0.2)
SWIN = dict(embed_dim=8, depths=(2, 2), heads=(2, 4), window=4, patch=2, dropout=0.2, drop_path=0.2)
VIT = dict(width=12, hidden=16, depth=2, heads=2, grid=4)
SIZES = {2: (16, 24), 3: (8, 16, 12)}
# the dimensions that each network has, and settings that make it small
RECIPES = {
    **{name: ((2, 3), SMALL) for name in ('UNet', 'AttentionUNet', 'UNetScSE', 'DualBranchUNet', 'MultiDecoderUNet',
                                          'PerturbedDecoderUNet', 'COPLENet')},
    'CANet': ((2, 3), dict(channels=(4, 8, 8, 8), dropout=0.2)),
    'NestedUNet': ((2, 3), dict(SMALL, deep_supervision=True)),
    'ResidualEncoderUNet': ((2, 3), dict(SMALL, blocks=(1, 2, 2), scales=2)),
    'UNet2D5': ((3,), SMALL),
    'UNet2D': ((2,), SMALL), 'UNet3D': ((3,), SMALL), 'DualBranchUNet2D': ((2,), SMALL), 'DualBranchUNet3D': ((3,), SMALL),
    'SwinUNet': ((2,), SWIN), 'TransUNet': ((2, 3), dict(SMALL, **VIT)),
    'UNETR': ((2, 3), dict(channels=2, width=12, hidden=16, heads=2, dropout=0.2)),
    'SwinUNETR': ((2, 3), dict(embed_dim=12, heads=(1, 2, 3, 4), window=4, dropout=0.2)),
}
CASES = [(name, dims) for name, (all_dims, _) in RECIPES.items() for dims in all_dims]
FIXED = ('UNet2D', 'UNet3D', 'UNet2D5', 'DualBranchUNet2D', 'DualBranchUNet3D', 'SwinUNet')  # without a setting dims


def size_of(name, dims):
    return (64, *(32,) * (dims - 1)) if name in ('UNETR', 'SwinUNETR') else SIZES[dims]


def config(name, dims, **changes):
    """Config of a small network, or the test is skipped where MONAI is not installed."""
    if name in ('UNETR', 'SwinUNETR') and importlib.util.find_spec('monai') is None:
        pytest.skip('monai is not installed')
    size = dict(img_size=size_of(name, dims)) if name == 'UNETR' else {}
    dimensions = {} if name in FIXED else dict(dims=dims)
    return dict(type=name, in_channels=2, num_classes=CLASSES, **dimensions, **size, **RECIPES[name][1], **changes)


def build(name, dims, **changes):
    torch.manual_seed(0)
    return NETWORKS.build(config(name, dims, **changes))


def image_of(name, dims, samples=2):
    return torch.randn(samples, 2, *size_of(name, dims), generator=torch.Generator().manual_seed(1))


def logits_of(outputs):
    return outputs if isinstance(outputs, tuple) else (outputs,)


def test_every_network_on_the_shelf_has_a_recipe_here():
    NETWORKS.import_from_location()
    ours = {n for n, c in NETWORKS.module_dict.items() if c.__module__.startswith('scarceseg.')}
    assert set(RECIPES) == ours - {'MovingAverage'}  # a copy of any of them


@pytest.mark.parametrize('name, dims', CASES)
def test_every_parameter_learns_and_logits_have_the_size_of_the_image(name, dims):
    network, image = build(name, dims), image_of(name, dims)
    outputs = logits_of(network(image))
    assert outputs[0].shape == (2, CLASSES, *image.shape[2:])
    weights = torch.randn(2, CLASSES, *[1] * dims)
    sum((z * weights).square().sum() for z in outputs).backward()
    trained = {n: p.grad for n, p in network.named_parameters() if p.requires_grad}
    assert not [n for n, g in trained.items() if g is None or not torch.isfinite(g).all()]
    assert not [n for n, g in trained.items() if n.endswith('weight') and float(g.abs().sum()) == 0]


@pytest.mark.parametrize('name, dims', CASES)
def test_the_graph_of_the_evaluating_network_exports(name, dims):
    network, image = build(name, dims).eval(), image_of(name, dims)
    exported = torch.export.export(network, (image,)).module()
    for ours, theirs in zip(logits_of(network(image)), logits_of(exported(image)), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize('name, dims', CASES)
def test_nothing_is_random_in_evaluation_and_samples_do_not_mix(name, dims):
    network, image = build(name, dims).eval(), image_of(name, dims)
    with torch.no_grad():
        first, second, alone = network(image), network(image), [logits_of(network(i[None]))[0] for i in image]
    assert all(torch.equal(a, b) for a, b in zip(logits_of(first), logits_of(second)))
    assert torch.allclose(logits_of(first)[0], torch.cat(alone), atol=1e-4)


@pytest.mark.parametrize('name, dims', CASES)
def test_dropout_may_be_left_on_at_test_time(name, dims):
    network = build(name, dims).eval()
    image, state = image_of(name, dims), {k: v.clone() for k, v in network.state_dict().items()}
    with torch.no_grad(), dropout_active(network):
        first, second = (logits_of(network(image))[0] for _ in range(2))
    assert not torch.equal(first, second) and all(torch.equal(v, state[k]) for k, v in network.state_dict().items())


@pytest.mark.parametrize('name, dims', CASES)
def test_odd_sizes_are_handled_or_answered(name, dims):
    network = build(name, dims)
    image = torch.randn(2, 2, *[n + 1 + k for k, n in enumerate(size_of(name, dims))])
    if name in ('UNETR', 'SwinUNETR'):
        with pytest.raises(UserError, match='predict with the inferer'):
            network(image)
        return
    outputs = logits_of(network(image))
    assert outputs[0].shape == (2, CLASSES, *image.shape[2:]) and torch.isfinite(outputs[0]).all()


@pytest.mark.parametrize('name, dims', CASES)
def test_bfloat16_gives_finite_logits_and_gradients(name, dims):
    network, image = build(name, dims), image_of(name, dims)
    with torch.autocast('cpu', torch.bfloat16):
        outputs = logits_of(network(image))
    sum(z.float().square().mean() for z in outputs).backward()
    assert all(torch.isfinite(z).all() for z in outputs)
    assert all(p.grad is None or torch.isfinite(p.grad).all() for p in network.parameters())


@pytest.mark.parametrize('name', [name for name, dims in CASES if dims == 2])
def test_channels_innermost_give_the_same_logits(name):
    network, image = build(name, 2).eval(), image_of(name, 2)
    expected = logits_of(network(image))[0]
    network.to(memory_format=torch.channels_last)
    assert torch.allclose(logits_of(network(image.contiguous(memory_format=torch.channels_last)))[0], expected, atol=1e-4)


@pytest.mark.parametrize('name, dims', CASES)
def test_an_image_that_does_not_fit_is_answered_with_the_remedy(name, dims):
    network, size = build(name, dims), size_of(name, dims)
    other = torch.zeros(1, 2, *size, 8) if dims == 2 else torch.zeros(1, 2, *size[1:])
    with pytest.raises(UserError, match=rf'{name} takes {dims}D images .*(slice|volume)'):
        network(other)
    with pytest.raises(UserError, match=f'{name} was built with in_channels=2, but the image has 5 channels.*set in_channels'):
        network(torch.zeros(1, 5, *size))


@pytest.mark.parametrize('name, dims', CASES)
def test_a_slip_in_a_setting_is_answered_with_the_nearest(name, dims):
    with pytest.raises(UserError, match="no setting 'num_clases' .did you mean 'num_classes'"):
        NETWORKS.build(dict(config(name, dims), num_clases=3))

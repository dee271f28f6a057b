import numpy as np
import pytest
import torch
from torch import nn

from scarceseg.components.networks.layout import make_layout
from scarceseg.components.networks.swin import PatchExpanding, PatchMerging, WindowAttention, join, partition, regions
from scarceseg.components.networks.swin_unet import SwinUNet
from scarceseg.components.networks.transformer import DropPath, SelfAttention, TransformerBlock, VisionTransformer
from scarceseg.components.networks.transunet import TransUNet
from scarceseg.components.networks.unetr import UNETR, SwinUNETR
from scarceseg.registry import NETWORKS, UserError

SWIN = dict(in_channels=1, num_classes=3, embed_dim=8, depths=(2, 2, 2), heads=(1, 2, 4), window=3, patch=2)
TRANS = dict(in_channels=1, num_classes=3, channels=(4, 6, 8), width=12, hidden=20, depth=2, heads=3, grid=4)
UNETR_2D = dict(in_channels=1, num_classes=3, img_size=(32, 48), dims=2, channels=2, width=12, hidden=16, heads=3)
SWIN_UNETR_2D = dict(in_channels=1, num_classes=3, dims=2, embed_dim=12, heads=(1, 2, 3, 4), window=4)
CASES = [(SwinUNet, SWIN, (32, 20)), (TransUNet, TRANS, (16, 24)), (UNETR, UNETR_2D, (32, 48)),
         (SwinUNETR, SWIN_UNETR_2D, (32, 64))]
OWN = CASES[:2]


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def spread(module):
    """Make every parameter count: layers that start at zero or alike hide mistakes."""
    with torch.no_grad():
        for p in module.parameters():
            p.add_(torch.randn_like(p), alpha=0.3)
    return module


def count(network):
    return sum(p.numel() for p in network.parameters())


def slow_attention(x, module):
    """Window attention from its definition, token by token, without padding or rolling anything: (y, x, width) NumPy."""
    height, length, width = x.shape
    window, heads = module.window, module.attention.heads
    shift = [module.shift if n > window else 0 for n in (height, length)]
    weight, bias, out_weight, out_bias = (p.detach().double().numpy() for p in module.attention.parameters())
    table = module.table.detach().double().numpy()
    q, k, v = np.split(x @ weight.T + bias, 3, axis=-1)
    places = [(i, j) for i in range(height) for j in range(length)]

    def home(place):
        """The window a token lies in, when windows begin ``shift`` tokens behind the border."""
        return tuple((n + window - s) // window for n, s in zip(place, shift))
    result = np.zeros_like(x)
    for a in places:
        near = [b for b in places if home(b) == home(a)]
        for h in range(heads):
            part = slice(h * width // heads, (h + 1) * width // heads)
            scores = [q[a][part] @ k[b][part] / np.sqrt(width // heads)
                      + table[(a[0] - b[0] + window - 1) * (2 * window - 1) + a[1] - b[1] + window - 1, h] for b in near]
            share = np.exp(scores) / np.exp(scores).sum()
            result[a][part] = sum(s * v[b][part] for s, b in zip(share, near))
    return result @ out_weight.T + out_bias


# window attention

@pytest.mark.parametrize('grid', [(6, 6), (7, 5), (2, 8), (1, 1), (3, 4)])
@pytest.mark.parametrize('shift', [0, 1, 2])
def test_window_attention_is_its_definition_token_by_token(grid, shift):
    module = spread(WindowAttention(4, 2, window=3, shift=shift)).double()
    x = torch.randn(2, *grid, 4, dtype=torch.float64)
    expected = np.stack([slow_attention(sample.numpy(), module) for sample in x])
    np.testing.assert_allclose(module(x).detach().numpy(), expected, atol=1e-12)


@pytest.mark.parametrize('shift', [0, 2])
def test_window_attention_is_that_of_monai(shift):
    swin = pytest.importorskip('monai.networks.nets.swin_unetr')
    ours = spread(WindowAttention(8, 2, window=4, shift=shift))
    theirs = swin.SwinTransformerBlock(8, 2, (4, 4), (shift, shift))
    theirs.norm1 = nn.Identity()
    for a, b in ((theirs.attn.qkv, ours.attention.qkv), (theirs.attn.proj, ours.attention.out)):
        a.load_state_dict(b.state_dict())
    theirs.attn.relative_position_bias_table.data.copy_(ours.table)
    x = torch.randn(2, 8, 12, 8)
    mask = swin.compute_mask([8, 12], (4, 4), (shift, shift), x.device) if shift else None
    assert torch.allclose(ours(x), theirs.forward_part1(x, mask), atol=1e-5)


def test_the_position_table_is_read_at_the_difference_of_query_and_key():
    index = WindowAttention(2, 1, window=2, shift=0).index
    assert index.tolist() == [[4, 3, 1, 0], [5, 4, 2, 1], [7, 6, 4, 3], [8, 7, 5, 4]]


def test_windows_are_cut_row_by_row():
    x = torch.arange(16).reshape(1, 4, 4, 1)
    assert partition(x, 2)[0, :, :, 0].tolist() == [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]


@pytest.mark.parametrize('size, window', [((4, 6), 2), ((3, 9), 3), ((5, 5), 5), ((2, 3), 1)])
def test_join_undoes_partition(size, window):
    x = torch.randn(2, *size, 3)
    assert torch.equal(join(partition(x, window), size), x)


def test_regions_of_a_small_grid_are_these():
    """Rolled by 1, five rows of six are 1 2 3 4, padding, 0; three columns of three stay."""
    assert regions((5, 3), (6, 3), (1, 0)).tolist() == [[0] * 3] * 4 + [[6] * 3] + [[3] * 3]


def reach(module, grid, place):
    """Which tokens' outputs move with the token at ``place``."""
    x = torch.randn(1, *grid, 4, requires_grad=True)
    out = module(x).square().sum(-1)[0]
    return {(i, j) for i in range(grid[0]) for j in range(grid[1])
            if float(torch.autograd.grad(out[i, j], x, retain_graph=True)[0][0][place].abs().sum()) > 0}


def test_a_shifted_window_sees_nothing_across_the_border():
    """Along an axis of 6, windows of 3 shifted by 1 hold 0 | 1 2 3 | 4 5; after the roll 0 lies beside 4 and 5."""
    module = spread(WindowAttention(4, 2, window=3, shift=1))
    assert reach(module, (6, 6), (0, 0)) == {(0, 0)}
    assert reach(module, (6, 6), (5, 2)) == {(i, j) for i in (4, 5) for j in (1, 2, 3)}


def test_what_pads_a_grid_is_not_seen():
    """The last row and column of a 7×7 grid are windows with one token each way, whatever padding holds."""
    module = spread(WindowAttention(4, 2, window=3, shift=0))
    assert reach(module, (7, 7), (6, 6)) == {(6, 6)}
    x = torch.randn(1, 7, 7, 4)
    own = module.attention(x[:, 6:, 6:].reshape(1, 1, 1, 4), module.table[module.index[:1, :1]].permute(2, 0, 1))
    assert torch.allclose(module(x)[:, 6, 6], own[:, 0, 0], atol=1e-6)


def test_a_larger_window_changes_nothing_for_a_grid_that_fits_the_smaller():
    small, large = WindowAttention(4, 2, window=4, shift=2), WindowAttention(4, 2, window=5, shift=2)
    spread(small)
    large.attention.load_state_dict(small.attention.state_dict())
    with torch.no_grad():
        large.table.reshape(9, 9, 2)[1:8, 1:8] = small.table.reshape(7, 7, 2)
    x = torch.randn(2, 4, 3, 4)
    assert torch.allclose(small(x), large(x), atol=1e-6)


# other parts

def test_self_attention_and_its_block_are_those_of_torch():
    ours = spread(TransformerBlock(12, SelfAttention(12, 3), hidden=20)).eval()
    theirs = nn.TransformerEncoderLayer(12, 3, 20, dropout=0.0, activation='gelu', batch_first=True, norm_first=True)
    (norm1, mix, _), (norm2, first, *_), second = ours.attention, ours.perceptron, ours.perceptron[4]
    for a, b in ((theirs.norm1, norm1), (theirs.norm2, norm2), (theirs.linear1, first), (theirs.linear2, second),
                 (theirs.self_attn.out_proj, mix.out)):
        a.load_state_dict(b.state_dict())
    theirs.self_attn.in_proj_weight.data.copy_(mix.qkv.weight)
    theirs.self_attn.in_proj_bias.data.copy_(mix.qkv.bias)
    x = torch.randn(2, 5, 12)
    assert torch.allclose(ours(x), theirs(x), atol=1e-5)


def test_patch_merging_is_that_of_monai():
    swin = pytest.importorskip('monai.networks.nets.swin_unetr')
    ours, theirs = spread(PatchMerging(3)), swin.PatchMergingV2(3, spatial_dims=2)
    norm, reduce = ours.layers
    order = torch.arange(12).reshape(2, 2, 3).transpose(0, 1).flatten()  # ours goes along x first, theirs along y
    with torch.no_grad():
        theirs.norm.weight.copy_(norm.weight[order])
        theirs.norm.bias.copy_(norm.bias[order])
        theirs.reduction.weight.copy_(reduce.weight[:, order])
    x = torch.randn(2, 5, 4, 3)
    assert ours(x).shape == (2, 3, 2, 6) and torch.allclose(ours(x), theirs(x), atol=1e-5)


def test_patch_expanding_lays_each_tokens_features_out_as_a_square():
    module = PatchExpanding(1, 1, factor=2)
    module.norm = nn.Identity()
    module.expand.weight.data = torch.tensor([[1.0], [2.0], [3.0], [4.0]])
    x = torch.tensor([1.0, 10.0]).reshape(1, 1, 2, 1)
    assert module(x, (2, 3))[0, :, :, 0].tolist() == [[1, 2, 10], [3, 4, 30]]


def test_drop_path_zeroes_or_scales_whole_samples_and_nothing_in_evaluation():
    module, x = DropPath(0.25), torch.rand(4000, 2, 3) + 1
    ratio = (module(x) / x).flatten(1)
    assert torch.allclose(ratio.amin(1), ratio.amax(1))
    kept = ratio[:, 0] > 0
    assert torch.allclose(ratio[kept], torch.tensor(4 / 3)) and abs(float(kept.float().mean()) - 0.75) < 0.03
    assert torch.equal(module.eval()(x), x)


def test_drop_path_grows_along_the_encoder_and_the_decoder_mirrors_it():
    network = SwinUNet(**SWIN, drop_path=0.5)

    def rates(stages):
        return [[round(block.attention[2].p, 3) for block in stage] for stage in stages]
    assert rates(network.encoder) == [[0.0, 0.1], [0.2, 0.3], [0.4, 0.5]]
    assert rates(network.decoder) == [[0.2, 0.3], [0.0, 0.1]]


def vision(grid):
    layout = make_layout(2, 1, (4, 6), kernels=3, strides=2, dropout=0.0, norm='batch', activation='relu', upsample='linear')
    return VisionTransformer(layout, 6, width=8, hidden=8, depth=1, heads=2, grid=grid, dropout=0.0)


def test_the_position_embedding_is_used_as_it_is_on_its_grid():
    module = spread(vision((3, 4)))
    module.blocks = nn.Identity()
    x = torch.randn(2, 6, 3, 4)
    assert torch.equal(module(x), module.embed(x) + module.position)


def test_on_another_grid_the_position_embedding_is_interpolated_in_place():
    module = vision((2, 2))
    module.blocks = module.embed = nn.Identity()
    module.position.data = torch.tensor([[0.0, 4.0], [8.0, 12.0]]).expand(1, 8, 2, 2).clone()
    position = module(torch.zeros(1, 8, 4, 4))[0, 0]
    assert position[0].tolist() == [0, 1, 3, 4] and position[:, 0].tolist() == [0, 2, 6, 8]


def test_tokens_come_back_to_their_voxel():
    module = spread(vision((3, 4)))
    with torch.no_grad():
        for block in module.blocks[:-1]:
            block.attention[1].out.weight.zero_()  # nothing is mixed
    x = torch.randn(1, 6, 3, 4)
    moved = x.clone()
    moved[..., 1, 2] += 1
    changed = (module(moved) - module(x)).abs().sum(1)[0] > 1e-6
    assert changed.nonzero().tolist() == [[1, 2]]


# whole networks

@pytest.mark.parametrize('make, settings, size', OWN)
@pytest.mark.parametrize('image', [(17, 23), (31, 64), (4, 5), (8, 8)])
def test_logits_have_the_size_of_the_image_for_odd_sizes_too(make, settings, size, image):
    logits = make(**settings).eval()(torch.randn(2, 1, *image))
    assert logits.shape == (2, 3, *image) and bool(logits.isfinite().all())


def test_swin_unet_takes_even_a_single_voxel():
    assert SwinUNet(**SWIN)(torch.randn(1, 1, 1, 1)).shape == (1, 3, 1, 1)


def test_swin_unet_sees_an_image_with_a_part_of_a_patch_as_one_whose_border_is_repeated():
    network, image = spread(SwinUNet(**SWIN)).eval(), torch.randn(1, 1, 11, 15)
    whole = torch.cat([image, image[:, :, -1:]], 2)
    whole = torch.cat([whole, whole[..., -1:]], 3)
    assert torch.allclose(network(image), network(whole)[..., :11, :15], atol=1e-4)


def test_every_second_block_shifts_its_windows_by_half():
    stages = [*SwinUNet(**{**SWIN, 'window': 5, 'depths': (3, 2, 2)}).encoder]
    assert [[block.attention[1].shift for block in stage] for stage in stages] == [[0, 2, 0], [0, 2], [0, 2]]


@pytest.mark.parametrize('cut', [0, 1])
def test_each_skip_connection_of_swin_unet_carries_the_image_past_the_deeper_levels(cut):
    network, image = SwinUNet(**SWIN).eval(), torch.randn(1, 1, 16, 16)

    def is_blind():
        return torch.allclose(network(image), network(torch.zeros_like(image)), atol=1e-4)
    with torch.no_grad():
        network.expandings[cut].norm.weight.zero_()  # nothing comes up from below
        network.fusions[1 - cut].weight[:, :network.fusions[1 - cut].out_features] = 0  # nor past this level through the other
        assert not is_blind()
        network.fusions[cut].weight[:, :network.fusions[cut].out_features] = 0
        assert is_blind()


def test_transunet_of_three_dimensions_differs_from_that_of_two_by_its_dims_alone():
    network = TransUNet(**TRANS, dims=3)
    assert network(torch.randn(2, 1, 8, 9, 12)).shape == (2, 3, 8, 9, 12)


def test_transunet_sees_all_of_the_image_and_a_u_net_does_not():
    """A voxel in one corner moves the logits in the other, further away than convolutions reach."""
    unet = NETWORKS.build(dict(type='UNet', in_channels=1, num_classes=3, channels=(4, 6, 8), norm='none'))
    for network, sees in ((TransUNet(**TRANS, norm='none').eval(), True), (unet.eval(), False)):
        image = torch.randn(1, 1, 96, 96, requires_grad=True)
        network(image)[0, :, 0, 0].sum().backward()
        assert bool((image.grad[0, 0, -4:, -4:] != 0).any()) == sees


# sizes counted by hand

def linear(before, after, bias=True):
    return before * after + after * bias


def block_size(width, hidden):
    """Two layer norms, queries, keys and values, the linear layer behind attention, the perceptron."""
    return 2 * 2 * width + linear(width, 3 * width) + linear(width, width) + linear(width, hidden) + linear(hidden, width)


def swin_unet_size(*, in_channels, num_classes, embed_dim, depths, heads, window, patch, ratio):
    widths = [embed_dim * 2 ** i for i in range(len(depths))]
    stage = [d * (block_size(w, ratio * w) + (2 * window - 1) ** 2 * h) for d, w, h in zip(depths, widths, heads)]
    embed = in_channels * patch ** 2 * embed_dim + embed_dim + 2 * embed_dim
    merging = sum(2 * 4 * w + linear(4 * w, 2 * w, bias=False) for w in widths[:-1])
    expanding = sum(linear(2 * w, 4 * w, bias=False) + 2 * w for w in widths[:-1])
    fusing = sum(linear(2 * w, w) for w in widths[:-1])
    head = linear(embed_dim, patch ** 2 * embed_dim, bias=False) + 2 * embed_dim + linear(embed_dim, num_classes)
    return embed + sum(stage) + sum(stage[:-1]) + merging + expanding + fusing + 2 * widths[-1] + 2 * embed_dim + head


def test_the_number_of_parameters_of_swin_unet_is_the_one_counted_by_hand():
    """The paper's network has 27.17 million."""
    paper = swin_unet_size(in_channels=3, num_classes=9, embed_dim=96, depths=(2, 2, 2, 2), heads=(3, 6, 12, 24), window=7,
                           patch=4, ratio=4)
    assert count(SwinUNet(3, 9)) == paper and round(paper / 1e6, 2) == 27.17
    other = dict(embed_dim=6, depths=(1, 3), heads=(2, 3), window=5, patch=2)
    assert count(SwinUNet(2, 4, **other, mlp_ratio=2)) == swin_unet_size(in_channels=2, num_classes=4, **other, ratio=2)


def test_transunet_has_the_parameters_of_a_u_net_and_of_a_transformer():
    """1×1 convolution 256 → 768, 14² positions, 12 blocks, a layer norm, 3×3 convolution 768 → 256 without bias, a norm."""
    transformer = linear(256, 768) + 14 * 14 * 768 + 12 * block_size(768, 3072) + 2 * 768 + 9 * 768 * 256 + 2 * 256
    assert count(TransUNet(1, 4)) - count(NETWORKS.build(dict(type='UNet', in_channels=1, num_classes=4))) == transformer


# MONAI's

def test_monai_s_networks_are_theirs_under_our_names():
    nets = pytest.importorskip('monai.networks.nets')
    theirs = nets.UNETR(1, 3, (32, 48), feature_size=2, hidden_size=12, mlp_dim=16, num_heads=3, spatial_dims=2).eval()
    swin = nets.SwinUNETR(1, 3, feature_size=12, num_heads=(1, 2, 3, 4), window_size=4, spatial_dims=2).eval()
    image = torch.randn(1, 1, 32, 64)
    for ours, other, x in ((UNETR(**UNETR_2D), theirs, image[..., :48]), (SwinUNETR(**SWIN_UNETR_2D), swin, image)):
        ours.network.load_state_dict(other.state_dict())
        assert torch.equal(ours.eval()(x), other(x))


def test_monai_s_networks_take_volumes():
    assert UNETR(1, 2, 16, channels=2, width=6, hidden=8, heads=2)(torch.randn(1, 1, 16, 16, 16)).shape == (1, 2, 16, 16, 16)
    small = dict(embed_dim=12, depths=(1, 1, 1, 1), heads=(1, 1, 1, 1), window=2)
    assert SwinUNETR(1, 2, **small)(torch.randn(1, 1, 32, 64, 32)).shape == (1, 2, 32, 64, 32)


@pytest.mark.parametrize('missing', ['monai.networks.nets', 'einops'])
@pytest.mark.parametrize('make, settings', [c[:2] for c in CASES[2:]])
def test_without_monai_the_answer_is_how_to_install_it(make, settings, missing, monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, missing, None)
    with pytest.raises(UserError, match=r'pip install "scarceseg\[monai\]"'):
        make(**settings)


# what does not fit

@pytest.mark.parametrize('make, settings, image, parts', [
    (SwinUNet, SWIN, (1, 1, 8, 16, 16), ['SwinUNet takes 2D images', 'window=(1, None, None)']),
    (SwinUNet, SWIN, (1, 2, 16, 16), ['in_channels=1', '2 channels']),
    (TransUNet, TRANS, (1, 1, 3, 16), ['at least 4×4 voxels', 'pad']),
    (TransUNet, TRANS, (1, 3, 16, 16), ['in_channels=1', '3 channels']),
    (UNETR, UNETR_2D, (1, 1, 32, 32), ['(32, 48)', 'got (32, 32)', 'window=(1, 32, 48)']),
    (UNETR, UNETR_2D, (1, 1, 4, 32, 48), ['UNETR takes 2D images']),
    (SwinUNETR, SWIN_UNETR_2D, (1, 1, 33, 64), ['(33, 64)', 'pad to (64, 64)']),
    (SwinUNETR, SWIN_UNETR_2D, (2, 1, 32, 32), ['one voxel', 'larger images']),
    (SwinUNETR, SWIN_UNETR_2D, (1, 2, 32, 64), ['in_channels=1', '2 channels'])])
def test_an_image_that_does_not_fit_is_answered_with_the_remedy(make, settings, image, parts):
    with pytest.raises(UserError) as caught:
        make(**settings)(torch.zeros(image))
    assert all(part in str(caught.value) for part in parts)


def test_batch_norm_trains_swin_unetr_on_two_images_of_one_voxel_at_the_last_level():
    network = SwinUNETR(**SWIN_UNETR_2D, norm='batch')
    assert network(torch.randn(2, 1, 32, 32)).shape == (2, 3, 32, 32)
    with pytest.raises(UserError, match='one voxel'):
        network(torch.randn(1, 1, 32, 32))


@pytest.mark.parametrize('make, settings, change, part', [
    (SwinUNet, SWIN, dict(heads=(1, 2)), 'as many'), (SwinUNet, SWIN, dict(heads=(3, 2, 4)), 'choose a divisor of 8'),
    (SwinUNet, SWIN, dict(depths=(2, 0, 2)), 'depths='), (SwinUNet, SWIN, dict(window=0), 'window=0'),
    (SwinUNet, SWIN, dict(patch=2.5), 'patch=2.5'), (TransUNet, TRANS, dict(heads=5), 'choose a divisor of 12'),
    (TransUNet, TRANS, dict(grid=(4, 4, 4)), 'or 2, one per axis'), (TransUNet, TRANS, dict(norm='bach'), "did you mean 'batch'"),
    (UNETR, UNETR_2D, dict(img_size=40), 'multiple of 16'), (UNETR, UNETR_2D, dict(img_size=(32, 32, 32)), '2 of them'),
    (UNETR, UNETR_2D, dict(heads=5), 'choose a divisor of 12'), (UNETR, UNETR_2D, dict(norm='group'), 'known: instance, batch'),
    (SwinUNETR, SWIN_UNETR_2D, dict(heads=(5, 1, 1, 1)), 'must divide'), (SwinUNETR, SWIN_UNETR_2D, dict(dims=4), '2 or 3'),
    (SwinUNETR, SWIN_UNETR_2D, dict(embed_dim=16), 'multiple of 12')])
def test_a_setting_that_does_not_fit_is_named(make, settings, change, part):
    with pytest.raises(UserError, match=part):
        make(**{**settings, **change})

"""UNETR and Swin UNETR as MONAI builds them, under the settings and checks of the networks here."""
from __future__ import annotations

import importlib
from math import prod

from torch import nn

from scarceseg.registry import NETWORKS, UserError

from .layers import choose
from .layout import check_dimensions


@NETWORKS.register_module()
class UNETR(nn.Module):
    """UNETR [Hatamizadeh 2022]: a transformer over patches of 16 voxels as the encoder, convolutions as the decoder.

    (N, in_channels, *img_size) to logits (N, num_classes, *img_size). ``network`` is MONAI's; it needs the extra
    ``pip install "scarceseg[monai]"``. Its layers have no bias in queries, keys and values.

    Args:
        in_channels: channels of the image.
        num_classes: classes, background included.
        img_size: voxels of every image, multiples of 16: a number or one per axis. Larger images are predicted window by window.
        dims: 2 for images (N, C, y, x), 3 for (N, C, z, y, x).
        channels: feature maps of the decoder's finest level.
        width: features of a token.
        hidden: features between the two linear layers of each of the 12 transformer blocks.
        heads: attention heads; they divide ``width``.
        norm: 'instance' or 'batch'.
        dropout: rate in the transformer.

    Raises:
        UserError: settings or an image that do not fit, or no MONAI.
    """

    def __init__(self, in_channels, num_classes, img_size, dims=3, channels=16, width=768, hidden=3072, heads=12, norm='instance',
                 dropout=0.0):
        super().__init__()
        self.in_channels, self.num_classes, self.dims = in_channels, num_classes, _check(dims, norm)
        self.img_size = (img_size,) * dims if isinstance(img_size, int) else tuple(img_size)
        if len(self.img_size) != dims or any(not isinstance(n, int) or n < 16 or n % 16 for n in self.img_size):
            raise UserError(f'UNETR: img_size={img_size!r} must be a multiple of 16, or {dims} of them, one per axis of space')
        if width % heads:
            raise UserError(f'UNETR: heads={heads} do not divide width={width}; choose a divisor of {width}')
        self.network = _monai('UNETR')(
            in_channels, num_classes, self.img_size, feature_size=channels, hidden_size=width, mlp_dim=hidden, num_heads=heads,
            norm_name=norm, dropout_rate=dropout, spatial_dims=dims)
        for name, parameter in self.network.named_parameters():
            parameter.requires_grad_('cross_attn' not in name)  # MONAI's blocks have these and leave them unused here

    def forward(self, image):
        check_dimensions('UNETR', image, self.dims, self.in_channels)
        if tuple(image.shape[2:]) != self.img_size:
            window = self.img_size if self.dims == 3 else (1, *self.img_size)
            raise UserError(f'UNETR was built for images of img_size={self.img_size}, but got {tuple(image.shape[2:])}; train on '
                            f'crops of {self.img_size} and predict with the inferer dict(type="sliding_window", window={window})')
        return self.network(image)


@NETWORKS.register_module()
class SwinUNETR(nn.Module):
    """Swin UNETR [Hatamizadeh 2021]: Swin transformer blocks [Liu 2021] as the encoder, convolutions as the decoder.

    (N, in_channels, *space) to logits (N, num_classes, *space), for sizes that are multiples of 32. Others are not padded in
    here, because the padding would count in the mean and deviation of the norms. ``network`` is MONAI's; it needs the extra
    ``pip install "scarceseg[monai]"``.

    Args:
        in_channels: channels of the image.
        num_classes: classes, background included.
        dims: 2 for images (N, C, y, x), 3 for (N, C, z, y, x).
        embed_dim: features of a token at the finest of the four levels, a multiple of 12.
        depths: transformer blocks of each level.
        heads: attention heads of each level; they divide its features, ``embed_dim``·2^level.
        window: tokens along each axis that see each other.
        norm: 'instance' or 'batch'.
        dropout: rate behind the attention and the linear layers.
        drop_path: rate at which the last block is skipped in training, falling to 0 at the first.

    Raises:
        UserError: settings or an image that do not fit, or no MONAI.
    """

    def __init__(self, in_channels, num_classes, dims=3, embed_dim=48, depths=(2, 2, 2, 2), heads=(3, 6, 12, 24), window=7,
                 norm='instance', dropout=0.0, drop_path=0.0):
        super().__init__()
        self.in_channels, self.num_classes, self.dims, self.norm = in_channels, num_classes, _check(dims, norm), norm
        if len(depths) != 4 or len(heads) != 4 or embed_dim % 12 or any(embed_dim * 2 ** i % n for i, n in enumerate(heads)):
            raise UserError(f'SwinUNETR: depths={tuple(depths)} and heads={tuple(heads)} must have four entries, embed_dim='
                            f'{embed_dim} must be a multiple of 12, and each number of heads must divide embed_dim·2^level')
        self.network = _monai('SwinUNETR')(
            in_channels, num_classes, feature_size=embed_dim, depths=tuple(depths), num_heads=tuple(heads), window_size=window,
            norm_name=norm, drop_rate=dropout, dropout_path_rate=drop_path, spatial_dims=dims)

    def forward(self, image):
        check_dimensions('SwinUNETR', image, self.dims, self.in_channels)
        space = tuple(image.shape[2:])
        whole = tuple(-(-n // 32) * 32 for n in space)
        if space != whole:
            raise UserError(f'SwinUNETR takes sizes that are multiples of 32, but the image is {space}; pad to {whole}, or predict '
                            'with the inferer dict(type="sliding_window", window=(…)) and such a window')
        alone = prod(space) == 32 ** self.dims and (self.norm == 'instance' or (self.training and len(image) == 1))
        if alone:  # an instance norm needs more than that in evaluation too
            raise UserError(f'SwinUNETR with norm={self.norm!r} cannot normalise an image of {space}, which its last level sees as '
                            'one voxel; use larger images')
        return self.network(image)


def _check(dims, norm):
    """``dims``, where it and ``norm`` are known."""
    choose(('instance', 'batch'), norm, 'norm')
    if dims not in (2, 3):
        raise UserError(f'dims={dims!r} must be 2 or 3, the axes of space')
    return dims


def _monai(name):
    """The class called ``name`` among MONAI's networks, imported only now.

    Raises:
        UserError: MONAI, or einops, which these networks need, is not installed.
    """
    try:
        importlib.import_module('einops')
        return getattr(importlib.import_module('monai.networks.nets'), name)
    except ImportError as error:
        raise UserError(f'{name} is built by MONAI, but {error}; pip install "scarceseg[monai]"') from error

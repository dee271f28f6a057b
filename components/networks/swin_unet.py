"""Swin-Unet [Cao 2021]: a U-shaped network without convolutions but the first."""
from __future__ import annotations

import torch
from torch import nn

from scarceseg.registry import NETWORKS, UserError

from .layers import fit
from .layout import check_dimensions
from .swin import PatchExpanding, PatchMerging, swin_stage
from .transformer import initialise


@NETWORKS.register_module()
class SwinUNet(nn.Module):
    """Swin-Unet [Cao 2021] of Swin transformer blocks [Liu 2021].

    (N, in_channels, y, x) to logits (N, num_classes, y, x), of any size: what does not fill a patch repeats the border, what
    does not fill a window is hidden from it. The weights start at random; the paper's are those of ImageNet.

    Args:
        in_channels: channels of the image.
        num_classes: classes, background included.
        embed_dim: features of a token at the finest level; each level has twice those of the one before.
        depths: blocks of each level, the finest first, in the encoder and again in the decoder.
        heads: attention heads of each level; they divide its features.
        window: tokens along each axis that see each other.
        patch: voxels along each axis that are one token of the finest level.
        mlp_ratio: features between a block's two linear layers, as a multiple of the level's.
        dropout: rate behind the patch embedding, the attention and the linear layers.
        drop_path: rate at which the last block of the encoder is skipped, falling to 0 at the first; the decoder mirrors it.

    Raises:
        UserError: settings or an image that do not fit.
    """

    def __init__(self, in_channels, num_classes, embed_dim=96, depths=(2, 2, 2, 2), heads=(3, 6, 12, 24), window=7, patch=4,
                 mlp_ratio=4, dropout=0.0, drop_path=0.2):
        super().__init__()
        _check(depths, heads, embed_dim=embed_dim, window=window, patch=patch)
        self.in_channels, self.num_classes, self.patch = in_channels, num_classes, patch
        widths = [embed_dim * 2 ** level for level in range(len(depths))]
        rates = iter(torch.linspace(0, drop_path, sum(depths)).tolist())
        rates = [[next(rates) for _ in range(depth)] for depth in depths]

        def stages(levels):
            return nn.ModuleList(swin_stage(widths[i], heads[i], window=window, hidden=int(mlp_ratio * widths[i]), dropout=dropout,
                                            drop_path=rates[i]) for i in levels)
        finer = range(len(depths) - 1)[::-1]
        self.embed = nn.Conv2d(in_channels, embed_dim, patch, stride=patch)
        self.embed_norm = nn.Sequential(nn.LayerNorm(embed_dim), nn.Dropout(dropout))
        self.encoder = stages(range(len(depths)))
        self.mergings = nn.ModuleList(PatchMerging(width) for width in widths[:-1])
        self.norm = nn.LayerNorm(widths[-1])
        self.expandings = nn.ModuleList(PatchExpanding(widths[i + 1], widths[i]) for i in finer)
        self.fusions = nn.ModuleList(nn.Linear(2 * widths[i], widths[i]) for i in finer)
        self.decoder = stages(finer)
        self.decoder_norm = nn.LayerNorm(embed_dim)
        self.last = PatchExpanding(embed_dim, embed_dim, factor=patch)
        self.head = nn.Linear(embed_dim, num_classes)
        initialise(self)

    def forward(self, image):
        check_dimensions(type(self).__name__, image, 2, self.in_channels)
        space = image.shape[2:]
        image = fit(image, [-(-n // self.patch) * self.patch for n in space])
        x = self.encoder[0](self.embed_norm(self.embed(image).movedim(1, -1)))
        skips = []
        for merge, stage in zip(self.mergings, self.encoder[1:]):
            skips.append(x)
            x = stage(merge(x))
        x = self.norm(x)
        for expand, fuse, stage in zip(self.expandings, self.fusions, self.decoder):
            skip = skips.pop()
            x = stage(fuse(torch.cat([skip, expand(x, skip.shape[1:3])], -1)))
        return self.head(self.last(self.decoder_norm(x), space)).movedim(-1, 1)


def _check(depths, heads, **sizes):
    """Raise UserError where settings of a ``SwinUNet`` do not fit together."""
    for name, value in sizes.items():
        if not isinstance(value, int) or value < 1:
            raise UserError(f'SwinUNet: {name}={value!r} must be a whole number above 0')
    if len(depths) != len(heads) or len(depths) < 2 or any(not isinstance(n, int) or n < 1 for n in (*depths, *heads)):
        raise UserError(f'SwinUNet: depths={tuple(depths)} and heads={tuple(heads)} must be as many whole numbers above 0 as there '
                        'are levels, two or more')

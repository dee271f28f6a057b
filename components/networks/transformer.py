"""The transformer block that ``SwinUNet`` and ``TransUNet`` share, and the transformer over the voxels of a feature map.

Attention is written here because the fast path of torch's own layer passes over dropout modules that were switched on one by
one, as Monte-Carlo dropout does.
"""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from scarceseg.registry import UserError

from .layers import make_conv, resize


class SelfAttention(nn.Module):
    """Multi-head self-attention [Vaswani 2017]: (N, *windows, tokens, width) to the same shape, within each window.

    ``bias`` (*windows, heads, tokens, tokens), where there is one, is added to the scaled scores; -inf hides a key from a query.
    """

    def __init__(self, width, heads, *, dropout=0.0):
        super().__init__()
        if width % heads:
            raise UserError(f'heads={heads} do not divide the {width} features of a token; choose a divisor of {width}')
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, bias=None):
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).movedim(-3, 0).transpose(-3, -2)
        if bias is not None:
            bias = bias.expand(*q.shape[1:-1], q.shape[-2]).flatten(0, -3).to(q.dtype)
        # windows among the heads: the fast kernels take four axes, and one bias serves the whole batch
        seen = F.scaled_dot_product_attention(*(t.flatten(1, -3) for t in (q, k, v)), attn_mask=bias)
        return self.dropout(self.out(seen.reshape(q.shape).transpose(-3, -2).flatten(-2)))


class DropPath(nn.Dropout):
    """Stochastic depth [Huang 2016]: in training each sample's whole branch (N, ...) is zeroed at a rate, or scaled up.

    It is a ``Dropout``, so that what switches dropout on in evaluation does so here.
    """

    def forward(self, x):
        return x * super().forward(x.new_ones(len(x), *[1] * (x.ndim - 1)))


class TransformerBlock(nn.Module):
    """Attention and a two-layer perceptron, each behind a layer norm and added to its input: (N, ..., width) to the same shape.

    Args:
        attention: the module that mixes tokens.
        hidden: features between the two layers of the perceptron.
        drop_path: rate at which a sample skips attention, and again the perceptron.
    """

    def __init__(self, width, attention, *, hidden, dropout=0.0, drop_path=0.0):
        super().__init__()
        self.attention = nn.Sequential(nn.LayerNorm(width), attention, DropPath(drop_path))
        self.perceptron = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, hidden), nn.GELU(), nn.Dropout(dropout),
                                        nn.Linear(hidden, width), nn.Dropout(dropout), DropPath(drop_path))

    def forward(self, x):
        x = x + self.attention(x)
        return x + self.perceptron(x)


class VisionTransformer(nn.Module):
    """Attention of all voxels of a feature map to all others [Dosovitskiy 2021].

    (N, in_channels, *space) to (N, width, *space). A voxel is a token; its learned position embedding belongs to a map of the
    size ``grid`` and is interpolated for maps of another size.
    """

    def __init__(self, layout, in_channels, *, width, hidden, depth, heads, grid, dropout):
        super().__init__()
        grid = (grid,) * layout.dims if isinstance(grid, int) else tuple(grid)
        if len(grid) != layout.dims or any(not isinstance(n, int) or n < 1 for n in grid):
            raise UserError(f'grid={grid} must be a whole number, or {layout.dims}, one per axis of space: the size of the last '
                            "level's feature map")
        self.embed = make_conv(layout, in_channels, width)
        self.position = nn.Parameter(torch.zeros(1, width, *grid))
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.Sequential(*(TransformerBlock(width, SelfAttention(width, heads, dropout=dropout), hidden=hidden,
                                                       dropout=dropout) for _ in range(depth)), nn.LayerNorm(width))
        nn.init.trunc_normal_(self.position, std=0.02)
        initialise(self)

    def forward(self, x):
        x = self.embed(x)
        x = self.dropout(x + resize(self.position, x.shape[2:]))
        return self.blocks(x.flatten(2).transpose(1, 2)).transpose(1, 2).reshape(x.shape)


def initialise(network):
    """Set the weights of every linear layer to truncated normal numbers of deviation 0.02, and their biases to zero."""
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            nn.init.trunc_normal_(layer.weight, std=0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

"""Attention in windows of a token grid, and how the grid becomes coarser and finer [Liu 2021] [Cao 2021].

Tokens lie as (N, y, x, width).
"""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from .transformer import SelfAttention, TransformerBlock


def partition(x, window):
    """Cut (N, y, x, width) into windows (N, windows, window², width), both row by row; ``window`` divides y and x."""
    n, height, length, width = x.shape
    x = x.reshape(n, height // window, window, length // window, window, width)
    return x.transpose(2, 3).reshape(n, -1, window ** 2, width)


def join(windows, size):
    """The grid (N, *size, width) of which ``partition`` made these windows."""
    n, _, tokens, width = windows.shape
    window = round(tokens ** 0.5)
    x = windows.reshape(n, size[0] // window, size[1] // window, window, window, width)
    return x.transpose(2, 3).reshape(n, *size, width)


def regions(grid, size, shift, *, device=None):
    """A number for each token of a rolled grid, equal where two tokens of a window may see each other.

    Args:
        grid: (y, x) tokens there are.
        size: (y, x) after padding behind the last token.
        shift: (y, x) by which the padded grid was then rolled towards its start.

    Returns:
        (*size) int64. What the roll brought to the other border, and what is padding, has numbers of its own along each axis.
    """
    axes = []
    for count, length, step in zip(grid, size, shift):
        place = torch.arange(length, device=device)
        origin = (place + step) % length
        axes.append(torch.where(origin < count, (origin < place).long(), 2))
    return 3 * axes[0][:, None] + axes[1]


class WindowAttention(nn.Module):
    """Self-attention within windows, with a learned bias per relative position [Liu 2021]: (N, y, x, width) to the same.

    Any grid fits: it is padded to whole windows, and no token sees padding or, in shifted windows, the other border.

    Args:
        window: tokens of a window along each axis.
        shift: by how many tokens the windows are moved, less than ``window``; none along an axis that fits one window.
    """

    def __init__(self, width, heads, *, window, shift, dropout=0.0):
        super().__init__()
        self.window, self.shift = window, shift
        self.attention = SelfAttention(width, heads, dropout=dropout)
        self.table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        nn.init.trunc_normal_(self.table, std=0.02)
        y, x = torch.arange(window ** 2) // window, torch.arange(window ** 2) % window
        apart = [axis[:, None] - axis + window - 1 for axis in (y, x)]
        self.register_buffer('index', (2 * window - 1) * apart[0] + apart[1], persistent=False)

    def forward(self, x):
        grid = x.shape[1:3]
        size = [-(-n // self.window) * self.window for n in grid]
        shift = [self.shift if n > self.window else 0 for n in grid]
        x = F.pad(x, (0, 0, 0, size[1] - grid[1], 0, size[0] - grid[0])).roll([-s for s in shift], (1, 2))
        x = self.attention(partition(x, self.window), self.bias(regions(grid, size, shift, device=x.device)))
        return join(x, size).roll(shift, (1, 2))[:, :grid[0], :grid[1]]

    def bias(self, numbers):
        """What is added to the scores (windows, heads, tokens, tokens): the relative position's bias, or -inf."""
        numbers = partition(numbers[None, ..., None], self.window)[0]
        apart = numbers != numbers.transpose(1, 2)
        return self.table[self.index].permute(2, 0, 1).masked_fill(apart[:, None], float('-inf'))


class PatchMerging(nn.Module):
    """A grid half as fine and twice as wide [Liu 2021]: (N, y, x, width) to (N, ⌈y/2⌉, ⌈x/2⌉, 2·width); odd sizes get a zero."""

    def __init__(self, width):
        super().__init__()
        self.layers = nn.Sequential(nn.LayerNorm(4 * width), nn.Linear(4 * width, 2 * width, bias=False))

    def forward(self, x):
        x = F.pad(x, (0, 0, 0, x.shape[2] % 2, 0, x.shape[1] % 2))
        size = (x.shape[1] // 2, x.shape[2] // 2)
        return self.layers(partition(x, 2).flatten(2)).unflatten(1, size)


class PatchExpanding(nn.Module):
    """A grid ``factor`` times as fine [Cao 2021]: (N, y, x, width) and the finer ``size`` to (N, *size, out)."""

    def __init__(self, width, out, *, factor=2):
        super().__init__()
        self.factor = factor
        self.expand = nn.Linear(width, factor ** 2 * out, bias=False)
        self.norm = nn.LayerNorm(out)

    def forward(self, x, size):
        whole = [n * self.factor for n in x.shape[1:3]]
        x = join(self.expand(x).flatten(1, 2).unflatten(-1, (self.factor ** 2, -1)), whole)
        return self.norm(x[:, :size[0], :size[1]])


def swin_stage(width, heads, *, window, hidden, dropout, drop_path):
    """One ``TransformerBlock`` for each rate of ``drop_path``, with windows shifted by half in every second."""
    return nn.Sequential(*(
        TransformerBlock(width, WindowAttention(width, heads, window=window, shift=i % 2 * (window // 2), dropout=dropout),
                         hidden=hidden, dropout=dropout, drop_path=rate) for i, rate in enumerate(drop_path)))

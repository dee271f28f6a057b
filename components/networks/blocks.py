"""The blocks of which every U-Net here is made, for 2D and 3D alike."""
from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from scarceseg.registry import UserError
from scarceseg.registry.binding import nearest

CONV = {2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSED = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
DROPOUT = {2: nn.Dropout2d, 3: nn.Dropout3d}
POOL = {2: F.max_pool2d, 3: F.max_pool3d}
NORMS = {
    'batch': lambda dims, channels: {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}[dims](channels),
    'instance': lambda dims, channels: {2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d}[dims](channels, affine=True),
    'group': lambda dims, channels: nn.GroupNorm(min(8, channels), channels),
    'layer': lambda dims, channels: nn.GroupNorm(1, channels),
    'none': lambda dims, channels: nn.Identity(),
}
ACTIVATIONS = {'relu': nn.ReLU, 'leaky_relu': nn.LeakyReLU, 'gelu': nn.GELU, 'silu': nn.SiLU}
UPSAMPLERS = ('transposed', 'linear', 'nearest')


def choose(table, name, setting):
    """``table[name]``, or a UserError that lists the table and the nearest name."""
    if name not in table:
        raise UserError(f'{setting}={name!r} is unknown{nearest(str(name), list(table))}; known: {", ".join(table)}')
    return table[name] if isinstance(table, dict) else name


def check_levels(channels, dropout):
    """One dropout rate per level; a single number stands for all levels.

    Raises:
        UserError: fewer than two levels, or another number of dropout rates than of channels.
    """
    if len(channels) < 2:
        raise UserError(f'channels={tuple(channels)} gives {len(channels)} level; a U-Net needs two or more')
    dropout = [dropout] * len(channels) if isinstance(dropout, (int, float)) else list(dropout)
    if len(dropout) != len(channels):
        raise UserError(f'dropout={tuple(dropout)} has {len(dropout)} rates for the {len(channels)} levels of '
                        f'channels={tuple(channels)}; give one rate per level, or one number')
    return dropout


def check_input(network, image, *, in_channels, levels):
    """Raise UserError, with the remedy, where an image cannot go through a U-Net of ``network.dims`` dimensions."""
    name, dims = type(network).__name__, network.dims
    if image.ndim != dims + 2:
        remedy = ('train on slices, and predict volumes slice by slice with the inferer dict(type="sliding_window", '
                  'window=(1, None, None))' if dims == 2 else 'a 2D network takes slices')
        raise UserError(f'{name} takes {dims}D images (N, C, {", ".join("zyx"[-dims:])}), but got shape '
                        f'{tuple(image.shape)}; {remedy}')
    if image.shape[1] != in_channels:
        raise UserError(f'{name} was built with in_channels={in_channels}, but the image has {image.shape[1]} channels '
                        f'(shape {tuple(image.shape)}); set in_channels in the config')
    least = 2 ** (levels - 1)
    if min(image.shape[2:]) < least:
        raise UserError(f'{name} with {levels} levels needs at least {least} voxels along each axis, but the image is '
                        f'{tuple(image.shape[2:])}; pad it, or use fewer levels')


def initialise(module):
    """Normal weights of the variance that keeps leaky rectified signals alive [He 2015], for 3-convolutions; zero biases."""
    if isinstance(module, tuple(CONV.values())) and module.kernel_size[0] > 1:
        nn.init.kaiming_normal_(module.weight, a=0.01)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class ConvBlock(nn.Sequential):
    """Twice convolution 3, norm, activation, with dropout between: (N, in, *space) to (N, out, *space)."""

    def __init__(self, dims, in_channels, out_channels, *, dropout, norm, activation):
        make_norm, make_activation = choose(NORMS, norm, 'norm'), choose(ACTIVATIONS, activation, 'activation')
        bias = norm != 'batch'  # batch norm subtracts it again

        def unit(channels):
            return [CONV[dims](channels, out_channels, 3, padding=1, bias=bias), make_norm(dims, out_channels), make_activation()]

        between = [nn.Dropout(dropout)] if dropout else []
        super().__init__(*unit(in_channels), *between, *unit(out_channels))
        self.apply(initialise)


class Upsample(nn.Module):
    """Double each axis and take ``in`` channels to ``out``: a transposed convolution, or interpolation and a 1-convolution."""

    def __init__(self, dims, in_channels, out_channels, *, mode):
        super().__init__()
        choose(UPSAMPLERS, mode, 'upsample')
        self.transposed = mode == 'transposed'
        self.layer = (TRANSPOSED[dims](in_channels, out_channels, 2, stride=2) if self.transposed
                      else CONV[dims](in_channels, out_channels, 1))
        smooth = {2: 'bilinear', 3: 'trilinear'}[dims]
        self.resize = (partial(F.interpolate, mode='nearest') if mode == 'nearest'
                       else partial(F.interpolate, mode=smooth, align_corners=False))

    def forward(self, x, size):
        """(N, in, *space) to (N, out, *size), where ``size`` is twice ``space``, or one voxel more for an odd axis."""
        if not self.transposed:
            return self.resize(self.layer(x), size=size)
        x = self.layer(x)
        missing = [s - n for s, n in zip(size, x.shape[2:])]
        return F.pad(x, [p for m in reversed(missing) for p in (0, m)], mode='replicate') if any(missing) else x


class Encoder(nn.Module):
    """Image (N, in_channels, *space) to one feature map per level, each half the size of the one before."""

    def __init__(self, dims, in_channels, channels, *, dropout, norm, activation):
        super().__init__()
        self.pool = partial(POOL[dims], kernel_size=2)
        self.levels = nn.ModuleList(
            ConvBlock(dims, before, after, dropout=rate, norm=norm, activation=activation)
            for before, after, rate in zip((in_channels, *channels), channels, dropout))

    def forward(self, x):
        features = []
        for level, block in enumerate(self.levels):
            x = block(self.pool(x) if level else x)
            features.append(x)
        return features


class Decoder(nn.Module):
    """Feature maps of an ``Encoder`` to logits (N, num_classes, *space)."""

    def __init__(self, dims, channels, num_classes, *, dropout, norm, activation, upsample):
        super().__init__()
        pairs = list(zip(channels, channels[1:], dropout))[::-1]
        self.ups = nn.ModuleList(Upsample(dims, below, here, mode=upsample) for here, below, _ in pairs)
        self.blocks = nn.ModuleList(ConvBlock(dims, 2 * here, here, dropout=rate, norm=norm, activation=activation)
                                    for here, _, rate in pairs)
        self.head = CONV[dims](channels[0], num_classes, 1)

    def forward(self, features):
        *skips, x = features
        for up, block, skip in zip(self.ups, self.blocks, reversed(skips)):
            x = block(torch.cat([skip, up(x, skip.shape[2:])], 1))
        return self.head(x)

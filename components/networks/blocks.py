"""The parts of which every U-shaped network here is made, for 2D and 3D alike."""
from __future__ import annotations

import torch
from torch import nn

from .layers import MAX_POOL, TRANSPOSED, conv_unit, fit, make_conv, resize


class ConvBlock(nn.Sequential):
    """Twice convolution, norm, activation, with dropout between: (N, in, *space) to (N, out, *space)."""

    def __init__(self, layout, level, in_channels, out_channels):
        kernel, rate = layout.kernels[level], layout.dropout[level]
        between = [nn.Dropout(rate)] if rate else []
        super().__init__(*conv_unit(layout, in_channels, out_channels, kernel), *between,
                         *conv_unit(layout, out_channels, out_channels, kernel))


class Upsample(nn.Module):
    """From a level to the next finer one: a transposed convolution, or a 1-convolution and interpolation.

    (N, channels of level + 1, *space) and the finer ``size`` to (N, channels of level, or ``width`` of them, *size).
    """

    def __init__(self, layout, level, *, mode=None, width=None):
        super().__init__()
        self.mode, below, here = mode or layout.upsample, layout.channels[level + 1], width or layout.channels[level]
        stride = layout.strides[level + 1]
        self.layer = (TRANSPOSED[layout.dims](below, here, stride, stride=stride) if self.mode == 'transposed'
                      else make_conv(layout, below, here))

    def forward(self, x, size):
        x = self.layer(x)
        return fit(x, size) if self.mode == 'transposed' else resize(x, size, mode=self.mode)


class Encoder(nn.Module):
    """Image (N, in_channels, *space) to one feature map per level, each coarser than the one before by max-pooling.

    Args:
        block: ``block(layout, level, in_channels, out_channels)``, a level's module.
        pool: leave the coarsening to the blocks where False.
    """

    def __init__(self, layout, *, block=ConvBlock, pool=True):
        super().__init__()
        before = (layout.in_channels, *layout.channels)
        self.levels = nn.ModuleList(block(layout, level, before[level], after) for level, after in enumerate(layout.channels))
        self.pools = nn.ModuleList(MAX_POOL[layout.dims](stride) if pool and max(stride) > 1 else nn.Identity()
                                   for stride in layout.strides)

    def forward(self, x):
        features = []
        for pool, block in zip(self.pools, self.levels):
            x = block(pool(x))
            features.append(x)
        return features


class Decoder(nn.Module):
    """Feature maps of an ``Encoder`` to logits (N, num_classes, *space).

    Args:
        block: ``block(layout, level, in_channels, out_channels)``, a level's module.
        gate: ``gate(layout, level)``, a module of ``(skip, upsampled)`` that gives what the level gets of its skip connection;
            None passes it as it is.
        upsample: how to get from a level to the finer one, where it is not the layout's.
        widths: for each level, how many channels its block gets of its skip connection and as many from below; None is the
            layout's channels. The ``gate`` must give so many.
        scales: how many levels have an output, the finest first. With several, training gives a tuple of logits, each of its
            level's size; evaluation gives the finest alone.
    """

    def __init__(self, layout, num_classes, *, block=ConvBlock, gate=None, upsample=None, widths=None, scales=1):
        super().__init__()
        self.steps, widths = range(layout.levels - 1)[::-1], widths or layout.channels
        self.ups = nn.ModuleList(Upsample(layout, level, mode=upsample, width=widths[level]) for level in self.steps)
        self.gates = nn.ModuleList(gate(layout, level) for level in self.steps) if gate else None
        self.blocks = nn.ModuleList(block(layout, level, 2 * widths[level], layout.channels[level]) for level in self.steps)
        self.heads = nn.ModuleList(make_conv(layout, width, num_classes) for width in layout.channels[:scales])

    def forward(self, features):
        outputs = self.outputs(features, len(self.heads) if self.training else 1)
        return outputs[0] if len(outputs) == 1 else outputs

    def outputs(self, features, scales):
        """Logits of each of the ``scales`` finest levels, the finest first, while training or not."""
        *skips, x = features
        outputs = []
        for i, level in enumerate(self.steps):
            up = self.ups[i](x, skips[level].shape[2:])
            skip = self.gates[i](skips[level], up) if self.gates else skips[level]
            x = self.blocks[i](torch.cat([skip, up], 1))
            if level < scales:
                outputs.append(self.heads[level](x))
        return tuple(outputs[::-1])

"""Residual blocks, which coarsen by a stride."""
from torch import nn

from .layers import AVG_POOL, conv_unit, make_activation, make_conv, make_norm


class ResidualBlock(nn.Module):
    """Two convolutions whose result is added to the input [He 2016]: (N, in, *space) to (N, out, *space / stride), rounded up.

    Where the block has the stride of its level the input is averaged to the same size, and where the channels change it goes
    through a 1-convolution and norm [He 2019].
    """

    def __init__(self, layout, level, in_channels, out_channels, *, strided=False):
        super().__init__()
        kernel, rate, stride = layout.kernels[level], layout.dropout[level], layout.strides[level] if strided else 1
        between = [nn.Dropout(rate)] if rate else []
        self.residual = nn.Sequential(*conv_unit(layout, in_channels, out_channels, kernel, stride=stride), *between,
                                      *conv_unit(layout, out_channels, out_channels, kernel, activate=False))
        coarsen = [AVG_POOL[layout.dims](stride, ceil_mode=True)] if strided and max(stride) > 1 else []
        widen = [make_conv(layout, in_channels, out_channels, bias=False), make_norm(layout, out_channels)]
        self.shortcut = nn.Sequential(*coarsen, *(widen if in_channels != out_channels else []))
        self.activation = make_activation(layout)

    def forward(self, x):
        return self.activation(self.residual(x) + self.shortcut(x))


class ResidualStage(nn.Sequential):
    """A level of ``count`` residual blocks, the first of which has the level's stride; the finest begins with a convolution.

    (N, in, *space) to (N, out, *space / stride), rounded up; for an ``Encoder`` with ``pool=False``.
    """

    def __init__(self, layout, level, in_channels, out_channels, *, count):
        stem = [] if level else conv_unit(layout, in_channels, out_channels, layout.kernels[level])
        first = ResidualBlock(layout, level, in_channels if level else out_channels, out_channels, strided=True)
        super().__init__(*stem, first, *(ResidualBlock(layout, level, out_channels, out_channels) for _ in range(count - 1)))


class ConvUnit(nn.Sequential):
    """Dropout, convolution, norm, activation: (N, in, *space) to (N, out, *space)."""

    def __init__(self, layout, level, in_channels, out_channels):
        rate = layout.dropout[level]
        before = [nn.Dropout(rate)] if rate else []
        super().__init__(*before, *conv_unit(layout, in_channels, out_channels, layout.kernels[level]))

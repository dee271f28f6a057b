"""Layers by name and number of dimensions, and how convolutions are initialised."""
from __future__ import annotations

import torch.nn.functional as F
from torch import nn

from scarceseg.registry import UserError
from scarceseg.registry.binding import nearest

CONV = {2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSED = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
DROPOUT = {2: nn.Dropout2d, 3: nn.Dropout3d}
MAX_POOL = {2: nn.MaxPool2d, 3: nn.MaxPool3d}
AVG_POOL = {2: nn.AvgPool2d, 3: nn.AvgPool3d}
NORMS = {
    'batch': lambda dims, channels: {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}[dims](channels),
    'instance': lambda dims, channels: {2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d}[dims](channels, affine=True),
    'group': lambda dims, channels: nn.GroupNorm(next(g for g in (8, 4, 2, 1) if channels % g == 0), channels),
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


def make_norm(layout, channels):
    """The layout's norm for so many channels."""
    return NORMS[layout.norm](layout.dims, channels)


def make_activation(layout):
    """The layout's activation."""
    return ACTIVATIONS[layout.activation]()


def make_conv(layout, in_channels, out_channels, kernel=1, *, stride=1, dilation=1, bias=True):
    """A convolution of the layout's dimensions that keeps the size where the stride is 1; ``kernel`` is odd.

    Weights are normal, of the variance that keeps leaky rectified signals alive [He 2015], for kernels larger than 1; biases
    are zero there.
    """
    kernel, dilation = (_per_axis(layout.dims, n) for n in (kernel, dilation))
    padding = tuple(d * (k // 2) for k, d in zip(kernel, dilation))
    conv = CONV[layout.dims](in_channels, out_channels, kernel, stride=stride, padding=padding, dilation=dilation, bias=bias)
    if max(kernel) > 1:
        nn.init.kaiming_normal_(conv.weight, a=0.01)
        if bias:
            nn.init.zeros_(conv.bias)
    return conv


def conv_unit(layout, in_channels, out_channels, kernel=3, *, stride=1, dilation=1, activate=True):
    """Convolution, norm and, unless told otherwise, activation, as a list of layers."""
    conv = make_conv(layout, in_channels, out_channels, kernel, stride=stride, dilation=dilation,
                     bias=layout.norm != 'batch')  # batch norm subtracts the bias again
    return [conv, make_norm(layout, out_channels), *([make_activation(layout)] if activate else [])]


def resize(x, size, *, mode='linear'):
    """Interpolate (N, C, *space) to ``size``: 'linear' or 'nearest'."""
    if tuple(x.shape[2:]) == tuple(size):
        return x
    if mode == 'nearest':
        return F.interpolate(x, size=size, mode='nearest')
    return F.interpolate(x, size=size, mode={4: 'bilinear', 5: 'trilinear'}[x.ndim], align_corners=False)


def fit(x, size):
    """Cut (N, C, *space) to ``size``, or repeat its far border where it is smaller."""
    x = x[(slice(None), slice(None), *(slice(n) for n in size))]
    missing = [s - n for s, n in zip(size, x.shape[2:])]
    return F.pad(x, [p for m in reversed(missing) for p in (0, m)], mode='replicate') if any(missing) else x


def _per_axis(dims, value):
    return (value,) * dims if isinstance(value, int) else tuple(value)

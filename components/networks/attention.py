"""Attention for convolutional networks: weights in (0, 1) for places, channels and scales of a feature map."""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from scarceseg.registry import UserError

from .layers import MAX_POOL, conv_unit, make_activation, make_conv, make_norm, resize


class Open(nn.Module):
    """The skip connection as it is: the gate of a level without gate."""

    def forward(self, skip, up):
        return skip


class AttentionGate(nn.Module):
    """The skip connection where the features from below ask for it [Oktay 2018]: ``skip · σ(ψ(ReLU(θ(skip) + φ(up))))``.

    ψ, θ and φ are 1-convolutions, at the resolution of the skip connection; ψ has one output, so that all channels of a place
    have the same weight.
    """

    def __init__(self, layout, level):
        super().__init__()
        width = layout.channels[level]
        inner = max(1, width // 2)
        self.theta, self.phi = make_conv(layout, width, inner, bias=False), make_conv(layout, width, inner)
        self.psi = nn.Sequential(nn.ReLU(), make_conv(layout, inner, 1), nn.Sigmoid())

    def forward(self, skip, up):
        return skip * self.psi(self.theta(skip) + self.phi(up))


class JointAttention(nn.Module):
    """Two attention gates on one skip connection, merged by a 1-convolution, norm and activation [Gu 2021]."""

    def __init__(self, layout, level):
        super().__init__()
        width = layout.channels[level]
        self.gates = nn.ModuleList(AttentionGate(layout, level) for _ in range(2))
        self.merge = nn.Sequential(*conv_unit(layout, 2 * width, width, 1))

    def forward(self, skip, up):
        return self.merge(torch.cat([gate(skip, up) for gate in self.gates], 1))


class SqueezeExcite(nn.Module):
    """Channels weighted by their means over the image [Hu 2018]: ``x · σ(W₂ ReLU(W₁ mean(x)))``."""

    def __init__(self, layout, channels, *, reduction=2):
        super().__init__()
        self.weigh = bottleneck(layout, channels, reduction, nn.ReLU(), nn.Sigmoid())

    def forward(self, x):
        return x * self.weigh(average(x))


class ResidualSqueezeExcite(nn.Module):
    """Channels strengthened by their means over the image [Wang 2020]: ``x + x · ReLU(W₂ leaky(W₁ mean(x)))``."""

    def __init__(self, layout, channels, *, reduction=2):
        super().__init__()
        self.weigh = bottleneck(layout, channels, reduction, nn.LeakyReLU(), nn.ReLU())

    def forward(self, x):
        return x + x * self.weigh(average(x))


class ScSE(nn.Module):
    """Concurrent spatial and channel squeeze and excitation, the larger of the two at each place and channel [Roy 2019]."""

    def __init__(self, layout, channels, *, reduction=2):
        super().__init__()
        self.channel = SqueezeExcite(layout, channels, reduction=reduction)
        self.place = nn.Sequential(make_conv(layout, channels, 1), nn.Sigmoid())

    def forward(self, x):
        return torch.maximum(self.channel(x), x * self.place(x))


class ChannelScores(nn.Module):
    """How much each channel counts, as logits (N, C, 1, …): one bottleneck on the mean and on the maximum, added [Gu 2021]."""

    def __init__(self, layout, channels, *, reduction=4):
        super().__init__()
        self.score = bottleneck(layout, channels, reduction, nn.ReLU())

    def forward(self, x):
        return self.score(average(x)) + self.score(x.amax(space(x), keepdim=True))


class ScaleAttention(nn.Module):
    """Maps of several scales to logits, each scale weighted as a whole and place by place [Gu 2021].

    With ``x`` the maps side by side at the finest resolution, γ one weight a scale and image, and γ* one a scale and place:
    ``x γ γ* + x γ + x``, then a convolution to one scale's width and a 1-convolution to the logits.

    Args:
        scales: number of maps.
        width: channels of each.
    """

    def __init__(self, layout, num_classes, *, scales, width):
        super().__init__()
        self.scales, channels, kernel = scales, scales * width, layout.kernels[0]
        self.scale = ChannelScores(layout, channels)
        self.place = nn.Sequential(*conv_unit(layout, channels, scales, kernel), make_conv(layout, scales, scales), nn.Sigmoid())
        self.merge = nn.Sequential(make_activation(layout), *conv_unit(layout, channels, width, kernel))
        self.head = make_conv(layout, width, num_classes)

    def forward(self, maps):
        x = torch.cat([resize(m, maps[0].shape[2:]) for m in maps], 1)
        scaled = self._times(x, self._per_scale(self.scale(x)).mean(2).sigmoid())
        return self.head(self.merge(self._times(scaled, self.place(scaled)) + scaled + x))

    def _per_scale(self, x):
        return x.unflatten(1, (self.scales, -1))

    def _times(self, x, weights):
        return (self._per_scale(x) * weights[:, :, None]).flatten(1, 2)


class NonLocal(nn.Module):
    """Each place with a mixture of all places that are alike [Wang 2018]: ``x + W softmax(θ(x) φ(x)ᵀ) g(x)``.

    Args:
        pool: size of the max-pooling of φ and g.
    """

    def __init__(self, layout, channels, *, pool):
        super().__init__()
        inner = max(1, channels // 4)
        self.query = make_conv(layout, channels, inner)
        self.key = make_conv(layout, channels, inner, bias=False)  # softmax subtracts the bias again
        self.value = make_conv(layout, channels, inner)
        self.pool = MAX_POOL[layout.dims](pool)
        self.out = nn.Sequential(make_conv(layout, inner, channels, bias=False), make_norm(layout, channels))

    def forward(self, x):
        maps = self.query(x), self.pool(self.key(x)), self.pool(self.value(x))
        mixed = F.scaled_dot_product_attention(*(m.flatten(2).mT[:, None] for m in maps), scale=1.0)
        return x + self.out(mixed[:, 0].mT.unflatten(2, x.shape[2:]))


class ASPP(nn.Module):
    """Atrous spatial pyramid pooling of the last level [Chen 2018]: a 1-convolution and dilated ones side by side, and merged.

    Raises:
        UserError: the last level has fewer channels than there are convolutions.
    """

    def __init__(self, layout, *, dilations=(2, 4, 6)):
        super().__init__()
        width, kernel = layout.channels[-1], layout.kernels[-1]
        share = width // (1 + len(dilations))
        if not share:
            raise UserError(f'channels={layout.channels} must end with {1 + len(dilations)} or more, one for each dilation')
        self.branches = nn.ModuleList([make_conv(layout, width, width - share * len(dilations)),
                                       *(make_conv(layout, width, share, kernel, dilation=d) for d in dilations)])
        self.merge = nn.Sequential(*conv_unit(layout, width, width, 1))

    def forward(self, x):
        return self.merge(torch.cat([branch(x) for branch in self.branches], 1))


def bottleneck(layout, channels, reduction, *activations):
    """Two 1-convolutions, to a fraction of the channels and back, each followed by its activation if there is one."""
    inner = max(1, channels // reduction)
    first, *last = activations
    return nn.Sequential(make_conv(layout, channels, inner), first, make_conv(layout, inner, channels), *last)


def average(x):
    """Mean of (N, C, *space) over space: (N, C, 1, …)."""
    return x.mean(space(x), keepdim=True)


def space(x):
    """The axes of space of (N, C, *space)."""
    return tuple(range(2, x.ndim))

"""COPLE-Net, made for lesions under noisy labels."""
import torch
from torch import nn

from scarceseg.registry import NETWORKS

from .attention import ASPP, ResidualSqueezeExcite
from .blocks import ConvBlock, Decoder, Encoder
from .layers import AVG_POOL, MAX_POOL, conv_unit, make_conv
from .unet import UShaped, check_scales


@NETWORKS.register_module()
class COPLENet(UShaped):
    """U-Net that keeps small lesions, for noisy labels [Wang 2020].

    Maximum and mean are pooled side by side, blocks are residual with squeeze and excitation, the last level is an atrous
    pyramid, and skip connections and upsampled features are halved before they meet.

    Args:
        scales: how many levels have an output, see ``UNet``.
        settings: see ``UShaped``. With channels that double from level to level, as in the paper, all shortcuts are identities.
    """

    def __init__(self, in_channels, num_classes, scales=1, **settings):
        super().__init__(in_channels, num_classes, **settings)
        check_scales(scales, self.layout)
        self.encoder = Encoder(self.layout, block=encoder_block, pool=False)
        self.decoder = Decoder(self.layout, num_classes, block=CalibratedBlock, gate=Bridge, widths=halves(self.layout),
                               scales=scales)


class CalibratedBlock(nn.Module):
    """``ConvBlock`` with squeeze and excitation, added to its input: (N, in, *space) to (N, out, *space)."""

    def __init__(self, layout, level, in_channels, out_channels):
        super().__init__()
        self.block = calibrated(layout, level, in_channels, out_channels)
        self.shortcut = nn.Identity() if in_channels == out_channels else make_conv(layout, in_channels, out_channels)

    def forward(self, x):
        return self.block(x) + self.shortcut(x)


class DualPool(nn.Module):
    """From a level to the next coarser one, maxima and means side by side: (N, C, *space) to (N, 2 C, *space / stride)."""

    def __init__(self, layout, level):
        super().__init__()
        self.pools = nn.ModuleList(pool[layout.dims](layout.strides[level]) for pool in (MAX_POOL, AVG_POOL))

    def forward(self, x):
        return torch.cat([pool(x) for pool in self.pools], 1)


class Bridge(nn.Sequential):
    """A skip connection of half the channels: 1-convolution, norm, activation."""

    def __init__(self, layout, level):
        super().__init__(*conv_unit(layout, layout.channels[level], halves(layout)[level], 1))

    def forward(self, skip, up):
        return super().forward(skip)


def encoder_block(layout, level, in_channels, out_channels):
    """Pooling and block of a level, and the pyramid of the last; the finest has no pooling and no shortcut."""
    parts = ([DualPool(layout, level), CalibratedBlock(layout, level, 2 * in_channels, out_channels)] if level
             else [calibrated(layout, level, in_channels, out_channels)])
    return nn.Sequential(*parts, *([ASPP(layout)] if level == layout.levels - 1 else []))


def calibrated(layout, level, in_channels, out_channels):
    """``ConvBlock`` and squeeze and excitation."""
    return nn.Sequential(ConvBlock(layout, level, in_channels, out_channels), ResidualSqueezeExcite(layout, out_channels))


def halves(layout):
    """Half the channels of each level, one at least."""
    return tuple(max(1, width // 2) for width in layout.channels)

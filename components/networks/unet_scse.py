"""U-Net with squeeze and excitation."""
from torch import nn

from scarceseg.registry import NETWORKS

from .attention import ScSE
from .blocks import ConvBlock, Decoder, Encoder
from .unet import UShaped, check_scales


@NETWORKS.register_module()
class UNetScSE(UShaped):
    """U-Net with concurrent spatial and channel squeeze and excitation behind every block [Roy 2019].

    Args:
        scales: how many levels have an output, see ``UNet``.
        settings: see ``UShaped``.
    """

    def __init__(self, in_channels, num_classes, scales=1, **settings):
        super().__init__(in_channels, num_classes, **settings)
        check_scales(scales, self.layout)
        self.encoder = Encoder(self.layout, block=ScSEBlock)
        self.decoder = Decoder(self.layout, num_classes, block=ScSEBlock, scales=scales)


class ScSEBlock(nn.Sequential):
    """``ConvBlock`` and ``ScSE``: (N, in, *space) to (N, out, *space)."""

    def __init__(self, layout, level, in_channels, out_channels):
        super().__init__(ConvBlock(layout, level, in_channels, out_channels), ScSE(layout, out_channels))

"""U-Net with attention gates."""
from scarceseg.registry import NETWORKS

from .attention import AttentionGate, Open
from .blocks import Decoder, Encoder
from .unet import UShaped, check_scales


@NETWORKS.register_module()
class AttentionUNet(UShaped):
    """U-Net whose skip connections pass only where the decoder asks for them [Oktay 2018].

    As in the paper the finest skip connection has no gate: its features are too simple to be judged.

    Args:
        scales: how many levels have an output, see ``UNet``.
        settings: see ``UShaped``.
    """

    def __init__(self, in_channels, num_classes, scales=1, **settings):
        super().__init__(in_channels, num_classes, **settings)
        check_scales(scales, self.layout)
        self.encoder = Encoder(self.layout)
        self.decoder = Decoder(self.layout, num_classes, gate=gate_of_level, scales=scales)


def gate_of_level(layout, level):
    """An attention gate, but for the finest level."""
    return AttentionGate(layout, level) if level else Open()

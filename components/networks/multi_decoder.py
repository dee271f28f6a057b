"""Networks with one encoder and several decoders that differ by how they upsample."""
from torch import nn

from scarceseg.registry import NETWORKS, UserError

from .blocks import Decoder, Encoder
from .layers import UPSAMPLERS, choose
from .layout import check_image
from .unet import UShaped


@NETWORKS.register_module()
class MultiDecoderUNet(UShaped):
    """U-Net with a decoder for each way of upsampling, whose disagreement shows where the network is unsure [Wu 2022].

    (N, in_channels, *space) to a tuple of logits (N, num_classes, *space), one per decoder.

    Args:
        upsamplers: of each decoder, any of 'transposed', 'linear' and 'nearest'; two or more.
        settings: see ``UShaped``, without ``upsample``.
    """

    def __init__(self, in_channels, num_classes, upsamplers=('transposed', 'linear'), **settings):
        super().__init__(in_channels, num_classes, **settings)
        if isinstance(upsamplers, str) or len(upsamplers) < 2:
            raise UserError(f'upsamplers={upsamplers!r} must be two or more of {", ".join(UPSAMPLERS)}')
        self.encoder = Encoder(self.layout)
        self.decoders = nn.ModuleList(Decoder(self.layout, num_classes, upsample=choose(UPSAMPLERS, mode, 'upsamplers'))
                                      for mode in upsamplers)

    def forward(self, image):
        check_image(self, image)
        features = self.encoder(image)
        return tuple(decoder(features) for decoder in self.decoders)

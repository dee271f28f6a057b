"""U-Net [Ronneberger 2015]."""
from torch import nn

from scarceseg.registry import NETWORKS

from .blocks import Decoder, Encoder, check_input, check_levels


@NETWORKS.register_module()
class UNet2D(nn.Module):
    """2D U-Net: (N, in_channels, y, x) to logits (N, num_classes, y, x), for any size of at least 2^(levels-1) pixels.

    Args:
        in_channels: channels of the image.
        num_classes: classes, background included.
        channels: feature maps of each level, the finest first; their number is the number of levels.
        dropout: rate between the two convolutions of a block, per level or one for all. The encoder and the decoder use
            the same rate at the same level.
        norm: 'batch', 'instance', 'group', 'layer' or 'none'.
        activation: 'relu', 'leaky_relu', 'gelu' or 'silu'.
        upsample: 'linear' or 'nearest' (1-convolution and interpolation), or 'transposed' (convolution).

    Raises:
        UserError: settings or an image that do not fit.
    """

    dims = 2

    def __init__(self, in_channels, num_classes, channels=(16, 32, 64, 128, 256), dropout=0.0,
                 norm='batch', activation='leaky_relu', upsample='linear'):
        super().__init__()
        dropout = check_levels(channels, dropout)
        self.in_channels, self.num_classes = in_channels, num_classes
        common = dict(norm=norm, activation=activation)
        self.encoder = Encoder(self.dims, in_channels, channels, dropout=dropout, **common)
        self.decoder = Decoder(self.dims, channels, num_classes, dropout=dropout, upsample=upsample, **common)

    def forward(self, image):
        check_input(self, image, in_channels=self.in_channels, levels=len(self.encoder.levels))
        return self.decoder(self.encoder(image))

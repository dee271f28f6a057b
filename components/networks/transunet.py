"""TransUNet [Chen 2021]."""
from torch import nn

from scarceseg.registry import NETWORKS

from .blocks import Decoder, Encoder
from .layers import conv_unit
from .transformer import VisionTransformer
from .unet import UShaped


@NETWORKS.register_module()
class TransUNet(UShaped):
    """U-Net whose last level passes through a transformer [Chen 2021] [Dosovitskiy 2021], of 2 or 3 dimensions.

    (N, in_channels, *space) to logits (N, num_classes, *space). It differs from the paper's in that encoder and decoder are those
    of ``UNet``, not a ResNet-50 and a decoder without skip connection at full resolution, and that the weights start at random,
    not from ImageNet.

    Args:
        width: features of a token, which is a voxel of the last level.
        hidden: features between the two linear layers of a transformer block.
        depth: transformer blocks.
        heads: attention heads; they divide ``width``.
        grid: size of the last level's feature map, a number or one per axis, for which the position embedding is learned: that
            of the training images divided by the strides. Other sizes get it interpolated.
        token_dropout: rate in the transformer.
        settings: see ``UShaped``.
    """

    def __init__(self, in_channels, num_classes, width=768, hidden=3072, depth=12, heads=12, grid=14, token_dropout=0.1,
                 **settings):
        super().__init__(in_channels, num_classes, **settings)
        self.encoder = TransformerEncoder(self.layout, width=width, hidden=hidden, depth=depth, heads=heads, grid=grid,
                                          dropout=token_dropout)
        self.decoder = Decoder(self.layout, num_classes)


class TransformerEncoder(Encoder):
    """``Encoder`` whose last feature map passes through a ``VisionTransformer`` of these settings, and back to its channels."""

    def __init__(self, layout, *, width, **settings):
        super().__init__(layout)
        deepest = layout.channels[-1]
        self.transformer = VisionTransformer(layout, deepest, width=width, **settings)
        self.narrow = nn.Sequential(*conv_unit(layout, width, deepest, layout.kernels[-1]))

    def forward(self, image):
        *skips, x = super().forward(image)
        return [*skips, self.narrow(self.transformer(x))]

"""U-Net [Ronneberger 2015] [Cicek 2016], and what all U-shaped networks have in common."""
from torch import nn

from scarceseg.registry import NETWORKS, UserError

from .blocks import Decoder, Encoder
from .layout import check_image, make_layout


class UShaped(nn.Module):
    """Settings and input checks of a network with an ``encoder`` and a ``decoder``, which its maker sets.

    (N, in_channels, *space) to logits (N, num_classes, *space), for any size that leaves a voxel at the last level.

    Args:
        in_channels: channels of the image.
        num_classes: classes, background included.
        dims: 2 for images (N, C, y, x), 3 for (N, C, z, y, x).
        channels: feature maps of each level, the finest first; their number is the number of levels.
        kernels: size of the convolutions: an odd number, or one entry per level, each a number or one per axis, (1, 3, 3).
        strides: how much coarser a level is than the one before: a number, or one entry per step between levels, each a
            number or one per axis.
        dropout: rate between the two convolutions of a block, per level or one for all. The encoder and the decoder use
            the same rate at the same level.
        norm: 'batch', 'instance', 'group', 'layer' or 'none'.
        activation: 'relu', 'leaky_relu', 'gelu' or 'silu'.
        upsample: 'linear' or 'nearest' (1-convolution and interpolation), or 'transposed' (convolution).

    Raises:
        UserError: settings or an image that do not fit.
    """

    def __init__(self, in_channels, num_classes, dims=2, channels=(16, 32, 64, 128, 256), kernels=3, strides=2, dropout=0.0,
                 norm='batch', activation='leaky_relu', upsample='linear'):
        super().__init__()
        self.layout = make_layout(dims, in_channels, channels, kernels=kernels, strides=strides, dropout=dropout, norm=norm,
                                  activation=activation, upsample=upsample)
        self.num_classes = num_classes

    def forward(self, image):
        check_image(self, image)
        return self.decoder(self.encoder(image))


@NETWORKS.register_module()
class UNet(UShaped):
    """U-Net of 2 or 3 dimensions [Ronneberger 2015] [Cicek 2016].

    Args:
        scales: how many levels of the decoder have an output, the finest first [Luo 2022]. With several, training gives a tuple
            of logits, each of its level's size; evaluation gives the finest alone.
        settings: see ``UShaped``.
    """

    def __init__(self, in_channels, num_classes, scales=1, **settings):
        super().__init__(in_channels, num_classes, **settings)
        check_scales(scales, self.layout)
        self.encoder = Encoder(self.layout)
        self.decoder = Decoder(self.layout, num_classes, scales=scales)


@NETWORKS.register_module()
class UNet2D(UNet):
    """``UNet`` for images (N, C, y, x)."""

    def __init__(self, in_channels, num_classes, **settings):
        super().__init__(in_channels, num_classes, dims=2, **settings)


@NETWORKS.register_module()
class UNet3D(UNet):
    """``UNet`` for volumes (N, C, z, y, x)."""

    def __init__(self, in_channels, num_classes, **settings):
        super().__init__(in_channels, num_classes, dims=3, **settings)


def check_scales(scales, layout):
    """Raise UserError where a decoder of this layout has no so many outputs."""
    if not isinstance(scales, int) or not 1 <= scales < layout.levels:
        raise UserError(f'scales={scales!r} must be a whole number from 1 to {layout.levels - 1}, one less than the levels')

"""U-Net with a deep residual encoder."""
from scarceseg.registry import NETWORKS, UserError

from .blocks import Decoder, Encoder
from .residual import ConvUnit, ResidualStage
from .unet import UShaped, check_scales


@NETWORKS.register_module()
class ResidualEncoderUNet(UShaped):
    """U-Net with residual blocks and strides in the encoder, and one convolution a level in the decoder [He 2016] [Isensee 2024].

    Args:
        channels: feature maps of each level.
        blocks: residual blocks of the encoder: a number, or one per level; None is 1, 3, 4, then 6 at every deeper level.
        norm: see ``UShaped``.
        upsample: see ``UShaped``.
        scales: how many levels have an output, see ``UNet``.
        settings: see ``UShaped``.

    Raises:
        UserError: as many blocks as levels are needed.
    """

    def __init__(self, in_channels, num_classes, channels=(32, 64, 128, 256, 320, 320), blocks=None, norm='instance',
                 upsample='transposed', scales=1, **settings):
        super().__init__(in_channels, num_classes, channels=channels, norm=norm, upsample=upsample, **settings)
        check_scales(scales, self.layout)
        counts = block_counts(blocks, self.layout.levels)
        self.encoder = Encoder(self.layout, pool=False, block=lambda layout, level, before, after:
                               ResidualStage(layout, level, before, after, count=counts[level]))
        self.decoder = Decoder(self.layout, num_classes, block=ConvUnit, scales=scales)


def block_counts(blocks, levels):
    """How many residual blocks each level has."""
    if blocks is None:
        return [(1, 3, 4, 6)[min(level, 3)] for level in range(levels)]
    counts = [blocks] * levels if isinstance(blocks, int) else list(blocks)
    if len(counts) != levels or any(not isinstance(n, int) or n < 1 for n in counts):
        raise UserError(f'blocks={blocks!r} must be a whole number, or {levels} of them, one for each of the {levels} levels')
    return counts

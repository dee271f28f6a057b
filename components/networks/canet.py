"""CA-Net: attention to places, channels and scales."""
from torch import nn

from scarceseg.registry import NETWORKS, UserError

from .attention import ChannelScores, JointAttention, NonLocal, Open, ScaleAttention
from .blocks import Decoder, Encoder
from .layers import conv_unit, make_activation, make_conv, make_norm
from .unet import UShaped


@NETWORKS.register_module()
class CANet(UShaped):
    """U-Net with comprehensive attention: spatial on skip connections, channel in the decoder, scale at the output [Gu 2021].

    The decoder's coarsest level sees all places at once (``NonLocal``), the ones above it have joint attention gates on their
    skip connections; the finest has neither. Its logits come from all levels of the decoder, so there is one output.

    Args:
        scale_width: channels that each level contributes to the output. The paper has 4, for two classes; with more classes so
            narrow a place is learned through slowly.
        settings: see ``UShaped``.
    """

    def __init__(self, in_channels, num_classes, scale_width=16, **settings):
        super().__init__(in_channels, num_classes, **settings)
        if not isinstance(scale_width, int) or scale_width < 1:
            raise UserError(f'scale_width={scale_width!r} must be a whole number, the channels that each level contributes')
        self.encoder = Encoder(self.layout)
        self.decoder = ScaleDecoder(self.layout, num_classes, width=scale_width)


class ScaleDecoder(nn.Module):
    """Feature maps of an ``Encoder`` to logits (N, num_classes, *space), from every level of a decoder."""

    def __init__(self, layout, num_classes, *, width):
        super().__init__()
        self.scales = layout.levels - 1
        self.decoder = Decoder(layout, width, block=decoder_block, gate=gate_of_level, scales=self.scales)
        self.attention = ScaleAttention(layout, num_classes, scales=self.scales, width=width)

    def forward(self, features):
        return self.attention(self.decoder.outputs(features, self.scales))


class ChannelAttentionBlock(nn.Module):
    """Residual block whose channels are weighted: (N, in, *space) to (N, out, *space).

    ``f β + s`` goes through a convolution to ``out`` channels; ``f`` are two convolutions and ``s`` a 1-convolution of the input,
    with ``2 out`` channels each, and ``β = σ(ChannelScores(f))``.
    """

    def __init__(self, layout, level, in_channels, out_channels):
        super().__init__()
        kernel, rate, inner = layout.kernels[level], layout.dropout[level], 2 * out_channels
        between = [nn.Dropout(rate)] if rate else []
        self.block = nn.Sequential(*conv_unit(layout, in_channels, out_channels, kernel), *between,
                                   *conv_unit(layout, out_channels, inner, kernel, activate=False))
        self.scores = ChannelScores(layout, inner)
        self.shortcut = nn.Sequential(make_conv(layout, in_channels, inner, bias=False), make_norm(layout, inner))
        self.merge = nn.Sequential(make_activation(layout), *conv_unit(layout, inner, out_channels, kernel))

    def forward(self, x):
        f = self.block(x)
        return self.merge(f * self.scores(f).sigmoid() + self.shortcut(x))


def decoder_block(layout, level, in_channels, out_channels):
    """``ChannelAttentionBlock``, after ``NonLocal`` at the coarsest level of the decoder."""
    block = ChannelAttentionBlock(layout, level, in_channels, out_channels)
    if not is_coarsest(layout, level):
        return block
    return nn.Sequential(NonLocal(layout, in_channels, pool=layout.strides[level + 1]), block)


def gate_of_level(layout, level):
    """Joint attention between the finest and the coarsest level of the decoder."""
    return Open() if level == 0 or is_coarsest(layout, level) else JointAttention(layout, level)


def is_coarsest(layout, level):
    """Whether a level is the decoder's coarsest, and not its finest: attention among all its pixels costs too much."""
    return 0 < level == layout.levels - 2

"""U-Net with nested skip paths."""
import torch
from torch import nn

from scarceseg.registry import NETWORKS

from .blocks import ConvBlock, Encoder, Upsample
from .layers import make_conv
from .unet import UShaped


@NETWORKS.register_module()
class NestedUNet(UShaped):
    """U-Net++: decoders of every depth, nested and densely connected [Zhou 2018] [Zhou 2020].

    Args:
        deep_supervision: give the decoders of every depth an output of the image's size. Training then gives a tuple of logits,
            the deepest decoder's first; evaluation gives the deepest's alone, not the papers' mean.
        settings: see ``UShaped``.
    """

    def __init__(self, in_channels, num_classes, deep_supervision=False, **settings):
        super().__init__(in_channels, num_classes, **settings)
        self.encoder = Encoder(self.layout)
        self.decoder = NestedDecoder(self.layout, num_classes, outputs=self.layout.levels - 1 if deep_supervision else 1)


class NestedDecoder(nn.Module):
    """Feature maps of an ``Encoder`` to logits (N, num_classes, *space), through a triangle of nodes.

    Node (level, column) sees all nodes left of it at its level and, upsampled, the one before at the next coarser level; column
    0 is the encoder, and the last node of the finest level has the deepest decoder below it.

    Args:
        outputs: how many nodes of the finest level have an output, from the last on. With several, training gives a tuple of
            logits, the last node's first; evaluation gives that alone.
    """

    def __init__(self, layout, num_classes, *, outputs=1):
        super().__init__()
        columns = range(1, layout.levels)
        self.ups = nn.ModuleList(nn.ModuleList(Upsample(layout, level) for level in range(layout.levels - column))
                                 for column in columns)
        self.blocks = nn.ModuleList(nn.ModuleList(ConvBlock(layout, level, (column + 1) * width, width)
                                                  for level, width in enumerate(layout.channels[:-column])) for column in columns)
        self.heads = nn.ModuleList(make_conv(layout, layout.channels[0], num_classes) for _ in range(outputs))

    def forward(self, features):
        rows = [[f] for f in features]
        for ups, blocks in zip(self.ups, self.blocks):
            for level, (up, block) in enumerate(zip(ups, blocks)):
                row, below = rows[level], rows[level + 1][-1]
                row.append(block(torch.cat([*row, up(below, row[0].shape[2:])], 1)))
        heads = self.heads if self.training else self.heads[:1]
        outputs = tuple(head(x) for head, x in zip(heads, rows[0][::-1]))
        return outputs[0] if len(outputs) == 1 else outputs

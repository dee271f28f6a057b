"""Networks with one encoder and two decoders."""
from torch import nn

from scarceseg.registry import NETWORKS

from .blocks import Decoder, Encoder
from .layers import DROPOUT
from .layout import check_image
from .unet import UShaped


@NETWORKS.register_module()
class DualBranchUNet(UShaped):
    """U-Net with a second decoder, which sees the encoder's features through channel dropout [Luo 2022].

    (N, in_channels, *space) to a pair of logits (N, num_classes, *space). In evaluation mode nothing is dropped; the two still
    differ by their weights.

    Args:
        feature_dropout: rate at which whole feature maps are hidden from the second decoder during training.
        settings: see ``UShaped``.
    """

    def __init__(self, in_channels, num_classes, feature_dropout=0.3, **settings):
        super().__init__(in_channels, num_classes, **settings)
        self.encoder = Encoder(self.layout)
        self.decoders = nn.ModuleList(Decoder(self.layout, num_classes) for _ in range(2))
        self.feature_dropout = DROPOUT[self.layout.dims](feature_dropout)

    def forward(self, image):
        check_image(self, image)
        features = self.encoder(image)
        main, auxiliary = self.decoders
        return main(features), auxiliary([self.feature_dropout(f) for f in features])


@NETWORKS.register_module()
class DualBranchUNet2D(DualBranchUNet):
    """``DualBranchUNet`` for images (N, C, y, x)."""

    def __init__(self, in_channels, num_classes, **settings):
        super().__init__(in_channels, num_classes, dims=2, **settings)


@NETWORKS.register_module()
class DualBranchUNet3D(DualBranchUNet):
    """``DualBranchUNet`` for volumes (N, C, z, y, x)."""

    def __init__(self, in_channels, num_classes, **settings):
        super().__init__(in_channels, num_classes, dims=3, **settings)

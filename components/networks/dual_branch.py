"""Networks with one encoder and two decoders."""
from torch import nn

from scarceseg.registry import NETWORKS

from .blocks import DROPOUT, Decoder, Encoder, check_input, check_levels


@NETWORKS.register_module()
class DualBranchUNet2D(nn.Module):
    """2D U-Net with a second decoder, which sees the encoder's features through channel dropout [Luo 2022].

    (N, in_channels, y, x) to a pair of logits (N, num_classes, y, x). In evaluation mode nothing is dropped; the two still
    differ by their weights.

    Args:
        feature_dropout: rate at which whole feature maps are hidden from the second decoder during training.
        in_channels, num_classes, channels, dropout, norm, activation, upsample: see ``UNet2D``.

    Raises:
        UserError: settings or an image that do not fit.
    """

    dims = 2

    def __init__(self, in_channels, num_classes, channels=(16, 32, 64, 128, 256), dropout=0.0,
                 norm='batch', activation='leaky_relu', upsample='linear', feature_dropout=0.3):
        super().__init__()
        dropout = check_levels(channels, dropout)
        self.in_channels, self.num_classes = in_channels, num_classes
        common = dict(dropout=dropout, norm=norm, activation=activation)
        self.encoder = Encoder(self.dims, in_channels, channels, **common)
        self.decoders = nn.ModuleList(Decoder(self.dims, channels, num_classes, upsample=upsample, **common) for _ in range(2))
        self.feature_dropout = DROPOUT[self.dims](feature_dropout)

    def forward(self, image):
        check_input(self, image, in_channels=self.in_channels, levels=len(self.encoder.levels))
        features = self.encoder(image)
        main, auxiliary = self.decoders
        return main(features), auxiliary([self.feature_dropout(f) for f in features])

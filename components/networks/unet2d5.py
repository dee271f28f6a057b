"""U-Net for volumes with thick slices."""
from scarceseg.registry import NETWORKS, UserError

from .unet import UNet


@NETWORKS.register_module()
class UNet2D5(UNet):
    """``UNet`` for volumes (N, C, z, y, x) of thick slices: convolutions and pooling within slices first, in 3D deeper [Wang 2019].

    Args:
        flat_levels: how many levels, the finest first, have 1×3×3 convolutions and 1×2×2 pooling behind them.
        channels: feature maps of each level.
        settings: see ``UNet``, without ``dims``, ``kernels`` and ``strides``.
    """

    def __init__(self, in_channels, num_classes, flat_levels=2, channels=(16, 32, 64, 128, 256), **settings):
        levels = len(channels)
        if not isinstance(flat_levels, int) or not 0 <= flat_levels <= levels:
            raise UserError(f'flat_levels={flat_levels!r} must be a whole number from 0 to {levels}, the number of levels')
        kernels = [(1 if level < flat_levels else 3, 3, 3) for level in range(levels)]
        strides = [(1 if level < flat_levels else 2, 2, 2) for level in range(levels - 1)]
        super().__init__(in_channels, num_classes, dims=3, channels=channels, kernels=kernels, strides=strides, **settings)

"""Networks: from an image (N, in_channels, *space) to logits (N, num_classes, *space), or a tuple of them."""
from .dual_branch import DualBranchUNet2D
from .unet import UNet2D

__all__ = ['DualBranchUNet2D', 'UNet2D']

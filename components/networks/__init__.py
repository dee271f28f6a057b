"""Networks: from an image (N, in_channels, *space) to logits (N, num_classes, *space), or a tuple of them."""
from .dual_branch import DualBranchUNet, DualBranchUNet2D, DualBranchUNet3D
from .unet import UNet, UNet2D, UNet3D

__all__ = ['DualBranchUNet', 'DualBranchUNet2D', 'DualBranchUNet3D', 'UNet', 'UNet2D', 'UNet3D']

"""Networks: from an image (N, in_channels, *space) to logits (N, num_classes, *space), or a tuple of them.

A tuple holds peers, all of the image's size, or in training auxiliary outputs behind the main one; evaluation has no auxiliary
outputs.
"""
from .dropout import dropout_active
from .dual_branch import DualBranchUNet, DualBranchUNet2D, DualBranchUNet3D
from .multi_decoder import MultiDecoderUNet
from .perturbed_decoder import PerturbedDecoderUNet
from .pretrained import load_matching
from .swin_unet import SwinUNet
from .transunet import TransUNet
from .unet import UNet, UNet2D, UNet3D
from .unetr import UNETR, SwinUNETR

__all__ = ['DualBranchUNet', 'DualBranchUNet2D', 'DualBranchUNet3D', 'MultiDecoderUNet', 'PerturbedDecoderUNet', 'SwinUNETR',
           'SwinUNet', 'TransUNet', 'UNETR', 'UNet', 'UNet2D', 'UNet3D', 'dropout_active', 'load_matching']

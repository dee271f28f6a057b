"""Networks: from an image (N, in_channels, *space) to logits (N, num_classes, *space), or a tuple of them.

A tuple holds peers, all of the image's size, or in training auxiliary outputs behind the main one; evaluation has no auxiliary
outputs.
"""
from .attention_unet import AttentionUNet
from .canet import CANet
from .coplenet import COPLENet
from .dropout import dropout_active
from .dual_branch import DualBranchUNet, DualBranchUNet2D, DualBranchUNet3D
from .layers import resize
from .moving_average import MovingAverage
from .multi_decoder import MultiDecoderUNet
from .nested_unet import NestedUNet
from .perturbed_decoder import PerturbedDecoderUNet
from .pretrained import load_matching
from .residual_encoder_unet import ResidualEncoderUNet
from .swin_unet import SwinUNet
from .transunet import TransUNet
from .unet import UNet, UNet2D, UNet3D
from .unet2d5 import UNet2D5
from .unet_scse import UNetScSE
from .unetr import UNETR, SwinUNETR

__all__ = ['AttentionUNet', 'CANet', 'COPLENet', 'DualBranchUNet', 'DualBranchUNet2D', 'DualBranchUNet3D', 'MovingAverage',
           'MultiDecoderUNet', 'NestedUNet', 'PerturbedDecoderUNet', 'ResidualEncoderUNet', 'SwinUNETR', 'SwinUNet', 'TransUNet',
           'UNETR', 'UNet', 'UNet2D', 'UNet2D5', 'UNet3D', 'UNetScSE', 'dropout_active', 'load_matching', 'resize']

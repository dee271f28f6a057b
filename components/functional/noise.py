"""Noise on images."""
import torch

from scarceseg.registry import UserError


def clipped_noise(image, *, std=0.1, limit=2.0):
    """The image under Gaussian noise, drawn anew for each voxel and cut off at ``limit`` standard deviations [Yu 2019].

    Args:
        image: (N, C, *space), of standard deviation about 1.
        std: standard deviation of the noise before it is cut off; 0 gives the image itself.

    Raises:
        UserError: ``std`` is below 0.
    """
    if std < 0:
        raise UserError(f'std={std} of noise must be 0 or more')
    return image + (normal_like(image) * std).clamp_(-limit * std, limit * std)


def normal_like(tensor):
    """Standard normal numbers of a tensor's shape, always contiguous: with channels innermost torch draws several times as long."""
    return torch.randn(tensor.shape, dtype=tensor.dtype, device=tensor.device)

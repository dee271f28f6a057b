"""Perturbations of feature maps [Ouali 2020]: lists (one map per level) of (N, C, *space) to lists of the same shapes."""
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch.nn import Module
from torch.nn.modules.batchnorm import _NormBase

from scarceseg.registry import UserError

from .noise import normal_like


def feature_noise(features, *, strength=0.3):
    """Every value times a factor of its own from [1 - strength, 1 + strength]."""
    return [f * (1 + torch.empty_like(f).uniform_(-strength, strength)) for f in features]


def feature_drop(features, *, interval=(0.7, 0.9)):
    """The maps without the most active places of each sample.

    A place is dropped, in all channels, where its mean over the channels is at least a share, drawn from ``interval`` for each
    sample and level, of the largest such mean.
    """
    dropped = []
    for f in features:
        activity = f.detach().float().mean(1, keepdim=True)
        share = torch.empty(f.shape[0], device=f.device).uniform_(*interval).view(-1, *[1] * (f.ndim - 1))
        largest = activity.amax(tuple(range(1, f.ndim)), keepdim=True)
        dropped.append(f * (activity < share * largest).to(f.dtype))
    return dropped


def drop_channels(features, *, rate=0.5):
    """The map without some of its channels, a map (N, C, *space) to one of the same shape.

    Each channel of each sample is 0 with probability ``rate``, and divided by ``1 - rate`` otherwise [Srivastava 2014].

    Raises:
        UserError: the rate is no probability.
    """
    if not 0 <= rate <= 1:
        raise UserError(f'rate={rate} of dropped channels is a probability and must lie in [0, 1]')
    keep = torch.rand(features.shape[:2], device=features.device) >= rate
    return features * (keep / max(1 - rate, 1e-6)).to(features.dtype).view(*keep.shape, *[1] * (features.ndim - 2))


def virtual_adversarial(features, *, decode, length=0.1, probe=0.01):
    """The maps moved a step in the direction in which the decoder's answer changes most [Miyato 2018].

    The direction is found by one power iteration: the gradient of ``KL(p(z) ‖ p(z + ξ d))`` at a random ``d``. A step is
    ``length`` of each sample's and level's own norm, since the maps of a U-Net differ in size. The decoder's running
    statistics stay as they are, and no gradient goes through the direction.

    Args:
        decode: features to logits (N, K, *space).
        length: norm of the step, relative to the features'.
        probe: ξ, as relative.
    """
    with torch.enable_grad(), frozen_statistics(decode):
        clean = [f.detach() for f in features]
        with torch.no_grad():
            target = decode(clean).float().softmax(1)
        directions = [_step(normal_like(f), f, probe).requires_grad_() for f in clean]
        log_prob = decode([f + d for f, d in zip(clean, directions)]).float().log_softmax(1)
        change = F.kl_div(log_prob, target, reduction='sum')
        gradients = torch.autograd.grad(change, directions)
    return [f + _step(g, f, length) for f, g in zip(features, gradients)]


def _step(direction, feature, length):
    """The direction scaled, for each sample, to ``length`` times the feature's norm; 0 stays 0."""
    axes = tuple(range(1, feature.ndim))
    size = direction.float().pow(2).sum(axes, keepdim=True).sqrt()
    wanted = length * feature.detach().float().pow(2).sum(axes, keepdim=True).sqrt()
    return direction * torch.where(size > 0, wanted / size.clamp_min(1e-30), 0).to(direction.dtype)


@contextmanager
def frozen_statistics(module):
    """Within this context norms in ``module`` use batch statistics as they would, but do not update their running ones."""
    modules = module.modules() if isinstance(module, Module) else ()
    norms = [m for m in modules if isinstance(m, _NormBase) and m.track_running_stats]
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True

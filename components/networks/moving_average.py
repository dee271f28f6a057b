"""Networks that are the average of another."""
import copy

import torch
from torch import nn

from scarceseg.registry import NETWORKS, UserError


@NETWORKS.register_module()
class MovingAverage(nn.Module):
    """A copy of a network, not trained, whose weights are the exponential moving average of that network's [Tarvainen 2017].

    ``θ_avg ← α θ_avg + (1-α) θ`` with ``α = min(1 - 1/(t+1), decay)`` after step t = 0, 1, …: at first the plain mean of what
    the network was after each step. Running statistics of norms are averaged alike, and in training mode move by what the average
    itself sees too, so that they fit its weights; whole numbers are copied. Nothing waits for a GPU.

    Args:
        model: the network; in a config ``average_of`` names it.
        decay: largest α, in [0, 1).

    Raises:
        UserError: ``decay`` is out of range.
    """

    def __init__(self, model, decay=0.99):
        super().__init__()
        if not 0 <= decay < 1:
            raise UserError(f'decay={decay} of MovingAverage must be in [0, 1)')
        self.module, self.decay = copy.deepcopy(model).requires_grad_(False), decay
        self.register_buffer('steps', torch.zeros((), dtype=torch.long))

    def forward(self, *images):
        return self.module(*images)

    @torch.no_grad()
    def update_parameters(self, model):
        """Move towards the weights that ``model`` has after a step."""
        self.steps += 1
        share = (1 / self.steps).clamp(min=1 - self.decay)
        pairs = list(zip(_tensors(self.module), _tensors(model)))
        moving, targets = zip(*[pair for pair in pairs if pair[0].is_floating_point()])
        torch._foreach_add_(moving, torch._foreach_mul(torch._foreach_sub(targets, moving), share))
        for own, new in pairs:
            if not own.is_floating_point():
                own.copy_(new)


def _tensors(model):
    """Its parameters and buffers as they are now: after a move to another device or memory format they are others than before."""
    return [*model.parameters(), *model.buffers()]

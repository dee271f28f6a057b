"""The one endless batch sampler."""
from __future__ import annotations

from typing import NamedTuple

import numpy as np
from mmengine.dist import get_dist_info
from torch.utils.data import Sampler

from scarceseg.registry import DATA_SAMPLERS, UserError


class Draw(NamedTuple):
    """Which item a sample is made of, and the numbers that seed everything random about it."""

    part: str
    index: int
    entropy: tuple


@DATA_SAMPLERS.register_module()
class PartBatchSampler(Sampler):
    """Endless batches with so many samples of each part; batch t depends on (seed, t) alone.

    Each part runs through its items in a new random order again and again, so that all are seen equally often. The order
    is a function of the seed, and position ``t * n + k`` of it is sample k of batch t, whatever came before: a run
    resumed at t needs no replay. With several processes each takes its share of the same batch.

    Args:
        sampler: a sampler of the data set (the Runner passes one); its ``dataset`` (a ``PartsDataset``) and ``seed`` are used.
        parts: {part: samples in a batch, over all processes}; their order does not matter.
        batch_size: their sum (the Runner passes it).
        start: the first batch.

    Raises:
        UserError: a part that the data set does not have, or a number that the processes cannot share equally.
    """

    def __init__(self, sampler, parts, batch_size=None, start=0):
        self.sampler, self.parts, self.batch_size, self.start = sampler, dict(sorted(parts.items())), batch_size, start
        self.seed = getattr(sampler, 'seed', None) or 0
        self.sizes = sampler.dataset.sizes
        self.rank, self.world_size = get_dist_info()
        for part, number in self.parts.items():
            if part not in self.sizes:
                raise UserError(f'the batch asks for part {part!r}, but the data set has {", ".join(self.sizes)}')
            if number % self.world_size:
                raise UserError(f'the batch has {number} samples of part {part!r}, which {self.world_size} processes cannot '
                                'share equally; choose a multiple')
        self._orders = {}

    def __iter__(self):
        t = self.start
        while True:
            yield self.batch(t)
            t += 1

    def __len__(self):
        return 2 ** 31  # endless, as far as mmengine's counting of epochs is concerned

    def batch(self, t):
        """The ``Draw`` of every sample in this process' share of batch t."""
        draws = []
        for stream, (part, number) in enumerate(self.parts.items()):
            share = number // self.world_size
            for k in range(self.rank * share, (self.rank + 1) * share):
                draws.append(Draw(part, self._item(stream, part, t * number + k), (self.seed, stream, t, k)))
        return draws

    def _item(self, stream, part, position):
        round_, place = divmod(position, self.sizes[part])
        if self._orders.get(part, (None,))[0] != round_:
            order = np.random.default_rng([self.seed, stream, round_]).permutation(self.sizes[part])
            self._orders[part] = (round_, order)
        return int(self._orders[part][1][place])

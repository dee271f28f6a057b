"""The one endless batch sampler."""
from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from mmengine.dist import get_dist_info
from torch.utils.data import Sampler

from scarceseg.registry import DATA_SAMPLERS, UserError


class Draw(NamedTuple):
    """Which item a sample is made of, and the numbers that seed everything random about it.

    Attributes:
        foreground: the view is to be placed on a foreground class, whatever probability the data set or a transform has for that.
    """

    part: str
    index: int
    entropy: tuple
    foreground: bool = False


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
        foreground: share of each part's samples that are certain to show a foreground class, at least so many in every batch
            [Isensee 2021]: a number for all parts that have labels, or {part: number}. They are made of the items that have
            such a voxel, each equally often, and placed on one; the other samples are what they are without it.

    Raises:
        UserError: a part that the data set does not have, a number that the processes cannot share equally, or a share of
            foreground that is out of range or of a part that has none.
    """

    def __init__(self, sampler, parts, batch_size=None, start=0, foreground=0.0):
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
        self.with_foreground = getattr(sampler.dataset, 'with_foreground', {})
        self.certain = self._count_certain(foreground)
        self._orders = {}

    def _count_certain(self, foreground):
        """{part: samples of a batch that are certain to show foreground}."""
        shares = foreground if isinstance(foreground, dict) else {p: foreground for p in self.parts if self.with_foreground.get(p)}
        if not all(isinstance(s, (int, float)) and 0 <= s <= 1 for s in [*shares.values(), *([] if shares else [foreground])]):
            raise UserError(f'foreground={foreground!r} of the batch sampler is a share of the samples and must lie in [0, 1]')
        for part, share in shares.items():
            if part not in self.parts:
                raise UserError(f'foreground names part {part!r}, but the batch has {", ".join(self.parts)}')
            if share and not self.with_foreground.get(part):
                raise UserError(f'the batch asks for foreground in part {part!r}, but none of its labels has any')
        return {part: math.ceil(share * self.parts[part] - 1e-9) for part, share in shares.items()}

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
                draws.append(self._draw(stream, part, number, t, k))
        return draws

    def _draw(self, stream, part, number, t, k):
        """Sample k of the ``number`` that batch t has of a part; those that are certain to show foreground are spread evenly."""
        entropy, certain = (self.seed, stream, t, k), self.certain.get(part, 0)
        before, after = certain * k // number, certain * (k + 1) // number
        if after == before:
            return Draw(part, self._item(part, (stream,), self.sizes[part], t * (number - certain) + k - before), entropy)
        items = self.with_foreground[part]
        return Draw(part, items[self._item(part, (stream, 1), len(items), t * certain + before)], entropy, True)

    def _item(self, part, stream, size, position):
        """Which of ``size`` items comes at a position of an endless sequence of random orders of them all."""
        round_, place = divmod(position, size)
        if self._orders.get((part, stream), (None,))[0] != round_:
            seed = [self.seed, stream[0], round_, *([0, *stream] if len(stream) > 1 else [])]
            self._orders[part, stream] = (round_, np.random.default_rng(seed).permutation(size))
        return int(self._orders[part, stream][1][place])

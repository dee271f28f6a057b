"""The one training loop of every method."""
from __future__ import annotations

import numpy as np
import torch
from mmengine.dist import all_reduce, get_rank, get_world_size
from mmengine.model import is_model_wrapper
from mmengine.runner import BaseLoop
from torch.nn.modules.batchnorm import _NormBase

from scarceseg.registry import LOOPS, UserError

from .contract import check_parts


@LOOPS.register_module()
class MethodTrainLoop(BaseLoop):
    """Iterations of hooks, step, averages, hooks, with validation every ``val_interval`` iterations and at the end.

    What mmengine's ``IterBasedTrainLoop`` does, except that batch t is asked of the sampler directly (a resumed run replays
    nothing), that torch's generator is a function of (seed, iteration, rank), and that averages move before the hooks run,
    so that a checkpoint holds them up to date. Several processes have the same weights, running statistics and averages after
    every step.

    Args:
        max_iters: iterations of the whole training.
        val_interval, val_begin: validate every so many iterations, from this one on.

    Raises:
        UserError: the method needs a part that the batches lack.
    """

    def __init__(self, runner, dataloader, max_iters, val_interval=1000, val_begin=1):
        super().__init__(runner, dataloader)
        self._max_iters, self.val_interval, self.val_begin = int(max_iters), val_interval, val_begin
        if not isinstance(val_interval, int) or val_interval < 1:
            raise UserError(f'train_cfg.val_interval={val_interval!r} must be a whole number of iterations, 1 or more')
        self._epoch = self._iter = 0
        self._max_epochs = 1
        self.stop_training = False  # set by EarlyStoppingHook
        runner.visualizer.dataset_meta = getattr(self.dataloader.dataset, 'metainfo', None)
        if not hasattr(self.dataloader.batch_sampler, 'parts'):
            raise UserError("train_dataloader needs batch_sampler=dict(type='PartBatchSampler', parts={part: number})")
        check_parts(self.segmentor.method, self.dataloader.batch_sampler.parts)

    epoch = property(lambda self: self._epoch)
    iter = property(lambda self: self._iter)
    max_epochs = property(lambda self: self._max_epochs)
    max_iters = property(lambda self: self._max_iters)

    @property
    def segmentor(self):
        """The model without DDP's wrapper."""
        model = self.runner.model
        return model.module if is_model_wrapper(model) else model

    def validates_at(self, iteration):
        """Whether a validation follows when so many iterations are done."""
        due = iteration % self.val_interval == 0 or iteration == self._max_iters
        return self.runner.val_loop is not None and iteration >= self.val_begin and due

    def run(self):
        runner = self.runner
        if self._iter == 0:
            self.segmentor.start()
        runner.call_hook('before_train')
        runner.call_hook('before_train_epoch')
        self.dataloader.batch_sampler.start = self._iter
        batches = iter(self.dataloader)
        while self._iter < self._max_iters and not self.stop_training:
            runner.model.train()
            self.run_iter(next(batches))
            if self.validates_at(self._iter):
                runner.val_loop.run()
        runner.call_hook('after_train_epoch')
        runner.call_hook('after_train')
        return runner.model

    def run_iter(self, data_batch):
        """One step on one batch."""
        runner = self.runner
        runner.call_hook('before_train_iter', batch_idx=self._iter, data_batch=data_batch)
        torch.manual_seed(step_seed(runner.seed, self._iter, get_rank()))
        self.segmentor.iteration = self._iter
        outputs = runner.model.train_step(data_batch, optim_wrapper=runner.optim_wrapper)
        share_statistics(self.segmentor)
        self.segmentor.move_averages()
        runner.call_hook('after_train_iter', batch_idx=self._iter, data_batch=data_batch, outputs=outputs)
        self._iter += 1


@torch.no_grad()
def share_statistics(model):
    """Make the running statistics of norms in training the mean of those of all processes, each of which sees its share alone.

    Else every process would validate by statistics of its own, averages would differ, and a resumed run would go on with those of
    the first.
    """
    if get_world_size() == 1:
        return
    norms = [m for m in model.modules() if isinstance(m, _NormBase) and m.training and m.running_mean is not None]
    if norms:
        statistics = [s for norm in norms for s in (norm.running_mean, norm.running_var)]
        flat = torch.cat(statistics)
        all_reduce(flat, 'mean')
        for own, mean in zip(statistics, flat.split([len(s) for s in statistics])):
            own.copy_(mean)


def step_seed(seed, iteration, rank):
    """The seed of dropout, noise and mixing at one iteration of one process."""
    return int(np.random.SeedSequence([seed or 0, iteration, rank]).generate_state(1, np.uint64)[0] >> np.uint64(1))

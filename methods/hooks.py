"""Hooks that every run wants."""
from __future__ import annotations

import os
from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.hooks import Hook

from scarceseg.registry import HOOKS, UserError
from scarceseg.registry.binding import nearest

from .visual import FILE, cut_curves, read_curves

LAST, BEST = 'last.pth', 'best.pth'


@HOOKS.register_module()
class SafeCheckpointHook(Hook):
    """Keep ``last.pth`` and ``best.pth``, each replaced as a whole: a run killed while saving keeps the one before.

    Checkpoints hold plain values and tensors only, so that ``torch.load(weights_only=True)`` reads them. At an iteration
    with validation ``last.pth`` is written after it, so that a resumed run neither repeats nor misses one.

    Args:
        interval: iterations between two savings of ``last.pth``.
        save_best: name of the validation metric that decides on ``best.pth``; higher is better.
    """

    priority = 'VERY_LOW'

    def __init__(self, interval=1000, save_best='dice/mean'):
        self.interval, self.save_best = interval, save_best

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        done = runner.iter + 1
        due = done % self.interval == 0 or done == runner.max_iters
        if due and not runner.train_loop.validates_at(done):
            self._save(runner, LAST, done)

    def after_val_epoch(self, runner, metrics=None):
        if self.save_best not in metrics:
            raise UserError(f'save_best={self.save_best!r} is none of the validation metrics'
                            f'{nearest(self.save_best, metrics)}: {", ".join(metrics)}')
        score = float(metrics[self.save_best])
        if score > runner.message_hub.get_info('best_score', float('-inf')):
            runner.message_hub.update_info('best_score', score)
            runner.message_hub.update_info('best_iteration', runner.iter)
            self._save(runner, BEST, runner.iter)
        self._save(runner, LAST, runner.iter)

    def before_save_checkpoint(self, runner, checkpoint):
        info = checkpoint['message_hub']['runtime_info']
        plain = {k: v for k, v in info.items() if type(v) in (bool, int, float, str)}
        checkpoint['message_hub'] = dict(log_scalars={}, runtime_info=plain, resumed_keys=dict.fromkeys(plain, True))

    def _save(self, runner, name, iteration):
        if not is_main_process():
            return
        folder, draft = Path(runner.work_dir), f'{name}.draft'
        runner.save_checkpoint(str(folder), draft, by_epoch=False, meta=dict(iter=iteration, epoch=0, checkpoint=name))
        with (folder / draft).open('rb') as handle:
            os.fsync(handle.fileno())
        os.replace(folder / draft, folder / name)


@HOOKS.register_module()
class CurvesHook(Hook):
    """Keep the log history short, continue the table of curves after a resumption, and draw it at the end.

    Args:
        keep: values of each curve that stay in memory for smoothing.
    """

    def __init__(self, keep=1000):
        self.keep = keep

    def before_train(self, runner):
        if is_main_process() and runner.iter:
            cut_curves(Path(runner.work_dir) / FILE, runner.iter)

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if self.every_n_inner_iters(batch_idx, self.keep):
            for buffer in runner.message_hub.log_scalars.values():
                buffer.max_length = self.keep

    def after_run(self, runner):
        table = Path(runner.work_dir) / FILE
        if is_main_process() and table.exists():
            from scarceseg.components.evaluators.curves import curves_figure  # matplotlib takes a while to import
            curves_figure(read_curves(table), table.with_suffix('.png'))

"""How much a real training iteration costs beside a bare loop of the same networks, method, losses and optimizer.

    python tools/benchmark.py configs/wsl/dmpls_acdc_cpu.py --data DIR

Both run in one process, one iteration of each in turn: the real one with data, augmentation, clipping, schedules, hooks
and logs; the bare one forward, backward and step on one batch that stays in memory.
"""
import argparse
import copy
import statistics
import tempfile
import time

import torch
from mmengine.hooks import Hook

from scarceseg.registry import HOOKS
from scarceseg.tools.common import tool


@HOOKS.register_module()
class BareLoopHook(Hook):
    """Times the real iteration that has just ended, then runs and times a bare one."""

    priority, times = 'LOWEST', []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if batch_idx == 0:
            self.model, self.batch = runner.train_loop.segmentor, data_batch
            self.networks = copy.deepcopy(self.model.networks)
            settings = dict(runner.cfg.optim_wrapper.optimizer)
            trained = [p for p in self.networks.parameters() if p.requires_grad]
            self.optimizer = getattr(torch.optim, settings.pop('type'))(trained, **settings)
            for part in self.batch.values():
                part['image'] = self.model.arrange(part['image'])

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        start = time.perf_counter()
        self.optimizer.zero_grad()
        sum(self.model.method(self.networks, self.batch, self.model.losses).values()).backward()
        self.optimizer.step()
        end = time.perf_counter()
        if batch_idx >= 10:
            self.times.append((start - self.mark, end - start))
        self.mark = time.perf_counter()


def parser():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument('config', help='a config file or the name of a shipped one')
    parse.add_argument('--data', help='folder that data paths in the config are relative to')
    parse.add_argument('--iterations', type=int, default=60, help='iterations of each loop; the first ten do not count')
    return parse


@tool(parser)
def main(args):
    from scarceseg.methods.training import train
    from scarceseg.registry import load_config
    config = load_config(args.config)
    config.train_cfg.update(max_iters=args.iterations, val_begin=args.iterations + 1)
    config.custom_hooks = [*config.get('custom_hooks', []), dict(type='BareLoopHook')]
    with tempfile.TemporaryDirectory() as folder:
        train(config, root=folder, data=args.data)
    real, bare = zip(*BareLoopHook.times)
    ratio = statistics.median(real) / statistics.median(bare)
    print(f'\nmedians of {len(real)}: real {1000 * statistics.median(real):.1f} ms, bare {1000 * statistics.median(bare):.1f} ms; '
          f'ratio {ratio:.3f}')


if __name__ == '__main__':
    main()

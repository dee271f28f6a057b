"""What data cost: a training batch beside its training step, and a patch from the store beside the same patch from its file.

    python tools/benchmark_data.py configs/wsl/dmpls_acdc_cpu.py configs/fsl/unet3d_la_cpu.py --data DIR

Both sides take turns, on one thread unless --threads says otherwise; medians are printed. The step is forward, backward and
optimizer of the config's method. A patch is image and label, without transforms; the file is read, mapped to classes and cut.
"""
import argparse
import tempfile
import time
from types import SimpleNamespace

import numpy as np
import torch

from scarceseg.tools.common import tool


def parser():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument('configs', nargs='+', help='config files or names of shipped ones')
    parse.add_argument('--data', help='folder that data paths are relative to')
    parse.add_argument('--repeat', type=int, default=20, help='measurements of each; the first two do not count')
    parse.add_argument('--threads', type=int, default=1, help='of the training step')
    return parse


def compare(repeat, one, other):
    """Median milliseconds of two functions of the turn; ``other`` also gets what ``one`` gives."""
    spent = []
    for turn in range(repeat):
        start, made, middle = time.perf_counter(), one(turn), time.perf_counter()
        other(turn, made)
        spent.append(1000 * np.diff([start, middle, time.perf_counter()]))
    return np.median(spent[2:], axis=0)


def learn(model, optimizer, batch):
    batch = {name: dict(part, image=model.arrange(part['image'])) for name, part in batch.items()}
    optimizer.zero_grad()
    sum(model.method(model.networks, batch, model.losses).values()).backward()
    optimizer.step()


def measure(name, config, repeat):
    """Print the figures of one config."""
    from scarceseg.components.datasets import PartBatchSampler, collate_parts
    from scarceseg.registry import DATASETS, MODELS
    settings, parts = dict(config.train_dataloader.dataset), dict(config.train_dataloader.batch_sampler.parts)
    dataset, model = DATASETS.build(settings), MODELS.build(config.model)
    draws = PartBatchSampler(SimpleNamespace(dataset=dataset, seed=0), parts).batch
    optimizer = torch.optim.AdamW(model.networks.parameters(), lr=1e-4)
    batch, step = compare(repeat, lambda t: collate_parts([dataset[d] for d in draws(t)]), lambda _, b: learn(model, optimizer, b))
    print(f'{name}: batch of {parts} {batch:.1f} ms, step {step:.1f} ms; {100 * batch / step:.1f} %')
    if settings.get('patch') is not None:
        with tempfile.TemporaryDirectory() as folder:
            stored = DATASETS.build(dict(settings, transforms=[], part_transforms={}, prepare=[], cache='disk', store=folder))
            files = [(stored.parts[d.part], stored.items[d.part][d.index][0]) for d in (draws(t)[0] for t in range(repeat))]
            box = (..., *(slice(p) for p in settings['patch']))
            ours, theirs = compare(repeat, lambda t: stored[draws(t)[0]], lambda t, _: [
                array[box].copy() for array in map(files[t][0][files[t][1]].get, ('image', 'label'))])
        print(f'{name}: patch from the store {ours:.3f} ms, from its file {theirs:.1f} ms; {theirs / ours:.0f} times faster')


@tool(parser)
def main(args):
    from scarceseg.methods.assembly import assemble
    from scarceseg.registry import load_config, use_data_root
    torch.set_num_threads(args.threads)
    for name in args.configs:
        measure(name, assemble(use_data_root(load_config(name), args.data)), args.repeat)


if __name__ == '__main__':
    main()

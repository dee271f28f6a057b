"""What a training step of a method costs beside a supervised step of the same network on as many images, all of them labelled.

    python tools/benchmark_methods.py ssl/mean_teacher_acdc_cpu ssl/bcp_acdc_cpu

A step is forward, backward, optimizer and averages on random images in memory, where ramps have ended. The supervised network is
what is trained, without auxiliary decoders and scales: one of two peers, but both of a U-Net and a transformer. The two steps take
turns on one thread; the times are CPU time, since others may load the machine, and their medians are divided. "implied" divides the
floating point operations of convolutions and matrix products, forward and backward, that torch counts in each step; norms,
activations, interpolation, losses, pseudo labels, noise, mixing, averages and the optimizer are not counted.
"""
import argparse
import statistics
import time

import torch
from torch.utils.flop_counter import FlopCounterMode

from scarceseg.registry import load_config
from scarceseg.registry.paths import shipped_configs
from scarceseg.tools.common import bare_step, tool

PLAIN = {'PerturbedDecoderUNet': 'UNet', 'MultiDecoderUNet': 'UNet'}  # what they are without auxiliary decoders


def parser():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument('configs', nargs='*', metavar='CONFIG', help='default all of ssl/*_acdc_cpu')
    parse.add_argument('--repeats', type=int, default=20, help='steps of each; the first two do not count')
    return parse


def make_steps(config):
    """Two functions that train for a step: supervised, and by the method."""
    trained = [n for n in config.model.networks.values() if 'average_of' not in n and not n.get('frozen')]
    plain = [{k: PLAIN.get(v, v) if k == 'type' else v for k, v in n.items() if k not in ('scales', 'upsamplers')} for n in trained]
    supervised = [dict(networks=dict(net=net), method=dict(type='supervised'), losses=dict(sup=config.model.losses.sup))
                  for k, net in enumerate(plain) if net not in plain[:k]]
    size = next((t['size'] for t in config.transforms if 'size' in t), config.train_dataloader.dataset.get('patch'))
    views = ('image', 'image_strong1', 'image_strong2')
    batch = {part: dict({view: torch.randn(n, trained[0]['in_channels'], *size) for view in views},
                        label=torch.randint(trained[0]['num_classes'], (n, *size)))
             for part, n in config.train_dataloader.batch_sampler.parts.items()}
    steps = [bare_step(config, model, batch) for model in (*supervised, config.model)]
    return lambda: [step() for step in steps[:-1]], steps[-1]


def measure(step, clock=time.process_time):
    start = clock()
    step()
    return clock() - start


@tool(parser)
def main(args):
    torch.set_num_threads(1)
    shipped = [n for n in shipped_configs() if n.startswith('ssl/') and n.endswith('_acdc_cpu') and 'supervised' not in n]
    print('| config | supervised ms | step ms | multiple | implied | ratio |\n|---|---|---|---|---|---|', flush=True)
    for name in args.configs or shipped:
        steps = make_steps(load_config(name))
        with FlopCounterMode(display=False) as counter:
            counts = [measure(step, counter.get_total_flops) for step in steps]
        times = zip(*([measure(step) for step in steps] for _ in range(args.repeats)))
        (plain, own), implied = (1000 * statistics.median(t[2:]) for t in times), counts[1] / counts[0]
        print(f'| `{name}` | {plain:.0f} | {own:.0f} | {own / plain:.2f} | {implied:.2f} | {own / plain / implied:.2f} |',
              flush=True)


if __name__ == '__main__':
    main()

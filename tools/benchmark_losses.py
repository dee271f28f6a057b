"""Time and memory of gated CRF, shift by shift as in the library, beside its form with all windows unfolded at once.

    python tools/benchmark_losses.py

Both compute value and gradient, in turn, on one thread. Memory is how far a pass raises the high-water mark of a fresh process.
"""
import argparse
import multiprocessing
import re
import statistics
import time
from pathlib import Path

import torch
import torch.nn.functional as F

from scarceseg.components.losses import gated_crf
from scarceseg.tools.common import tool


def unfolded(logits, image, *, radius, spatial_sigma, intensity_sigma):
    """The formula with every voxel's whole window in memory: (N, channels, *space, *window)."""
    def windows(x):
        x = F.pad(x, [radius] * 2 * (x.ndim - 2))
        for axis in range(2, image.ndim):
            x = x.unfold(axis, 2 * radius + 1, 1)
        return x
    prob, wide = logits.softmax(1), (..., *[None] * (image.ndim - 2))
    distance = sum(a.square() for a in torch.meshgrid([torch.arange(-radius, radius + 1.0)] * (image.ndim - 2), indexing='ij'))
    kernel = windows(torch.ones_like(image[:, :1])) * (distance > 0)
    kernel = kernel * torch.exp(-distance / (2 * spatial_sigma ** 2)
                                - (windows(image) - image[wide]).square().sum(1, keepdim=True) / (2 * intensity_sigma ** 2))
    return (kernel.sum() - (prob[wide] * kernel * windows(prob)).sum()) / prob[:, 0].numel()


def run(form, shape, radius):
    """Milliseconds of one forward and backward pass."""
    logits, image = torch.randn(shape, requires_grad=True), torch.randn(shape[0], 1, *shape[2:])
    start = time.perf_counter()
    form(logits, image, radius=radius, spatial_sigma=6.0, intensity_sigma=0.5).backward()
    return 1000 * (time.perf_counter() - start)


def peak_mib(form, shape, radius):
    def mark():
        return int(re.search(r'VmHWM:\s+(\d+)', Path('/proc/self/status').read_text())[1]) / 1024  # of Linux
    run(form, [min(n, 8) for n in shape], 1)
    before = mark()
    run(form, shape, radius)
    return mark() - before


def parser():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument('--repeats', type=int, default=5, help='passes of each form, of which the median counts')
    parse.add_argument('--shapes', nargs='+', default=['8x4x128x128', '1x2x32x64x64'], help='of the logits, (N, C, *space)')
    return parse


@tool(parser)
def main(args):
    torch.set_num_threads(1)
    forms = gated_crf, unfolded
    for text in args.shapes:
        job = [int(n) for n in text.split('x')], 5
        times = [statistics.median(t) for t in zip(*([run(form, *job) for form in forms] for _ in range(args.repeats)))]
        with multiprocessing.get_context('spawn').Pool(1, maxtasksperchild=1) as fresh:
            peaks = [fresh.apply(peak_mib, (form, *job)) for form in forms]
        for form, milliseconds, peak in zip(forms, times, peaks):
            print(f'{text:>14}, radius 5  {form.__name__:>9}  {milliseconds:6.0f} ms  {peak:6.0f} MiB')
        print(f'{"":14}{times[1] / times[0]:.1f} times as fast, {peaks[0] / peaks[1]:.2%} of the memory')


if __name__ == '__main__':
    main()

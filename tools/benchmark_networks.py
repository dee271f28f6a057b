"""Parameters of every network, and the time of a forward and backward pass beside UNet's, as a Markdown table.

    python tools/benchmark_networks.py             # every network that is installed
    python tools/benchmark_networks.py CANet UNETR

Default settings, one channel, four classes. Each network's passes alternate with the UNet's of its dimensions, on the same
images, and the ratio is that of the medians.
"""
import argparse
import re
import statistics
import time

import torch

from scarceseg.tools.common import tool

IMAGES = {2: (4, 1, 128, 128), 3: (1, 1, 32, 96, 96)}


def parser():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument('names', nargs='*', metavar='NAME', help='names on the shelf NETWORKS; default all that are ours')
    parse.add_argument('--repeats', type=int, default=5, help='passes of each network; the first does not count')
    return parse


def build(name, dims):
    """The network at its defaults for so many dimensions, or None where it has no such form."""
    from scarceseg.registry import NETWORKS, UserError
    settings = dict(type=name, in_channels=1, num_classes=4)
    for extra in ({}, {'dims': dims}, {'img_size': IMAGES[dims][2:]}, {'dims': dims, 'img_size': IMAGES[dims][2:]}):
        try:
            network = NETWORKS.build({**settings, **extra})
            with torch.no_grad():
                network(torch.zeros(IMAGES[dims]))
            return network
        except UserError:
            continue
    return None


def seconds(network, image):
    start = time.perf_counter()
    outputs = network(image)
    sum(z.square().mean() for z in (outputs if isinstance(outputs, tuple) else (outputs,))).backward()
    return time.perf_counter() - start


def row(name, dims, repeats):
    network, plain = build(name, dims), build(f'UNet{dims}D', dims)
    if network is None:
        return None
    image = torch.randn(IMAGES[dims])
    times = [(seconds(network, image), seconds(plain, image)) for _ in range(repeats)][1:]
    own, reference = (statistics.median(t) for t in zip(*times))
    papers = ', '.join(dict.fromkeys(re.findall(r'\[([A-Z]\w+ \d{4})\]', type(network).__doc__)))
    return f'| `{name}` | {dims}D | {sum(p.numel() for p in network.parameters()) / 1e6:.2f} | {own / reference:.2f} | {papers} |'


@tool(parser)
def main(args):
    from scarceseg.registry import NETWORKS
    NETWORKS.import_from_location()
    print('| network | dimensions | parameters (million) | time / UNet | paper |\n|---|---|---|---|---|', flush=True)
    for name in args.names or sorted(NETWORKS.module_dict):
        for dims in IMAGES:
            line = row(name, dims, args.repeats)
            if line:
                print(line, flush=True)


if __name__ == '__main__':
    main()

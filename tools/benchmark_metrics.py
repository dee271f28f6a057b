"""Time of Dice, HD95 and ASSD of all classes of a case, here and by MONAI, medpy and DeepMind's surface-distance.

    python tools/benchmark_metrics.py DIR/ACDC/labels DIR/LA/labels

The prediction is the label, bent by a smooth random field. Medians over eight cases of a folder; all take turns, on one thread.
"""
import argparse
import importlib.util
from pathlib import Path
from timeit import timeit

import numpy as np
import torch
from scipy import ndimage

from scarceseg.tools.common import tool


def ours(label, prediction, spacing, classes):
    from scarceseg.components.evaluators import evaluate_case
    evaluate_case(label, prediction, spacing, class_names=[str(c) for c in range(classes)])


def monai(label, prediction, spacing, classes):
    from monai import metrics
    pair = [torch.from_numpy(np.stack([m == c for c in range(classes)])[None]) for m in (prediction, label)]
    metrics.compute_dice(*pair, include_background=False)
    metrics.compute_hausdorff_distance(*pair, percentile=95, spacing=spacing)
    metrics.compute_average_surface_distance(*pair, symmetric=True, spacing=spacing)


def medpy(label, prediction, spacing, classes):
    from medpy.metric import binary
    for p, t in ((prediction == c, label == c) for c in range(1, classes)):
        _ = binary.dc(p, t), binary.hd95(p, t, spacing), binary.assd(p, t, spacing)


def surface_distance(label, prediction, spacing, classes):
    from surface_distance import metrics
    for p, t in ((prediction == c, label == c) for c in range(1, classes)):
        found = metrics.compute_surface_distances(t, p, spacing)
        _ = metrics.compute_robust_hausdorff(found, 95), metrics.compute_average_surface_distance(found)
        metrics.compute_dice_coefficient(t, p)


def bent(label, seed):
    field = np.random.default_rng(seed).normal(size=(3, *label.shape))
    bend = [ndimage.gaussian_filter(f, (0, 6, 6)) * 30 * (axis > 0) for axis, f in enumerate(field)]  # in the plane
    return ndimage.map_coordinates(label, np.indices(label.shape) + bend, order=0)


def parser():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument('labels', nargs='+', help='folders of label files')
    return parse


@tool(parser)
def main(args):
    from scarceseg.components.datasets import load_image
    torch.set_num_threads(1)
    rivals = [f for f in (ours, monai, medpy, surface_distance) if f is ours or importlib.util.find_spec(f.__name__)]
    for folder in args.labels:
        times = {rival.__name__: [] for rival in rivals}
        for k, (label, geometry) in enumerate(load_image(f, label=True) for f in sorted(Path(folder).iterdir())[:9]):
            prediction, classes = bent(label, k), int(label.max()) + 1
            for rival in rivals:
                spent = timeit(lambda f=rival, a=(label, prediction, geometry.spacing_mm, classes): f(*a), number=1)
                times[rival.__name__].append(1000 * spent / (classes - 1))
        found = {name: np.median(t[1:]) for name, t in times.items()}  # the first case also pays for imports
        print(f'{folder}: {", ".join(f"{name} {ms:.1f} ms" for name, ms in found.items())} a case and class')


if __name__ == '__main__':
    main()

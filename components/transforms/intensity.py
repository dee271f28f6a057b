"""Transforms of intensities; labels stay untouched."""
from __future__ import annotations

import numpy as np

from scarceseg.registry import TRANSFORMS


@TRANSFORMS.register_module()
def clip_percentiles(sample, rng=None, *, low=1.0, high=99.0):
    """Cut each channel to the interval between two of its percentiles, which removes bright specks."""
    bounds = [np.percentile(c, (low, high)) for c in sample['image']]
    return dict(sample, image=np.stack([np.clip(c, *b.astype(c.dtype)) for c, b in zip(sample['image'], bounds)]))


@TRANSFORMS.register_module()
def normalise(sample, rng=None):
    """Shift and scale each channel of the case to mean 0 and standard deviation 1; a constant channel becomes 0."""
    image = sample['image']
    axes = tuple(range(1, image.ndim))
    mean = image.mean(axes, keepdims=True, dtype=np.float64)
    std = image.std(axes, keepdims=True, dtype=np.float64)
    return dict(sample, image=((image - mean) / np.where(std > 0, std, 1)).astype(np.float32))


@TRANSFORMS.register_module()
def random_gamma(sample, rng, *, low=0.7, high=1.5, probability=0.5):
    """Raise the intensities, scaled to [0, 1] by the sample's extremes and back, to a power from [low, high].

    The power is drawn uniformly in its logarithm, so that brightening and darkening are as likely as the interval says.
    """
    if rng.random() >= probability:
        return sample
    gamma = np.float32(np.exp(rng.uniform(np.log(low), np.log(high))))
    image = sample['image']
    axes = tuple(range(1, image.ndim))
    floor = image.min(axes, keepdims=True)
    span = image.max(axes, keepdims=True) - floor
    return dict(sample, image=((image - floor) / np.where(span > 0, span, 1)) ** gamma * span + floor)


@TRANSFORMS.register_module()
def random_brightness_contrast(sample, rng, *, brightness=0.2, contrast=0.2, probability=0.5):
    """Multiply the intensities by a factor from [1/(1+contrast), 1+contrast] about the sample's mean, and add from
    [-brightness, brightness] standard deviations."""
    if rng.random() >= probability:
        return sample
    image = sample['image']
    axes = tuple(range(1, image.ndim))
    factor = np.float32(np.exp(rng.uniform(-1, 1) * np.log1p(contrast)))
    shift = np.float32(rng.uniform(-brightness, brightness))
    mean, std = image.mean(axes, keepdims=True), image.std(axes, keepdims=True)
    return dict(sample, image=(image - mean) * factor + mean + shift * std)


@TRANSFORMS.register_module()
def random_noise(sample, rng, *, std=0.1, probability=0.5):
    """Add Gaussian noise whose standard deviation is drawn from [0, std], in units of the (normalised) intensities."""
    if rng.random() >= probability:
        return sample
    image = sample['image']
    noise = rng.standard_normal(image.shape, dtype=np.float32) * np.float32(rng.uniform(0, std))
    return dict(sample, image=image + noise)

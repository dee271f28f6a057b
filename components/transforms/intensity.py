"""Random changes of intensities; labels stay untouched."""
from __future__ import annotations

import numpy as np

from scarceseg.registry import TRANSFORMS

from .checks import check_interval, check_least, check_probability

CURVE = 2048  # points of a curve that intensities follow


def gamma(image, *, power):
    """Each channel of (C, *space), scaled to [0, 1] by its extremes and back, to a power; a constant one stays."""
    floor, span = _extremes(image)
    return ((image - floor) / np.where(span > 0, span, 1)) ** power * span + floor


@TRANSFORMS.register_module()
def random_gamma(sample, rng, *, low=0.7, high=1.5, probability=0.5):
    """Raise the intensities, scaled to [0, 1] by the sample's extremes and back, to a power from [low, high].

    The power is drawn uniformly in its logarithm, so that brightening and darkening are as likely as the interval says.
    """
    check_probability('random_gamma', 'probability', probability)
    check_interval('random_gamma', '(low, high)', (low, high), above=0)
    if rng.random() >= probability:
        return sample
    power = np.float32(np.exp(rng.uniform(np.log(low), np.log(high))))
    return dict(sample, image=gamma(sample['image'], power=power))


def brightness_contrast(image, *, factor, shift):
    """Each channel of (C, *space) times ``factor`` about its mean, plus ``shift`` standard deviations."""
    axes = tuple(range(1, image.ndim))
    mean, std = image.mean(axes, keepdims=True), image.std(axes, keepdims=True)
    return (image - mean) * factor + mean + shift * std


@TRANSFORMS.register_module()
def random_brightness_contrast(sample, rng, *, brightness=0.2, contrast=0.2, probability=0.5):
    """Multiply the intensities by a factor from [1/(1+contrast), 1+contrast] about the sample's mean, and add from
    [-brightness, brightness] standard deviations."""
    check_probability('random_brightness_contrast', 'probability', probability)
    check_least('random_brightness_contrast', 'brightness', brightness, 0)
    check_least('random_brightness_contrast', 'contrast', contrast, 0)
    if rng.random() >= probability:
        return sample
    factor = np.float32(np.exp(rng.uniform(-1, 1) * np.log1p(contrast)))
    shift = np.float32(rng.uniform(-brightness, brightness))
    return dict(sample, image=brightness_contrast(sample['image'], factor=factor, shift=shift))


@TRANSFORMS.register_module()
def random_noise(sample, rng, *, std=0.1, probability=0.5):
    """Add Gaussian noise whose standard deviation is drawn from [0, std], in units of the (normalised) intensities."""
    check_probability('random_noise', 'probability', probability)
    check_least('random_noise', 'std', std, 0)
    if rng.random() >= probability:
        return sample
    image = sample['image']
    noise = rng.standard_normal(image.shape, dtype=np.float32) * np.float32(rng.uniform(0, std))
    return dict(sample, image=image + noise)


def between(curve, place):
    """Values of a curve at places from 0 to len(curve) - 1, between two of its points linearly, beyond its ends those of the ends.

    As ``np.interp`` at evenly spaced points, which it would have to search, in a fifth of its time.
    """
    curve = np.asarray(curve, np.float32)
    place = np.clip(place, 0, len(curve) - 1)
    low = np.floor(place)
    index, rise = low.astype(np.int32), np.append(np.diff(curve), np.float32(0))
    return curve.take(index, mode='clip') + rise.take(index, mode='clip') * (place - low)


def bezier(image, *, first, second, inverted=False):
    """Each channel of (C, *space), scaled to [0, 1] by its extremes and back, along a cubic Bézier curve from (0, 0) to (1, 1).

    Args:
        first, second: (x, y) control points in the unit square, so that the curve never falls; (⅓, ⅓) and (⅔, ⅔) are the identity.
        inverted: from (0, 1) to (1, 0) instead: what was dark becomes bright.
    """
    t = np.linspace(0, 1, CURVE)[:, None]
    x, y = (3 * (1 - t) ** 2 * t * np.asarray(first) + 3 * (1 - t) * t ** 2 * np.asarray(second) + t ** 3).T
    floor, span = _extremes(image)
    share = (image - floor) / np.where(span > 0, span, 1)
    curve = np.interp(np.linspace(0, 1, CURVE), x, 1 - y if inverted else y)
    return between(curve, share * np.float32(CURVE - 1)) * span + floor


@TRANSFORMS.register_module()
def random_bezier(sample, rng, *, strength=1.0, inverted=0.0, probability=0.5):
    """Intensities along a random curve that never falls, or, inverted, never rises [Zhou 2019].

    Args:
        strength: 1 draws the control points of the Bézier curve from the whole unit square; a lower one draws them so much nearer
            to those of the identity, which is 0.
        inverted: share of the changed samples in which dark and bright are exchanged; the paper's is 0.5.
    """
    for name, value in (('strength', strength), ('inverted', inverted), ('probability', probability)):
        check_probability('random_bezier', name, value)
    if rng.random() >= probability:
        return sample
    still = np.array([[1 / 3, 1 / 3], [2 / 3, 2 / 3]])
    first, second = still + strength * (rng.random((2, 2)) - still)
    return dict(sample, image=bezier(sample['image'], first=first, second=second, inverted=rng.random() < inverted))


def _extremes(image):
    """Minimum and span of each channel, (C, 1, …)."""
    axes = tuple(range(1, image.ndim))
    floor = image.min(axes, keepdims=True)
    return floor, image.max(axes, keepdims=True) - floor

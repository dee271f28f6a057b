"""Intensities of a whole case brought to one scale; labels stay untouched."""
from __future__ import annotations

import numpy as np

from scarceseg.registry import TRANSFORMS, UserError

from .checks import check_above, check_count, check_interval, check_number, refuse
from .crops import foreground_mask
from .intensity import between


@TRANSFORMS.register_module()
def clip(sample, rng=None, *, low=None, high=None):
    """Cut the intensities to [low, high]; None leaves that end open."""
    given = [bound for bound in (low, high) if bound is not None]
    if not given:
        raise UserError('clip needs low, high or both')
    check_interval('clip', '(low, high)', (given[0], given[-1]))
    return dict(sample, image=np.clip(sample['image'], low, high))


@TRANSFORMS.register_module()
def clip_percentiles(sample, rng=None, *, low=1.0, high=99.0):
    """Cut each channel to the interval between two of its percentiles, which removes bright specks."""
    check_interval('clip_percentiles', '(low, high)', (low, high), least=0, most=100)
    bounds = [np.percentile(c, (low, high)) for c in sample['image']]
    return dict(sample, image=np.stack([np.clip(c, *b.astype(c.dtype)) for c, b in zip(sample['image'], bounds)]))


@TRANSFORMS.register_module()
def normalise(sample, rng=None, *, nonzero=False, foreground=False, mean=None, std=None):
    """Shift and scale each channel to mean 0 and standard deviation 1; a constant channel becomes 0.

    Args:
        nonzero: take mean and deviation of the voxels that are not 0, and leave those that are at 0: for organs cut out of black.
        foreground: take them of the body, see ``foreground_mask``, and shift and scale all voxels alike.
        mean, std: given, one number or one for each channel, such as those of all training images for CT [Isensee 2021].

    Raises:
        UserError: more than one of these at once, or other numbers of them than channels.
    """
    image = sample['image']
    if (mean is None) != (std is None) or nonzero + foreground + (mean is not None) > 1:
        raise UserError(f'normalise takes nonzero, or foreground, or both mean and std, but got nonzero={nonzero}, '
                        f'foreground={foreground}, mean={mean}, std={std}')
    if mean is not None:
        check_number('normalise', 'mean', mean)
        check_above('normalise', 'std', std, 0)
        mean, std = (_per_channel(name, value, image) for name, value in (('mean', mean), ('std', std)))
    elif nonzero or foreground:
        masks = image != 0 if nonzero else [foreground_mask(image)] * len(image)
        inside = [c[m] if m.any() else c.ravel() for c, m in zip(image, masks)]
        mean, std = (_per_channel('', [f(c, dtype=np.float64) for c in inside], image) for f in (np.mean, np.std))
    else:
        axes = tuple(range(1, image.ndim))
        mean = image.mean(axes, keepdims=True, dtype=np.float64)
        std = image.std(axes, keepdims=True, dtype=np.float64)
    out = ((image - mean) / np.where(std > 0, std, 1)).astype(np.float32)
    return dict(sample, image=out * masks if nonzero else out)


@TRANSFORMS.register_module()
def normalise_min_max(sample, rng=None, *, low=0.0, high=1.0):
    """Shift and scale each channel so that its extremes become ``low`` and ``high``; a constant channel becomes ``low``."""
    check_interval('normalise_min_max', '(low, high)', (low, high))
    axes = tuple(range(1, sample['image'].ndim))
    floor, top = sample['image'].min(axes, keepdims=True), sample['image'].max(axes, keepdims=True)
    return dict(sample, image=_scaled(sample['image'], floor, top, low, high))


@TRANSFORMS.register_module()
def normalise_percentiles(sample, rng=None, *, low=1.0, high=99.0, clip=True):
    """Shift and scale each channel so that two of its percentiles become 0 and 1.

    Args:
        clip: cut what lies outside of them; else it goes below 0 and above 1.
    """
    check_interval('normalise_percentiles', '(low, high)', (low, high), least=0, most=100)
    image = sample['image']
    floor, top = (_per_channel('', bounds, image) for bounds in zip(*(np.percentile(c, (low, high)) for c in image)))
    out = _scaled(image, floor, top, 0, 1)
    return dict(sample, image=np.clip(out, 0, 1) if clip else out)


@TRANSFORMS.register_module()
def ct_window(sample, rng=None, *, level_hu, width_hu):
    """The window of ``width_hu`` Hounsfield units about ``level_hu`` as [0, 1]; what is outside is cut."""
    check_number('ct_window', 'level_hu', level_hu)
    check_above('ct_window', 'width_hu', width_hu, 0)
    low = level_hu - width_hu / 2
    return dict(sample, image=np.clip((sample['image'] - np.float32(low)) / np.float32(width_hu), 0, 1))


@TRANSFORMS.register_module()
def equalise_histogram(sample, rng=None, *, bins=256):
    """Each channel's intensity as the share of its voxels that are not brighter, in (0, 1] [Pizer 1987].

    The share is counted in ``bins`` between the extremes and interpolated linearly between their middles. A constant channel
    becomes 0.
    """
    check_count('equalise_histogram', 'bins', bins)
    return dict(sample, image=np.stack([_equalised(c, bins) for c in sample['image']]))


def _equalised(channel, bins):
    if channel.min() == channel.max():
        return np.zeros(channel.shape, np.float32)
    counts, edges = np.histogram(channel, bins)
    share = counts.cumsum() / channel.size
    return between(share, (channel - channel.min()) * np.float32(bins / (edges[-1] - edges[0])) - np.float32(0.5))


def _scaled(image, floor, top, low, high):
    """[floor, top] to [low, high] in float32; floor alone, where they are the same, to low."""
    span = np.where(top > floor, top - floor, 1)
    return ((image - floor) * ((high - low) / span) + low).astype(np.float32)


def _per_channel(name, value, image):
    """(C, 1, …) float64 of one number, or one for each channel."""
    value = np.asarray(value, np.float64).reshape(-1)
    if len(value) not in (1, len(image)):
        refuse('normalise', name, value.tolist(), f'the image has {len(image)} channels; give one number, or one for each of them')
    return value.reshape(-1, *[1] * (image.ndim - 1))

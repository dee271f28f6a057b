"""Crops at random places, and around what is in the image."""
from __future__ import annotations

import numpy as np
from scipy import ndimage

from scarceseg.registry import TRANSFORMS

from .checks import check_interval, check_least, check_number, check_probability, full_size, per_axis
from .focus import draw_focus
from .geometry import crop, pad
from .resizing import resize

SPECK = 0.01  # share of the largest region below which a bright region is none of the body


@TRANSFORMS.register_module()
def random_crop(sample, rng, *, size, foreground=0.0, balanced=False):
    """A box of ``size`` voxels at a random place; smaller samples are padded first.

    Args:
        size: voxels along the last axes of space, None for all.
        foreground: probability that the box is made to hold a random annotated foreground voxel.
        balanced: that voxel is of a class drawn first, so that small structures are as frequent as large ones.
    """
    check_probability('random_crop', 'foreground', foreground)
    focus = draw_focus(rng, sample, foreground, balanced=balanced)
    size = full_size('random_crop', size, sample['image'].shape[1:])
    sample = pad(sample, size=size)  # a padded axis is all in the box, wherever its focus is
    space = sample['image'].shape[1:]
    if focus is None:
        low, high = [0] * len(space), [n - s for n, s in zip(space, size)]
    else:
        low = [max(0, f - s + 1) for f, s in zip(focus, size)]
        high = [min(n - s, f) for n, s, f in zip(space, size, focus)]
    return crop(sample, start=[int(rng.integers(a, b, endpoint=True)) for a, b in zip(low, high)], size=size)


@TRANSFORMS.register_module()
def random_resized_crop(sample, rng, *, size, share=(0.25, 1.0), stretch=4 / 3, order=1):
    """A box of a random share of the image at a random place, resampled once to ``size`` voxels [Szegedy 2015].

    Args:
        size: voxels along the last axes of space, None for all.
        share: of the area or volume that the box has, drawn from this interval.
        stretch: each side is longer by a further factor from [1/stretch, stretch], where the image is long enough.
        order: of the spline that interpolates the image.
    """
    check_interval('random_resized_crop', 'share', share, above=0, most=1)
    check_least('random_resized_crop', 'stretch', stretch, 1)
    space = sample['image'].shape[1:]
    size = full_size('random_resized_crop', size, space)
    long = np.array([n > 1 for n in space])
    side = rng.uniform(*share) ** (1 / max(long.sum(), 1)) * np.exp(rng.uniform(-1, 1, len(space)) * np.log(stretch))
    box = np.where(long, np.clip(np.rint(side * space), 1, space), 1).astype(int)
    start = [int(rng.integers(n - b, endpoint=True)) for n, b in zip(space, box)]
    return resize(crop(sample, start=start, size=box.tolist()), size=size, order=order)


@TRANSFORMS.register_module()
def crop_foreground(sample, rng=None, *, threshold=None, margin=0):
    """The smallest box around what is brighter than the background in any channel; nothing is known of labels.

    Args:
        threshold: intensity above which a voxel is foreground; None finds the body, see ``foreground_mask``.
        margin: voxels around the box, one number or one for each axis of space; dark organs at the body's edge, as lungs may be,
            need some. Where there is no foreground the whole image stays.
    """
    image = sample['image']
    space = image.shape[1:]
    margin = per_axis('crop_foreground', 'margin', margin, len(space))
    check_least('crop_foreground', 'margin', margin, 0)
    check_number('crop_foreground', 'threshold', 0 if threshold is None else threshold)
    box = ndimage.find_objects(foreground_mask(image, threshold).view(np.uint8))
    if not box or box[0] is None:
        return sample
    start = [max(0, int(s.start - m)) for s, m in zip(box[0], margin)]
    stop = [min(n, int(s.stop + m)) for s, m, n in zip(box[0], margin, space)]
    size = [b - a for a, b in zip(start, stop)]
    return sample if tuple(size) == space else crop(sample, start=start, size=size)


def foreground_mask(image, threshold=None):
    """(*space) bool: where any channel of (C, *space) is above ``threshold``, or the body.

    The body is what is bright in any channel [Otsu 1979], without specks: connected regions of less than a hundredth of the
    largest. Dark and bright are parted by the cube roots of the intensities, or dim tissue would be dark beside a bright organ.
    """
    if threshold is not None:
        return (image > threshold).any(0)
    mask = np.zeros(image.shape[1:], bool)
    for channel in image:
        root = np.cbrt(channel - channel.min())
        mask |= root > otsu_threshold(root)
    regions, count = ndimage.label(mask)
    sizes = np.bincount(regions.ravel())
    sizes[0] = 0
    return mask if count < 2 else (sizes >= SPECK * sizes.max())[regions]


def otsu_threshold(channel, *, bins=256):
    """The intensity that parts (*space) into dark and bright voxels with the largest variance between them [Otsu 1979].

    The lower of equals; a constant channel gives its value, above which there is nothing.
    """
    counts, edges = np.histogram(channel, bins)
    if channel.min() == channel.max():
        return channel.min()
    centres = (edges[1:] + edges[:-1]) / 2
    below = counts.cumsum()
    above = below[-1] - below
    total = (counts * centres).cumsum()
    with np.errstate(divide='ignore', invalid='ignore'):
        apart = np.nan_to_num(total / below - (total[-1] - total) / above)
    return edges[1:][(below * above * apart ** 2)[:-1].argmax()]

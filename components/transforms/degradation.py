"""What scanners do to images: noise is in ``intensity``; here blur, coarse voxels, uneven coils, and parts that are missing."""
from __future__ import annotations

import numpy as np
from numpy.polynomial import legendre
from scipy import ndimage

from scarceseg.registry import TRANSFORMS

from .checks import check_axes, check_count, check_interval, check_least, check_number, check_probability, spacing_of
from .grids import resize_array


def blur(image, *, sigma):
    """Each channel of (C, *space) under a Gaussian of ``sigma`` voxels, one number for each axis of space."""
    return np.stack([ndimage.gaussian_filter(c, sigma) for c in image])


@TRANSFORMS.register_module()
def random_blur(sample, rng, *, sigma_mm=(0.5, 1.5), probability=0.5):
    """Blur by a Gaussian whose standard deviation is drawn from ``sigma_mm``, or so many voxels where millimetres are not known."""
    check_probability('random_blur', 'probability', probability)
    check_interval('random_blur', 'sigma_mm', sigma_mm, least=0)
    if rng.random() >= probability:
        return sample
    drawn = rng.uniform(*sigma_mm)
    return dict(sample, image=blur(sample['image'], sigma=[drawn / s for s in spacing_of(sample)]))


def low_resolution(image, *, factor, axes=(-2, -1)):
    """Each channel of (C, *space) with voxels ``factor`` times as long along ``axes``, and back on its grid; both linearly."""
    size = list(image.shape[1:])
    for a in axes:
        size[a] = max(1, round(size[a] / factor))
    linear = (1,) * len(size)
    return np.stack([resize_array(resize_array(c, size, linear), c.shape, linear) for c in image])


@TRANSFORMS.register_module()
def random_low_resolution(sample, rng, *, factor=(1.0, 2.0), axes=(-2, -1), probability=0.5):
    """Simulate voxels that are longer by a factor from an interval [Isensee 2021]; the sample keeps its grid.

    Args:
        axes: that get coarse, counted from the end of space.
    """
    check_probability('random_low_resolution', 'probability', probability)
    check_interval('random_low_resolution', 'factor', factor, least=1)
    axes = check_axes('random_low_resolution', axes, sample['image'].ndim - 1)
    if rng.random() >= probability:
        return sample
    return dict(sample, image=low_resolution(sample['image'], factor=rng.uniform(*factor), axes=axes))


def bias_field(coefficients, space):
    """(*space) float32: exp of the Legendre series with (degree + 1,) * D coefficients, over [-1, 1] along each axis."""
    field = np.asarray(coefficients)
    for n in space:  # an axis goes to the end as it is evaluated, so that the next one comes first
        basis = legendre.legvander(np.linspace(-1, 1, n) if n > 1 else np.zeros(1), field.shape[0] - 1)
        field = np.tensordot(field, basis, (0, 1))
    return np.exp(field).astype(np.float32)


@TRANSFORMS.register_module()
def random_bias_field(sample, rng, *, degree=3, strength=0.3, probability=0.5):
    """Multiply the intensities above each channel's minimum by a smooth random field, as uneven coils of MR do [Leemput 1999].

    Args:
        degree: of the polynomial that is the field's logarithm, in all axes together.
        strength: its coefficients are drawn from [-strength, strength]; the constant one is 0.
    """
    check_probability('random_bias_field', 'probability', probability)
    check_least('random_bias_field', 'strength', strength, 0)
    check_count('random_bias_field', 'degree', degree)
    if rng.random() >= probability:
        return sample
    image = sample['image']
    dims = image.ndim - 1
    coefficients = rng.uniform(-strength, strength, (degree + 1,) * dims)
    total = sum(np.ogrid[(slice(degree + 1),) * dims])
    field = bias_field(np.where((total > 0) & (total <= degree), coefficients, 0), image.shape[1:])
    floor = image.min(tuple(range(1, image.ndim)), keepdims=True)
    return dict(sample, image=(image - floor) * field + floor)


def cutout(image, *, boxes, value=None):
    """(C, *space) with boxes ``[(start, size)]`` filled with ``value``, or each channel's mean."""
    out = image.copy()
    for start, size in boxes:
        box = (slice(None), *(slice(s, s + k) for s, k in zip(start, size)))
        out[box] = image.mean(tuple(range(1, image.ndim)), keepdims=True) if value is None else value
    return out


@TRANSFORMS.register_module()
def random_cutout(sample, rng, *, share=(0.1, 0.4), count=1, value=None, probability=0.5):
    """Fill boxes of the image at random places; the label stays, so that the network learns to fill in [Devries 2017].

    Args:
        share: each side of a box is drawn from this interval of shares of the image's side, and is one voxel at least.
        count: of boxes.
        value: intensity in the boxes; None is each channel's mean.
    """
    check_probability('random_cutout', 'probability', probability)
    check_interval('random_cutout', 'share', share, least=0, most=1)
    check_count('random_cutout', 'count', count)
    check_number('random_cutout', 'value', 0 if value is None else value)
    if rng.random() >= probability:
        return sample
    space = np.array(sample['image'].shape[1:])
    boxes = []
    for _ in range(count):
        part = rng.uniform(*share, len(space))
        size = np.maximum(np.rint(part * space), part > 0).astype(int)
        boxes.append((rng.integers(space - size, endpoint=True), size))
    return dict(sample, image=cutout(sample['image'], boxes=boxes, value=value))

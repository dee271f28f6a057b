"""Rotation, scaling, shear, flips and cropping in one resampling."""
from __future__ import annotations

import numpy as np
from scipy import ndimage

from scarceseg.components.labels import IGNORE
from scarceseg.registry import TRANSFORMS

from .geometry import draw_focus, full_size
from .history import remember


def affine(sample, *, matrix, centre, size, order=1):
    """Resample to ``size`` voxels: output voxel o shows the input at ``centre + matrix (o - (size - 1) / 2)``.

    The image is interpolated by splines of ``order`` (1: linear), and is its channel's minimum outside; the label takes
    the nearest voxel, and is 255 outside.

    Args:
        matrix: (D, D) from output to input offsets in voxels.
        centre: (D,) input position, in voxels, of the output's centre.
        size: D output lengths.
    """
    matrix, size = np.asarray(matrix, float), tuple(size)
    offset = np.asarray(centre, float) - matrix @ ((np.asarray(size, float) - 1) / 2)
    settings = dict(matrix=matrix, offset=offset, output_shape=size, mode='constant')
    out = dict(sample, history=remember(sample, 'affine', matrix=matrix, centre=tuple(centre), size=size))
    out['image'] = np.stack([ndimage.affine_transform(c, order=order, cval=c.min(), **settings) for c in sample['image']])
    if 'label' in sample:
        out['label'] = ndimage.affine_transform(sample['label'], order=0, cval=IGNORE, **settings)
    return out


def draw_affine(rng, space, size, spacing, label, *, rotate_deg, scale, stretch, flip_axes, foreground, longest):
    """Draw ``matrix`` and ``centre`` of ``affine``; see ``random_affine``."""
    dims = len(space)
    angle = np.deg2rad(rng.uniform(-rotate_deg, rotate_deg))
    base = np.ones(dims)
    if longest is not None:
        base[-2:] = longest / max(space[-2:])
    zoom = base * np.exp(rng.uniform(*np.log(scale)) + rng.uniform(-1, 1, dims) * np.log(stretch))
    mirrored = [a % dims for a in flip_axes if rng.random() < 0.5]
    rotation = np.eye(dims)
    rotation[-2:, -2:] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    matrix = rotation * np.asarray(spacing) / np.asarray(spacing)[:, None] / zoom  # rotate in mm, work in voxels
    matrix[:, mirrored] *= -1
    focus = draw_focus(rng, label, foreground)
    last = np.asarray(space) - 1.0
    margin = np.minimum((np.asarray(size) - 1) / base, last) / 2
    low, high = margin, last - margin
    if focus is not None:
        low, high = np.clip([focus - margin, focus + margin], low, high)
    return dict(matrix=matrix, centre=rng.uniform(low, high))


@TRANSFORMS.register_module()
def random_affine(sample, rng, *, size, rotate_deg=180.0, scale=(0.8, 1.25), stretch=1.0, flip_axes=(-2, -1), foreground=0.0,
                  longest=None, order=1):
    """A randomly rotated, scaled, stretched, flipped and placed view of ``size`` voxels, resampled once.

    The view's centre is placed so that without rotation and random scaling the view lies inside the image, as in
    ``random_crop``.

    Args:
        size: voxels along the last axes of space, None for all.
        rotate_deg: the angle is drawn from [-rotate_deg, rotate_deg]; the rotation is in the plane of the last two axes, in
            millimetres.
        scale: magnification is drawn from this interval, uniformly in its logarithm; above 1 things look larger.
        stretch: each axis is magnified by a further factor from [1/stretch, stretch].
        flip_axes: axes, counted from the end of space, that are mirrored with probability one half.
        foreground: probability that the view is placed around a random annotated foreground voxel.
        longest: magnify before all that so that the longer side of the plane has so many voxels, for images that show the
            same at different sizes; predict with the inferer ``rescaled``.
        order: of the spline that interpolates the image.
    """
    space = sample['image'].shape[1:]
    size = full_size(size, space, 'random_affine')
    spacing = sample.get('spacing_mm') or (1.0,) * len(space)
    params = draw_affine(rng, space, size, spacing, sample.get('label'), rotate_deg=rotate_deg, scale=scale, stretch=stretch,
                         flip_axes=flip_axes, foreground=foreground, longest=longest)
    return affine(sample, size=size, order=order, **params)

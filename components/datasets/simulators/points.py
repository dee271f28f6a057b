"""Clicks."""
from __future__ import annotations

import numpy as np
from scipy import ndimage

from scarceseg.components.labels import IGNORE

from .checks import check_count, check_label, check_share, classes_in
from .scribbles import SQUARE


def points_from_label(label, rng, *, count=1, radius=0, middle=0.5, background=True):
    """Click on every region of every class, slice by slice [Bearman 2016].

    Args:
        label: (y, x) or (z, y, x) class indices; 255 is never clicked on.
        rng: numpy Generator; the points are a pure function of the label, its state and the settings.
        count: points in each region; one with fewer voxels has them all.
        radius: voxels around a point that are annotated with it, as far as they are of its class; 0 is the point alone.
        middle: points keep away from the edge of their region by this share of its largest depth, in [0, 1].
        background: click on the background too.

    Returns:
        (*space) uint8, the class on the points and 255 elsewhere. In a slice every class has a point.

    Raises:
        UserError: a label that is not 2D or 3D, or a setting out of range.
    """
    label = check_label(label, 'points_from_label')
    check_count('count', count)
    check_count('radius', radius, least=0)
    check_share('middle', middle, zero=True)
    volume = label[None] if label.ndim == 2 else label
    clicked = np.full(volume.shape, IGNORE, np.uint8)
    for plane, out in zip(volume, clicked):
        for c in classes_in(plane, background=background):
            regions, number = ndimage.label(plane == c, SQUARE)
            points = np.zeros(plane.shape, bool)
            for k in range(1, number + 1):
                depth = ndimage.distance_transform_edt(regions == k)
                places = np.flatnonzero((depth > 0) & (depth >= middle * depth.max()))
                points.flat[rng.choice(places, min(count, len(places)), replace=False)] = True
            near = ndimage.distance_transform_edt(~points) <= radius
            out[near & (plane == c)] = c
    return clicked.reshape(label.shape)

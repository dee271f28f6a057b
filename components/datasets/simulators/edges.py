"""Labels whose edge is ragged."""
from __future__ import annotations

import numpy as np
from scipy import ndimage

from .checks import check_label, check_share, classes_in
from .morphology import check_noise, draw_radius, inner_radius, keep_classes


def distort_edges(label, rng, *, radius=(6, 12), relative=False, share=0.1, classes=None, aspect=None):
    """Bumps and notches along the edge of the foreground: discs that are filled, then, along the new edge, discs that are cleared.

    A disc of a class fills background only, and of two the lower class has a voxel; clearing uncovers background. A class that
    clearing would wipe out keeps what it had.

    Args:
        label: (y, x) or (z, y, x) class indices, 0 the background; 255 stays. In a volume the discs are balls.
        rng: numpy Generator; the result is a pure function of the label, its state and the settings.
        radius, relative, aspect: of the discs, drawn for each; see ``dilate_label``.
        share: of the voxels around a class that are centres of discs, in [0, 1].
        classes: whose edges are distorted; None: of every class but the background.

    Returns:
        (*space) uint8.

    Raises:
        UserError: a label that is not 2D or 3D, or a setting out of range.
    """
    label = check_label(label, 'distort_edges')
    sampling = check_noise(label, radius, relative, aspect) or (1.0,) * label.ndim
    check_share('share', share, zero=True)
    settings = dict(radius=radius, relative=relative, share=share, sampling=sampling)
    chosen = classes_in(label, classes)
    filled = label.copy()
    for c in chosen:
        filled[_discs(label, c, rng, **settings) & (filled == 0)] = c
    cleared = filled.copy()
    for c in chosen:
        cleared[_discs(filled, c, rng, **settings) & np.isin(filled, chosen)] = 0
    return keep_classes(label, cleared)


def _discs(label, c, rng, *, radius, relative, share, sampling):
    """Union (*space) bool of discs around a share of the background voxels next to a class."""
    inside = label == c
    edge = np.argwhere(ndimage.binary_dilation(inside) & (label == 0))
    centres = edge[np.sort(rng.choice(len(edge), round(share * len(edge)), replace=False))] if len(edge) else edge
    unit = inner_radius(inside, sampling) if relative else 1
    union = np.zeros(label.shape, bool)
    for centre in centres:
        reach = draw_radius(rng, radius, relative) * unit
        box = tuple(slice(max(0, int(m - reach / s)), int(m + reach / s) + 1) for m, s in zip(centre, sampling))
        axes = np.ogrid[tuple(slice(b.start, min(b.stop, n)) for b, n in zip(box, label.shape))]
        away = sum(((a - m) * s) ** 2 for a, m, s in zip(axes, centre, sampling))
        union[box] |= away <= reach ** 2
    return union

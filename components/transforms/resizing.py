"""Images on grids of other voxels; see ``grids``."""
from __future__ import annotations

import numpy as np
from scipy import ndimage

from scarceseg.components.labels import IMPLIED
from scarceseg.registry import TRANSFORMS, UserError

from .checks import check_above, check_least, check_order, full_size, refuse
from .fields import fields, move_voxels
from .grids import annotated_index, resize_array, resize_nearest


@TRANSFORMS.register_module()
def resize(sample, rng=None, *, size, order=1, antialias=False):
    """The same extent in ``size`` voxels: the outer edges stay where they are.

    The image is interpolated by splines, the weight linearly; label, soft label and error map take the nearest voxel, and a label
    with voxels that are not annotated keeps its scribbles: where a larger voxel covers annotation it is annotated, by the nearest
    to its centre. ``undo`` leads back to the original grid exactly, labels by the nearest voxel, probabilities linearly.

    Args:
        size: voxels along the last axes of space, None to leave an axis as it is.
        order: of the spline that interpolates the image; 1 is linear, above it splines may overshoot.
        antialias: blur the image before it gets fewer voxels, by a Gaussian of (n / size - 1) / 2 voxels.
    """
    space = sample['image'].shape[1:]
    check_order('resize', order)
    return _resized(sample, full_size('resize', size, space), [order] * len(space), antialias)


@TRANSFORMS.register_module()
def resample(sample, rng=None, *, spacing_mm, order=3, thick_order=1, anisotropy=3.0, antialias=False):
    """Voxels of ``spacing_mm``, to within what makes a whole number of them on the same extent; see ``resize``.

    Along thick slices, where neighbours have little to do with each other, a spline would ring: there another order is taken, as
    nnU-Net does [Isensee 2021].

    Args:
        spacing_mm: voxel size along the last axes of space, None to leave an axis as it is: (None, 1.5, 1.5) for slices.
        order: of the spline that interpolates the image.
        thick_order: of the spline along thick axes: 0 (nearest), 1 (linear), …
        anisotropy: an axis is thick where its voxels are more than so many times as long as the shortest side, before or after.
        antialias: blur the image before it gets fewer voxels.

    Raises:
        UserError: the sample's own spacing is not known.
    """
    check_order('resample', order)
    check_order('resample', thick_order, name='thick_order')
    check_least('resample', 'anisotropy', anisotropy, 1)
    space, spacing = sample['image'].shape[1:], sample.get('spacing_mm')
    if not spacing:
        raise UserError(f'case {sample.get("name", "without name")} has no spacing in millimetres, as pictures have none; resample '
                        'cannot work on it, use resize')
    if not isinstance(spacing_mm, (list, tuple)) or len(spacing_mm) > len(space):
        refuse('resample', 'spacing_mm', spacing_mm, f'the sample has {len(space)} axes of space; give a length, or None to leave '
                                                     'it, for each of the last axes')
    check_above('resample', 'spacing_mm', [1 if s is None else s for s in spacing_mm], 0)
    wanted = [w or s for w, s in zip((None,) * (len(space) - len(spacing_mm)) + tuple(spacing_mm), spacing)]
    size = tuple(max(1, round(n * s / w)) for n, s, w in zip(space, spacing, wanted))
    thick = [max(s / min(spacing), w / min(wanted)) > anisotropy for s, w in zip(spacing, wanted)]
    return _resized(sample, size, [thick_order if t else order for t in thick], antialias)


def _resized(sample, size, orders, antialias):
    space = sample['image'].shape[1:]
    if size == space:
        return sample
    blur = [max(0.0, (n / s - 1) / 2) if antialias else 0.0 for n, s in zip(space, size)]
    index = _label_index(sample, size)

    def change(array, field):
        if not field.interpolated:
            return np.ascontiguousarray(resize_nearest(array, size, index))
        if not field.channels:
            return resize_array(array, size, [min(o, 1) for o in orders])
        smooth = (ndimage.gaussian_filter(c, blur, mode='nearest') if any(blur) else c for c in array)
        return np.stack([resize_array(c, size, orders) for c in smooth])
    out = move_voxels(sample, change, 'resize', shape=space, size=size)
    if out.get('spacing_mm'):
        out['spacing_mm'] = tuple(float(s * n / k) for s, n, k in zip(out['spacing_mm'], space, size))
    return out


def _label_index(sample, size):
    """Where labels, and all that speaks of them, are taken from; see ``annotated_index``."""
    there = dict(fields(sample))
    if 'label' in there:
        return annotated_index(sample['label'] < IMPLIED, size)
    return annotated_index(sample['soft_label'].any(0), size) if 'soft_label' in there else None

"""Views at random places, turned, scaled and bent at random."""
from __future__ import annotations

import numpy as np

from scarceseg.registry import TRANSFORMS, UserError

from .affine import affine, in_voxels, plane_rotation
from .checks import check_above, check_axes, check_interval, check_least, check_probability, full_size, spacing_of
from .elastic import check_displacement, draw_control
from .focus import draw_focus


@TRANSFORMS.register_module()
def random_affine(sample, rng, *, size, rotate_deg=180.0, scale=(0.8, 1.25), stretch=1.0, flip_axes=(-2, -1), foreground=0.0,
                  balanced=False, longest=None, order=1, shear=0.0, displacement_mm=0.0, control_mm=32.0):
    """A randomly rotated, scaled, stretched, flipped, sheared, bent and placed view of ``size`` voxels, resampled once.

    The view's centre is placed so that without rotation and random scaling the view lies inside the image, as in
    ``random_crop``. The spacing is that of the image, as if what is in it had changed, but for ``longest``.

    Args:
        size: voxels along the last axes of space, None for all.
        rotate_deg: the angle is drawn from [-rotate_deg, rotate_deg]; the rotation is in the plane of the last two axes, in
            millimetres. Of a volume also three numbers, for rotations about z, y and x.
        scale: magnification is drawn from this interval, uniformly in its logarithm; above 1 things look larger.
        stretch: each axis is magnified by a further factor from [1/stretch, stretch].
        flip_axes: axes, counted from the end of space, that are mirrored with probability one half.
        foreground: probability that the view is placed around a random annotated foreground voxel.
        balanced: that voxel is of a class drawn first, so that small structures are as frequent as large ones.
        longest: magnify before all that so that the longer side of the plane has so many voxels, for images that show the
            same at different sizes; predict with the inferer ``rescaled``.
        order: of the spline that interpolates the image.
        shear: each axis is moved along each other one by a share of its length, in millimetres, from [-shear, shear].
        displacement_mm, control_mm: elastic deformation, see ``random_elastic``.
    """
    check_affine(rotate_deg=rotate_deg, scale=scale, stretch=stretch, foreground=foreground, longest=longest, shear=shear)
    space = sample['image'].shape[1:]
    size, flip_axes = full_size('random_affine', size, space), check_axes('random_affine', flip_axes, len(space), name='flip_axes')
    params = draw_affine(rng, sample, size, rotate_deg=rotate_deg, scale=scale, stretch=stretch, flip_axes=flip_axes,
                         foreground=foreground, balanced=balanced, longest=longest, shear=shear)
    zoom = base_zoom(space, longest)
    displacement = check_displacement('random_affine', displacement_mm, control_mm, len(space))
    bent = draw_control(rng, sample, size, displacement_mm=displacement, control_mm=control_mm, zoom=zoom)
    out = affine(sample, size=size, order=order, **params, **bent)
    return dict(out, spacing_mm=tuple((spacing_of(sample) / zoom).tolist())) if longest and sample.get('spacing_mm') else out


@TRANSFORMS.register_module()
def random_elastic(sample, rng, *, displacement_mm=6.0, control_mm=32.0, probability=0.5, order=1):
    """A smooth random deformation that nowhere folds, of a sample that keeps its size.

    Displacements are drawn at control points and between them follow cubic B-splines [Rueckert 1999]. To turn and bend in one
    resampling, set ``displacement_mm`` in ``random_affine``.

    Args:
        displacement_mm: no voxel moves further along an axis; one number, or one for each axis of space. Like ``control_mm`` it
            is in voxels where the sample knows no millimetres.
        control_mm: distance of the control points; the larger it is, the smoother. At least 2.5 times the displacement.
        order: of the spline that interpolates the image.
    """
    check_probability('random_elastic', 'probability', probability)
    space = sample['image'].shape[1:]
    displacement = check_displacement('random_elastic', displacement_mm, control_mm, len(space))
    if rng.random() >= probability:
        return sample
    bent = draw_control(rng, sample, space, displacement_mm=displacement, control_mm=control_mm, zoom=np.ones(len(space)))
    if not bent:
        return sample
    return affine(sample, matrix=np.eye(len(space)), centre=[(n - 1) / 2 for n in space], size=space, order=order, **bent)


def draw_affine(rng, sample, size, *, rotate_deg, scale, stretch, flip_axes, foreground, balanced, longest, shear):
    """Draw ``matrix`` and ``centre`` of ``affine``; see ``random_affine``."""
    space = sample['image'].shape[1:]
    dims = len(space)
    turned = draw_rotation(rng, rotate_deg, space)
    base = base_zoom(space, longest)
    zoom = base * np.exp(rng.uniform(*np.log(scale)) + rng.uniform(-1, 1, dims) * np.log(stretch))
    mirrored = [a % dims for a in flip_axes if rng.random() < 0.5]
    focus = draw_focus(rng, sample, foreground, balanced=balanced)
    last = np.asarray(space) - 1.0
    margin = np.minimum((np.asarray(size) - 1) / base, last) / 2
    low, high = margin, last - margin
    if focus is not None:
        low, high = np.clip([focus - margin, focus + margin], low, high)
    centre = rng.uniform(low, high)
    if shear:
        turned = turned @ draw_shear(rng, shear, space)
    matrix = in_voxels(turned, spacing_of(sample)) / zoom
    matrix[:, mirrored] *= -1
    return dict(matrix=matrix, centre=centre)


def base_zoom(space, longest):
    """(D,) magnification that makes the longer side of the plane ``longest`` voxels; None magnifies nothing."""
    base = np.ones(len(space))
    if longest is not None:
        base[-2:] = longest / max(space[-2:])
    return base


def draw_rotation(rng, rotate_deg, space):
    """(3, 3) or (2, 2) rotation by angles from ±``rotate_deg``, one in the plane or three about the axes; see ``random_affine``."""
    if isinstance(rotate_deg, (int, float)):
        return plane_rotation(np.deg2rad(rng.uniform(-rotate_deg, rotate_deg)), (-2, -1), len(space))
    if len(space) != 3 or len(rotate_deg) != 3:
        raise UserError(f'rotate_deg={tuple(rotate_deg)} must be one angle, or, for volumes, three about z, y and x; the '
                        f'sample has {len(space)} axes of space')
    matrix = np.eye(3)
    for reach, plane in zip(rotate_deg, [(1, 2), (0, 2), (0, 1)]):
        angle = np.deg2rad(rng.uniform(-reach, reach))
        if min(space[plane[0]], space[plane[1]]) > 1:  # a single slice is not tilted out of itself
            matrix = matrix @ plane_rotation(angle, plane, 3)
    return matrix


def draw_shear(rng, shear, space):
    """(D, D): each axis is moved along each other one by a share from ±``shear``; an axis of one voxel takes no part."""
    long = np.array([n > 1 for n in space])
    offsets = rng.uniform(-shear, shear, (len(space), len(space))) * long * long[:, None]
    np.fill_diagonal(offsets, 1)
    return offsets


def check_affine(*, rotate_deg, scale, stretch, foreground, longest, shear):
    """Raise UserError where a setting of ``random_affine`` is out of range."""
    check_least('random_affine', 'rotate_deg', rotate_deg, 0)
    check_interval('random_affine', 'scale', scale, above=0)
    check_least('random_affine', 'stretch', stretch, 1)
    check_probability('random_affine', 'foreground', foreground)
    check_above('random_affine', 'longest', 1 if longest is None else longest, 0)
    check_least('random_affine', 'shear', shear, 0)

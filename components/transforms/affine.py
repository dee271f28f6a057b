"""Rotation, scaling, shear, elastic deformation and cropping in one resampling."""
from __future__ import annotations

import numpy as np
from scipy import ndimage

from scarceseg.registry import TRANSFORMS, UserError

from .checks import check_above, check_axes, check_number, check_order, full_size, per_axis, refuse, spacing_of
from .deformation import input_places, nearest_of_plane, offset_of
from .fields import resample_voxels
from .grids import control_counts


@TRANSFORMS.register_module()
def affine(sample, rng=None, *, matrix, centre, size, order=1, control=None, distances=None):
    """Resample to ``size`` voxels: output voxel o shows the input at ``centre + matrix (o + d(o) - (size - 1) / 2)``.

    The image is interpolated by splines of ``order`` (1: linear), and is its channel's minimum outside; the label takes
    the nearest voxel, and is 255 outside.

    Args:
        matrix: (D, D) from output to input offsets in voxels.
        centre: (D,) input position, in voxels, of the output's centre.
        size: D output lengths.
        control: (D, *g) displacements d in output voxels, at the control points of cubic B-splines, or None for no displacement.
        distances: D distances between control points in output voxels; see ``draw_control``.

    Raises:
        UserError: the matrix or the centre is not one of D axes, or the matrix has no inverse, so that nothing leads back.
    """
    check_order('affine', order)
    size = full_size('affine', size, sample['image'].shape[1:])
    matrix, centre = _map(matrix, centre, len(size))
    _check_control(control, size, distances)
    params = dict(matrix=matrix, centre=centre, size=size, control=control, distances=distances)
    where = dict(matrix=matrix, offset=offset_of(matrix, centre, size))
    places = None if control is None else input_places(**params)

    def change(array, out, field):
        settings = dict(output=out, order=_order(field, order), mode='constant', cval=field.filler(array))
        if places is not None:
            ndimage.map_coordinates(array, places, **settings)
        elif array.ndim == 2 and not settings['order']:
            nearest_of_plane(array, out, outside=settings['cval'], **where)
        else:
            ndimage.affine_transform(array, output_shape=size, **where, **settings)
    return resample_voxels(sample, change, 'affine', shape=sample['image'].shape[1:], **params)


def _map(matrix, centre, dims):
    """``matrix`` (D, D) and ``centre`` (D,) as numbers."""
    try:
        numbers, middle = np.array(matrix, float), tuple(np.array(centre, float).ravel().tolist())
    except (TypeError, ValueError) as error:
        raise UserError(f'affine needs numbers in matrix={matrix!r} and centre={centre!r}: {error}') from error
    if numbers.shape != (dims, dims) or not np.isfinite(numbers).all() or abs(np.linalg.det(numbers)) < 1e-12:
        refuse('affine', 'matrix', matrix, f'it must be {dims} rows of {dims} numbers with an inverse')
    if len(middle) != dims or not np.isfinite(middle).all():
        refuse('affine', 'centre', centre, f'it must be {dims} numbers, the position of the middle in voxels')
    return numbers, middle


def _check_control(control, size, distances):
    if control is None:
        return
    check_above('affine', 'distances', per_axis('affine', 'distances', distances, len(size)), 0)
    wanted = (len(size), *control_counts(size, distances))
    if np.shape(control) != wanted:
        raise UserError(f'control of shape {np.shape(control)} of affine must be {wanted} for a view of {size} voxels with control '
                        f'points {tuple(distances)} apart')


def _order(field, order):
    """Of the splines for a field: an image's own, at most 1 for a weight, 0 for what is not interpolated."""
    return (order if field.channels else min(order, 1)) if field.interpolated else 0


def plane_rotation(angle, axes, dims):
    """(D, D) [[cos, -sin], [sin, cos]] of an angle in radians, in the plane of two axes."""
    a, b = axes
    matrix = np.eye(dims)
    matrix[a, a] = matrix[b, b] = np.cos(angle)
    matrix[a, b], matrix[b, a] = -np.sin(angle), np.sin(angle)
    return matrix


def in_voxels(matrix, spacing):
    """A (D, D) matrix of offsets in millimetres as one of offsets in voxels."""
    spacing = np.asarray(spacing)
    return matrix * spacing / spacing[:, None]


@TRANSFORMS.register_module()
def rotate(sample, rng=None, *, angle_deg, axes=(-2, -1), order=1):
    """Turn about the middle by ``angle_deg`` in the plane of two axes, from the first towards the second, in millimetres.

    The size stays: corners leave the view, and come back as 255 in a label, or empty, when it is undone.
    """
    space = sample['image'].shape[1:]
    axes = check_axes('rotate', axes, len(space), count=2)
    check_number('rotate', 'angle_deg', angle_deg)
    turned = np.round(plane_rotation(-np.deg2rad(angle_deg), axes, len(space)), 15)  # a quarter turn has no 1e-17 in it
    return _about_middle(sample, in_voxels(turned, spacing_of(sample)), order)


@TRANSFORMS.register_module()
def scale(sample, rng=None, *, factor, order=1):
    """Magnify about the middle by ``factor``, one number or one for each axis of space; the size stays."""
    factor = per_axis('scale', 'factor', factor, sample['image'].ndim - 1)
    check_above('scale', 'factor', factor, 0)
    return _about_middle(sample, np.diag(1 / np.asarray(factor, float)), order)


@TRANSFORMS.register_module()
def shear(sample, rng=None, *, share, axes=(-2, -1), order=1):
    """Move along the first of two axes by ``share`` of the distance from the middle along the second, in millimetres."""
    space = sample['image'].shape[1:]
    axes = check_axes('shear', axes, len(space), count=2)
    check_number('shear', 'share', share)
    matrix = np.eye(len(space))
    matrix[axes] = -share
    return _about_middle(sample, in_voxels(matrix, spacing_of(sample)), order)


def _about_middle(sample, matrix, order):
    space = sample['image'].shape[1:]
    return affine(sample, matrix=matrix, centre=[(n - 1) / 2 for n in space], size=space, order=order)

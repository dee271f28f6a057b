"""Generated volumes that look like short-axis cine MR of the heart, with labels."""
from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from scarceseg.registry import UserError

from .shapes import blob, coverage, paint, per_slice, plane_mm, random_waves, smooth_field

FIELD_MM = 150.0  # in a smaller field of view the whole body shrinks, so that a heart always fits
LEAST = 24  # voxels along y and x; with fewer a wall would fall between two voxels


class Heart(NamedTuple):
    """Signed distances (z, y, x) in mm of what is drawn and labelled, and the depth (z,) of each slice."""

    right: np.ndarray
    epi: np.ndarray
    endo: np.ndarray
    atrium: np.ndarray
    papillary: np.ndarray
    depth: np.ndarray  # 0 at the base, 1 at the apex


def phantom_case(index, *, seed=0, shape=(8, 112, 112), spacing_mm=(10.0, 1.5, 1.5)):
    """Case ``index`` of an endless population of hearts; a pure function of its arguments.

    The first slice lies at the base and the last at the apex, whatever their number. Above the base the left heart is
    an atrium, which is background; towards the ends of the stack classes may be absent, in the volume none is.

    Args:
        index: 0 or more.
        seed: 0 or more; another seed is another population.
        shape: (z, y, x) voxels.
        spacing_mm: (z, y, x) voxel size.

    Returns:
        dict of image (1, z, y, x) float32, not negative, on a scale that differs between cases; label (z, y, x) uint8
        with 0 background, 1 right ventricle, 2 myocardium, 3 left ventricle; and spacing_mm.

    Raises:
        UserError: a negative index or seed, or a shape or spacing that no heart fits.
    """
    _check(index, seed, shape, spacing_mm)
    rng = np.random.default_rng(np.random.SeedSequence([seed, index]))
    scale = min(1.0, *(n * s / FIELD_MM for n, s in zip(shape[1:], spacing_mm[1:])))
    spacing = [s / scale for s in spacing_mm]
    y, x = plane_mm(shape, spacing)
    edge_mm = 1.3 * max(spacing[1:])
    tissue = _tissues(rng)
    heart = _heart(rng, y, x, shape[0])
    image = _draw_body(rng, y, x, shape[0], tissue, edge_mm)
    _draw_heart(rng, y, x, image, heart, tissue, edge_mm)
    return dict(image=_acquire(rng, y, x, image)[None], label=_label(heart), spacing_mm=tuple(spacing_mm))


def _check(index, seed, shape, spacing_mm):
    if index < 0 or seed < 0:
        raise UserError(f'the phantom has no case {index} of seed {seed}; index and seed are 0 or more')
    if len(shape) != 3 or len(spacing_mm) != 3 or shape[0] < 1 or min(shape[1:]) < LEAST or min(spacing_mm) <= 0:
        raise UserError(f'no heart fits shape={tuple(shape)} and spacing_mm={tuple(spacing_mm)}; give (z, y, x) for '
                        f'both, with at least 1 x {LEAST} x {LEAST} voxels of a size above 0')


def _heart(rng, y, x, count):
    """Position, size and shapes of a heart in ``count`` slices."""
    first, last = rng.uniform(-0.12, 0.04), rng.uniform(0.93, 1.1)
    depth = first + (np.arange(count) + 0.5) / count * (last - first)
    outer_mm, wall_mm = rng.uniform(26, 37), rng.uniform(6.5, 11.5)
    tilt, breathing = rng.normal(0, 7, 2), rng.normal(0, 1.2, (count, 2)).T
    cy, cx = np.array([[8.0], [11.0]]) + rng.normal(0, 5, (2, 1)) + breathing + tilt[:, None] * (depth - 0.4)
    turn = np.pi + rng.normal(0, 0.35) + rng.normal(0, 0.25) * (depth - 0.4)  # direction of the right ventricle
    epi, endo, radius = _left_ventricle(rng, y, x, (cy, cx), turn, depth, outer_mm - wall_mm, wall_mm)
    right = _right_ventricle(rng, y, x, (cy, cx), turn, depth, outer_mm)
    high = np.where(depth < 0, outer_mm - wall_mm, 0)
    atrium = blob(y, x, (cy, cx), (0.9 * high, 1.1 * high), angle=0.6, waves=[(3, 0.08, 0.5)])
    return Heart(right=np.maximum(right, -np.minimum(epi, atrium - 2)), epi=epi, endo=endo, atrium=atrium,
                 papillary=_papillary(rng, y, x, (cy, cx), turn, depth, radius), depth=depth)


def _left_ventricle(rng, y, x, centre, turn, depth, cavity_mm, wall_mm):
    """Outer and inner outline of the wall, and the cavity's radius (z,), 0 where there is none."""
    inside = depth.clip(0, 1)
    radius = np.where(inside == depth, cavity_mm * np.sqrt(1 - inside ** rng.uniform(2.5, 4)), 0)
    thickness = wall_mm * (1 - (1 - rng.uniform(0.6, 0.9)) * inside)
    outer = np.where(radius > 0, radius + thickness, 0)
    oval, shift = rng.uniform(0.92, 1.08), rng.uniform(0, 0.12) * wall_mm
    epi = blob(y, x, centre, (outer * oval, outer / oval), angle=turn, waves=random_waves(rng, 0.05, 0.03))
    inner = centre[0] + shift * np.sin(turn), centre[1] + shift * np.cos(turn)
    endo = blob(y, x, inner, (radius * oval, radius / oval), angle=turn, waves=random_waves(rng, 0.05, 0.04))
    return epi, np.maximum(endo, epi + 3.5), radius  # nowhere a wall of less than 3.5 mm


def _right_ventricle(rng, y, x, centre, turn, depth, outer_mm):
    """A blob beside the left ventricle; with the left ventricle cut out it is a crescent."""
    begin, end = rng.uniform(-0.2, 0.03), rng.uniform(0.85, 0.99)
    share = np.sqrt(1 - (depth / end).clip(0, 1) ** rng.uniform(1.5, 2.6)) * ((depth >= begin) & (depth < end))
    away = outer_mm * (0.45 + rng.uniform(0.28, 0.45) * share)
    angle = turn + rng.normal(0, 0.15)
    middle = centre[0] + away * np.sin(angle), centre[1] + away * np.cos(angle)
    across, along = outer_mm * share * rng.uniform(0.95, 1.25), outer_mm * share * rng.uniform(0.95, 1.15)
    corner = (3, rng.uniform(0.04, 0.13), np.pi + rng.normal(0, 0.3))
    return blob(y, x, middle, (across, along), angle=angle, waves=[corner, *random_waves(rng, 0.04)])


def _papillary(rng, y, x, centre, turn, depth, radius):
    """The two papillary muscles, from the middle of the cavity towards the apex; they belong to the cavity's label."""
    muscles = []
    for side in (1.9, -2.1):
        angle, far = turn + side + rng.normal(0, 0.25), rng.uniform(0.55, 0.85) * radius
        size = radius * rng.uniform(0.12, 0.26) * ((depth > 0.25) & (depth < 0.85))
        place = centre[0] + far * np.sin(angle), centre[1] + far * np.cos(angle)
        muscles.append(blob(y, x, place, (size, size * rng.uniform(1, 1.6)), angle=angle))
    return np.minimum(*muscles)


def _label(heart):
    label = np.zeros(heart.epi.shape, np.uint8)
    for value, shape in ((1, heart.right), (2, heart.epi), (3, heart.endo)):
        label[shape < 0] = value
    return label


def _tissues(rng):
    """Brightness of each tissue; the blood of the left ventricle is 1."""
    usual = dict(right_blood=(0.85, 0.08), muscle=(0.38, 0.15), lung=(0.1, 0.3), fat=(1.25, 0.2), liver=(0.5, 0.2),
                 stomach=(0.6, 0.4), mediastinum=(0.5, 0.25), epicardial_fat=(0.8, 0.25))
    return {name: float(value * np.exp(rng.normal(0, spread))) for name, (value, spread) in usual.items()}


def _draw_body(rng, y, x, count, tissue, edge_mm):
    """The image (z, y, x) of all but the heart: air, chest wall, lungs, organs, vessels."""
    image = np.full((count, y.size, x.size), 0.02, np.float32)
    rough = smooth_field(rng, y, x, count, wavelength_mm=(12, 50))
    skin = blob(y, x, (55 + rng.normal(0, 4), rng.uniform(-50, -15)), (rng.uniform(110, 126), rng.uniform(122, 140)),
                angle=rng.normal(0, 0.12), waves=random_waves(rng, 0.02, 0.02))
    fat_mm, muscle_mm = rng.uniform(5, 14), rng.uniform(6, 11)
    paint(image, skin, tissue['fat'] * (1 + 0.1 * rough), edge_mm)
    paint(image, skin + fat_mm, tissue['muscle'] * (1 + 0.35 * rough), edge_mm)
    chest = skin + fat_mm + muscle_mm
    paint(image, chest, tissue['lung'] * (1 + 0.2 * rough + 2.2 * np.maximum(rough - 1.4, 0)), edge_mm)
    low = np.linspace(0, 1, count)  # the diaphragm comes nearer towards the apex
    for name, centre, radii, rise, texture in (('mediastinum', (42, -38), (34, 44), 0, 0.25),
                                               ('liver', (88, -35), (48, 66), 22, 0.08),
                                               ('stomach', (78, 36), (26, 34), 14, 0.2)):
        centre = centre[0] + rng.normal(0, 6) - rise * low, centre[1] + rng.normal(0, 8)
        organ = blob(y, x, centre, np.array(radii) * rng.uniform(0.85, 1.2, 2), angle=rng.normal(0, 0.4),
                     waves=random_waves(rng, 0.08, 0.06, 0.04))
        paint(image, organ, tissue[name] * (1 + texture * rough), 2 * edge_mm)
    _draw_vessels(rng, y, x, image, chest, low, tissue, edge_mm)
    return image


def _draw_vessels(rng, y, x, image, chest, low, tissue, edge_mm):
    """The aorta, first, and other bright tubes in the chest; with a dark wall they look like small left ventricles."""
    tubes = []
    for k in range(rng.integers(4, 8)):
        angle, far = (rng.normal(1.3, 0.3), 55) if k == 0 else (rng.uniform(-0.5, 3.8), rng.uniform(48, 82))
        centre = [far * f(angle) + rng.normal(0, 10) * low for f in (np.sin, np.cos)]
        radius = rng.uniform(9, 13) if k == 0 else rng.uniform(3.5, 13)
        tubes.append(blob(y, x, centre, (radius, radius * rng.uniform(0.9, 1.3)), angle=rng.uniform(0, np.pi)))
        wall = np.maximum(tubes[-1] - rng.choice([0.0, 2.0, 5.0]), chest)
        paint(image, wall, tissue['muscle'] * rng.uniform(0.7, 1.2), edge_mm)
    for tube in tubes:
        paint(image, np.maximum(tube, chest + 3), rng.uniform(0.7, 1.1), edge_mm)


def _draw_heart(rng, y, x, image, heart, tissue, edge_mm):
    """Fat, walls and blood of the heart over the body's image, in place."""
    flow, rough = (smooth_field(rng, y, x, len(image), wavelength_mm=w) for w in ((25, 70), (9, 24)))
    muscle, blood = tissue['muscle'] * (1 + 0.07 * rough), 1 + 0.06 * flow
    trabeculae = coverage(0.7 - rough, 1.4) * per_slice(0.08 + 0.3 * heart.depth.clip(0, 1))
    fat_mm = np.maximum(2.5 + 2.5 * flow, 0)
    paint(image, np.minimum(heart.right, heart.epi) - fat_mm, tissue['epicardial_fat'] * (1 + 0.1 * rough), 2 * edge_mm)
    paint(image, heart.right - 2.5, muscle, edge_mm)
    paint(image, heart.right, tissue['right_blood'] * blood * (1 - trabeculae), edge_mm)
    paint(image, heart.atrium - 2, muscle, edge_mm)
    paint(image, heart.atrium, blood, edge_mm)
    paint(image, heart.epi, muscle, edge_mm)
    paint(image, heart.endo, blood, 1.5 * edge_mm)
    paint(image, np.maximum(heart.papillary, heart.endo + 1), 1.1 * muscle, edge_mm)


def _acquire(rng, y, x, image):
    """What the scanner makes of it: coil sensitivity, blur, Rician noise, an arbitrary scale."""
    y, x = y / np.abs(y).max(), x / np.abs(x).max()
    a, b, c = rng.normal(0, 0.15, 3).tolist()
    image = ndimage.gaussian_filter(image * np.exp(a * x + b * y - 0.1 * y + c * x * y), (0, 0.45, 0.45))
    real, imaginary = rng.standard_normal((2, *image.shape), dtype=np.float32) * np.float32(rng.uniform(0.03, 0.07))
    return np.hypot(image + real, imaginary) * np.float32(rng.uniform(150, 600))

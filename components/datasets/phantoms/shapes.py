"""Implicit shapes for generated images: a shape is its signed distance (z, y, x) in mm, negative inside.

Shapes are joined by ``np.minimum`` (union), ``np.maximum`` (intersection) and a minus sign (complement).
"""
import numpy as np

FAR_MM = 1e4  # the distance of a shape that is not there


def per_slice(values):
    """(z,) numbers, or one number, as a float32 array that broadcasts over (z, y, x)."""
    return np.asarray(values, np.float32).reshape(-1, 1, 1)


def plane_mm(shape, spacing_mm):
    """In-plane coordinates y (1, y, 1) and x (1, 1, x) in mm, zero at the centre of the field of view."""
    y, x = ((np.arange(n, dtype=np.float32) - (n - 1) / 2) * np.float32(s) for n, s in zip(shape[1:], spacing_mm[1:]))
    return y[None, :, None], x[None, None, :]


def blob(y, x, centre, radii, *, angle=0.0, waves=()):
    """Ellipse in every slice, whose outline may undulate.

    Args:
        y, x: in-plane coordinates, mm.
        centre: (y, x), numbers or (z,) arrays, mm.
        radii: half axes (across, along) the direction ``angle``, numbers or (z,) arrays, mm. Zero: no shape.
        angle: direction from +x towards +y, radians, number or (z,) array.
        waves: triples (order n, share of the radius, phase), each adds ``share cos(n θ + phase)`` to the outline.

    Returns:
        (z, y, x) float32, the distance along the ray from the centre, so roughly the distance to the outline, mm.
    """
    cy, cx, across, along, angle = (per_slice(v) for v in (*centre, *radii, angle))
    cosine, sine = np.cos(angle), np.sin(angle)
    nowhere = np.where((across > 0) & (along > 0), np.float32(0), np.float32(FAR_MM))
    across, along = np.maximum(across, 1e-3), np.maximum(along, 1e-3)
    p = (x - cx) * (cosine / along) + (y - cy) * (sine / along)
    q = (y - cy) * (cosine / across) - (x - cx) * (sine / across)
    outline = np.float32(1)
    if waves:
        theta = np.arctan2(q, p)
        outline = 1 + sum(np.float32(share) * np.cos(n * theta + np.float32(phase)) for n, share, phase in waves)
    return (np.sqrt(p * p + q * q) - outline) * np.sqrt(across * along) + nowhere


def random_waves(rng, *shares):
    """Outline waves for ``blob`` of order 2, 3, … with random phases and at most these shares of the radius."""
    return [(n, rng.uniform(0.3, 1) * share, rng.uniform(0, 2 * np.pi)) for n, share in enumerate(shares, 2)]


def coverage(distance, edge_mm):
    """Share of a voxel that lies inside a shape, [0, 1]: the partial volume of an edge ``edge_mm`` wide."""
    return np.clip(np.float32(0.5) - distance / np.float32(edge_mm), 0, 1)


def paint(image, distance, value, edge_mm):
    """Cover ``image`` (z, y, x), in place, by ``value`` (number or array) inside a shape."""
    image += coverage(distance, edge_mm) * (value - image)


def smooth_field(rng, y, x, depth, *, wavelength_mm, drift=0.6, count=16):
    """Smooth random texture (z, y, x), mean 0 and variance about 1: a sum of plane waves.

    Args:
        y, x: in-plane coordinates, mm.
        depth: number of slices.
        wavelength_mm: (shortest, longest) wavelength.
        drift: by how many radians the waves move from slice to slice, standard deviation.
        count: number of waves.
    """
    direction, phase = rng.uniform(0, 2 * np.pi, (2, count))
    k = 2 * np.pi / rng.uniform(*wavelength_mm, count)
    along_z = rng.normal(0, drift, count)[:, None] * np.arange(depth) + phase[:, None]
    along_y = (k * np.sin(direction))[:, None] * y.ravel()
    along_x = (k * np.cos(direction))[:, None] * x.ravel()
    zy = np.exp(1j * (along_z[:, :, None] + along_y[:, None, :])).reshape(count, -1)
    waves = np.exp(1j * along_x)
    total = zy.real.T @ waves.real - zy.imag.T @ waves.imag
    return (total * np.sqrt(2 / count)).astype(np.float32).reshape(depth, y.size, x.size)

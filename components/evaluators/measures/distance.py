"""Measures of how far the surfaces of label and prediction lie apart; in millimetres, or in voxels where files know none."""
from __future__ import annotations

from scarceseg.registry.errors import UserError

from .. import surface
from ..measuring import measure


@measure('HD', kind='length', better='lower')
def hd(c):
    """Hausdorff distance, the largest of all distances from one surface to the other [Huttenlocher 1993]."""
    return surface.hausdorff(c.distances, percentile=100)


@measure('HD95', kind='length', better='lower')
def hd95(c):
    """The larger of both directed 95th percentiles, as in MONAI; medpy throws both directions together first."""
    return surface.hausdorff(c.distances, percentile=95)


@measure('HD{percentile}', column='hausdorff{percentile:g}_{unit}', kind='length', better='lower')
def hausdorff(c, *, percentile):
    """The larger of both directed percentiles, interpolated linearly; 50 is the median distance."""
    if not 0 <= percentile <= 100:
        raise UserError(f'percentile={percentile} of the Hausdorff distance must lie in [0, 100]')
    return surface.hausdorff(c.distances, percentile=percentile)


@measure('ASSD', kind='length', better='lower')
def assd(c):
    """Average symmetric surface distance: the mean over all surface voxels of both sides [Heimann 2009]."""
    return surface.assd(c.distances)


@measure('ASD to label', kind='length', better='lower')
def asd_prediction(c):
    """Mean distance from the predicted surface to the label's: what was painted too much, or elsewhere."""
    return _mean(c.distances[1])


@measure('ASD to prediction', kind='length', better='lower')
def asd_label(c):
    """Mean distance from the label's surface to the predicted one: what was missed."""
    return _mean(c.distances[0])


@measure('surface Dice {tolerance} {unit}', column='surface_dice_{tolerance:g}{unit}')
def surface_dice(c, *, tolerance=1.0):
    """Share of both surfaces that lies within ``tolerance`` of the other [Nikolov 2021].

    Surface voxels are counted, as in MONAI; DeepMind's surface-distance weighs them by the area of a mesh, which is another number.

    Args:
        tolerance: in millimetres, or in voxels where files know none; the edge is within.

    Returns:
        Float in [0, 1]; 0 where the class is on one side only, NaN where it is on neither.
    """
    if not tolerance >= 0:
        raise UserError(f'tolerance={tolerance} of the surface Dice must be 0 or more')
    if c.state != 'both':
        return float('nan') if c.state == 'both_empty' else 0.0
    near = sum(int((d <= tolerance).sum()) for d in c.distances)
    return near / sum(d.size for d in c.distances)


def _mean(distances):
    return float(distances.mean()) if distances.size else float('nan')

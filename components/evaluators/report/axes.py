"""Axes of drawings in SVG: where a value lies, which values are written beside it, and how."""
from __future__ import annotations

import math
from typing import NamedTuple


class Axis(NamedTuple):
    """Values from ``low`` to ``high`` drawn from ``start`` to ``stop``, evenly or by their logarithms."""

    low: float
    high: float
    start: float
    stop: float
    log: bool = False

    def at(self, value):
        """Where a value is drawn."""
        low, high, value = (math.log10(v) if self.log else v for v in (self.low, self.high, value))
        return self.start + (value - low) / (high - low) * (self.stop - self.start)

    def ticks(self, count=5):
        """Round values on the axis, about ``count`` of them."""
        if self.log:
            first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
            values = [m * 10.0 ** e for e in range(first, last + 1) for m in ((1, 2, 5) if last - first < 4 else (1,))]
        else:
            rough = (self.high - self.low) / count
            power = 10.0 ** math.floor(math.log10(rough))
            step = power * next(m for m in (1, 2, 2.5, 5, 10) if m * power >= 0.99 * rough)
            values = [k * step for k in range(math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9) + 1)]
        slack = 1e-9 * (self.high - self.low)
        return [v for v in values if self.low - slack <= v <= self.high + slack]


def axis_of(values, start, stop, *, log=False, low=None, high=None, margin=0.05):
    """The axis that shows all values, with a little room at the ends that ``low`` and ``high`` do not fix."""
    if log:
        return Axis(min(values) / 1.15, max(values) * 1.15, start, stop, True)
    least = min(values) if low is None else min(low, *values)
    most = max(values) if high is None else max(high, *values)
    spread = most - least or abs(most) or 1.0
    return Axis(least - margin * spread * (low is None), most + margin * spread * (high is None or most == least), start, stop)


def short(value):
    """A number in three or four digits: '0.002', '12.5', '16 000', '1.0e-06'."""
    if not math.isfinite(value):
        return str(value)
    if value and not 1e-4 <= abs(value) < 1e7:
        return f'{value:.1e}'
    if abs(value) >= 1000:
        return f'{value:,.0f}'.replace(',', '\u202f')
    return f'{value:.4g}'

"""Schedules: pure functions from the iteration to a number. Any weight or setting of a method may be one."""
import math

from scarceseg.registry import SCHEDULES


def _progress(iteration, begin, length):
    """Share of the ramp that is done, in [0, 1]."""
    return min(max(iteration - begin, 0), length) / length if length > 0 else float(iteration >= begin)


@SCHEDULES.register_module()
def sigmoid_rampup(iteration, *, stop, length, start=0.0, begin=0):
    """Sigmoid-shaped ramp ``start + (stop - start) exp(-5 (1 - s)^2)`` with ``s = (iteration - begin) / length`` cut to
    [0, 1] [Laine 2017].

    As in the paper the curve starts at ``exp(-5) = 0.0067`` of the way, not at 0, and stays there before ``begin``.

    Args:
        iteration: 0-based training iteration.
        start, stop: the ends of the ramp.
        begin, length: first iteration and number of iterations of the ramp.
    """
    return start + (stop - start) * math.exp(-5.0 * (1.0 - _progress(iteration, begin, length)) ** 2)


@SCHEDULES.register_module()
def step(iteration, *, at, before=0.0, after=1.0):
    """``before`` until iteration ``at``, ``after`` from then on."""
    return after if iteration >= at else before


@SCHEDULES.register_module()
def linear_rampup(iteration, *, stop, length, start=0.0, begin=0):
    """Straight ramp from ``start`` to ``stop`` over ``length`` iterations from ``begin`` on."""
    return start + (stop - start) * _progress(iteration, begin, length)

import math

import pytest

from scarceseg.components.schedules import linear_rampup, sigmoid_rampup


@pytest.mark.parametrize('iteration, share', [(0, 0), (100, 0), (150, 0.25), (200, 0.5), (300, 1), (1000, 1)])
def test_the_sigmoid_ramp_is_its_formula(iteration, share):
    expected = 0.5 * math.exp(-5 * (1 - share) ** 2)
    assert sigmoid_rampup(iteration, stop=0.5, begin=100, length=200) == pytest.approx(expected)


@pytest.mark.parametrize('iteration, value', [(0, 1.0), (10, 1.0), (15, 2.0), (20, 3.0), (99, 3.0)])
def test_the_straight_ramp_goes_from_start_to_stop(iteration, value):
    assert linear_rampup(iteration, start=1.0, stop=3.0, begin=10, length=10) == pytest.approx(value)


@pytest.mark.parametrize('ramp', [linear_rampup, sigmoid_rampup])
def test_a_ramp_never_falls_and_a_ramp_of_no_length_is_a_step(ramp):
    values = [ramp(t, stop=2.0, begin=5, length=20) for t in range(40)]
    assert values == sorted(values) and values[-1] == 2.0
    assert ramp(5, stop=2.0, begin=5, length=0) == 2.0

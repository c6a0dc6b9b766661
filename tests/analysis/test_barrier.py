"""The error barrier, against exact fractions."""

from fractions import Fraction

import numpy as np
import pytest

from lth_engine.analysis.lines.barrier import Barrier, error_barrier
from lth_engine.core.errors import BadInput, NonFinite

ALPHA = np.linspace(0, 1, 101)


def test_T11_the_barrier_is_the_highest_point_less_the_mean_of_the_ends():
    assert error_barrier(np.array([0, 0.25, 1]), np.array([0.25, 0.75, 0.5])) == Barrier(0.375, 0.25)
    assert error_barrier(np.array([0, 0.5, 1]), np.array([0.5, 0.0, 0.25])) == Barrier(0.125, 0.0)  # a valley
    assert error_barrier(np.array([0.0, 1]), np.array([0.125, 0.625])) == Barrier(0.25, 1.0)
    assert error_barrier(np.array([0, 0.25, 0.75, 1]), np.array([0.0, 1, 1, 0])) == Barrier(1.0, 0.25)


def test_T11_a_flat_curve_has_barrier_zero():
    for value in (0.0, 0.1, 1 / 3, 1e-12, 7e5):
        assert error_barrier(ALPHA, np.full(101, value)) == Barrier(0.0, 0.0)


@pytest.mark.parametrize("seed", range(20))
def test_T11_the_barrier_is_at_least_half_the_distance_of_the_ends(seed):
    wrong = np.random.default_rng(seed).integers(0, 10_001, 101)
    found = error_barrier(ALPHA, wrong / 10_000)
    ends = Fraction(int(wrong[0]), 10_000), Fraction(int(wrong[-1]), 10_000)
    exact = Fraction(int(wrong.max()), 10_000) - (ends[0] + ends[1]) / 2
    assert found.height == pytest.approx(float(exact), abs=1e-15)
    assert exact >= abs(ends[0] - ends[1]) / 2
    assert found.height >= abs(wrong[0] - wrong[-1]) / 20_000 - 1e-15
    assert wrong[round(100 * found.alpha)] == wrong.max()
    assert error_barrier(ALPHA, wrong[::-1] / 10_000).height == found.height


@pytest.mark.parametrize(("alpha", "value"), [([], []), ([0.0], [0.1]), ([0.0, 1.0], [0.1]), (0.5, 0.1),
                                              ([[0.0, 1.0]], [[0.1, 0.2]])])
def test_a_barrier_needs_two_ends(alpha, value):
    with pytest.raises(BadInput, match=r"at least 2 places .* measure both ends\."):
        error_barrier(np.array(alpha), np.array(value))


def test_places_must_ascend():
    with pytest.raises(BadInput, match=r"must ascend"):
        error_barrier(np.array([0, 1, 0.5]), np.zeros(3))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_named(bad):
    value = np.zeros(101)
    value[[30, 40]] = bad
    with pytest.raises(NonFinite, match=r"NaN or infinite at alpha 0\.3,"):
        error_barrier(ALPHA, value)

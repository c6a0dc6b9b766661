"""Which places are measured when not all are, on curves of which all places are known."""

import numpy as np
import pytest

from lth_engine.analysis.lines.adaptive import coarse, next_place

ALPHA = np.linspace(0, 1, 101)
TENTH = 0.001
"""A tenth of a point, as a fraction."""


def bump(middle, width):
    return np.exp(-((ALPHA - middle) / width) ** 2 / 2)


def walk(draw, images):
    """Counting noise of a smooth kind: what neighbouring networks get wrong differs in few images."""
    flips = draw.binomial(images, 0.0005, 101) - draw.binomial(images, 0.0005, 101)
    return np.cumsum(flips - flips.mean()).round() / images


def drawn(kind, seed):
    """An error curve of 101 places."""
    draw = np.random.default_rng(seed)
    base, height = draw.uniform(0.01, 0.2), draw.choice([0.01, 0.05, 0.3, 0.7])
    middle, width = draw.uniform(0.1, 0.9, 2)
    shapes = {
        "one peak": lambda: height * bump(middle, 0.03 + width / 4),
        "two peaks": lambda: height * (bump(middle, 0.02 + width / 8) + draw.uniform(0.7, 1) * bump(width, 0.05)),
        "a plateau": lambda: height * np.clip(np.minimum(ALPHA, 1 - ALPHA) * draw.uniform(2.1, 15), 0, 1),
        "a wedge": lambda: height * np.interp(ALPHA, [0, middle, 1], [0, 1, 0]),
        "monotone": lambda: height * ALPHA ** draw.uniform(0.3, 5),
        "a step": lambda: height / (1 + np.exp((middle - ALPHA) / 0.01)),
        "a valley": lambda: height * (1 - np.sin(np.pi * ALPHA)),
        "flat": lambda: 0 * ALPHA,
        "flat with noise": lambda: np.abs(walk(draw, 10_000)),
        "a plateau with noise": lambda: height * np.clip(5 * np.minimum(ALPHA, 1 - ALPHA), 0, 1) + walk(draw, 10_000)}
    return base + draw.uniform(-0.1, 0.1) * ALPHA * (kind != "flat with noise") + shapes[kind]()


KINDS = ("one peak", "two peaks", "a plateau", "a wedge", "monotone", "a step", "a valley", "flat", "flat with noise",
         "a plateau with noise")


def measured(values, most=33):
    """The places in the order in which they are measured."""
    order, known = [], np.full(values.shape, np.nan)
    done = np.zeros(len(values), bool)
    while (place := next_place(known, done, most)) is not None:
        assert not done[place], "no place twice"
        order.append(place)
        known[place], done[place] = values[place], True
    return order


def beside(error):
    """The error, and three curves that rise and fall elsewhere."""
    return np.stack([error, 3 * error + 0.3 * np.sin(3 * ALPHA), np.roll(error, 3), 2 * error[::-1]], axis=1)


@pytest.mark.parametrize("kind", KINDS)
def test_the_barrier_is_found_within_a_tenth_of_a_point_by_a_third_of_the_places(kind):
    for seed in range(60):
        values = beside(drawn(kind, seed))
        order = measured(values)
        assert len(order) == 33 <= 101 / 3
        assert {0, 100} <= set(order)
        assert values[:, 0].max() - values[order, 0].max() <= TENTH, seed


@pytest.mark.parametrize("kind", ["one peak", "two peaks", "monotone", "a valley"])
def test_the_maxima_of_the_other_curves_are_near_too(kind):
    near = []
    for seed in range(60):
        values = beside(drawn(kind, seed))
        missed = values.max(axis=0) - values[measured(values)].max(axis=0)
        near.append((missed <= 0.05 * np.ptp(values, axis=0)).all())
    assert sum(near) >= 54


def test_a_spike_between_two_places_of_the_coarse_grid_can_be_missed_and_the_barrier_is_then_too_low():
    values = (0.1 + 0.5 * bump(0.29, 0.004) + 0.3 * bump(0.7, 0.1))[:, None]
    assert 0 < values.max() - values[measured(values)].max() < 0.25


@pytest.mark.parametrize("kind", KINDS)
def test_the_line_in_the_other_direction_has_the_same_places(kind):
    for seed in range(10):
        values = beside(drawn(kind, seed) + 1e-4 * ALPHA)
        forward, back = measured(values), measured(values[::-1])
        assert sorted(forward) == sorted(100 - place for place in back)


def test_the_choice_depends_on_what_is_measured_and_not_on_how_it_came():
    values = beside(drawn("two peaks", 3))
    order = measured(values)
    for stop in (1, 2, 10, 20, 32):
        known, done = np.full(values.shape, np.nan), np.zeros(101, bool)
        done[order[:stop]] = True
        known[done] = values[done]
        assert next_place(known, done, 33) == order[stop]
    done[:] = False
    done[order] = True
    assert next_place(values, done, 33) is None


@pytest.mark.parametrize("points", [2, 3, 12, 13, 14, 40, 101, 2001])
def test_the_coarse_grid_has_both_ends_and_even_gaps(points):
    places = coarse(points)
    assert (places[0], places[-1]) == (0, points - 1)
    assert len(places) == min(points, 13)
    assert np.ptp(np.diff(places)) <= 1
    values = np.random.default_rng(points).random((points, 1))
    assert sorted(measured(values, most=points)) == list(range(points))

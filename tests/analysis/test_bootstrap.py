"""The interval of the barrier, on lines whose true barrier is known."""

import itertools

import numpy as np
import pytest
from scipy.stats import norm

from lth_engine.analysis.lines.bootstrap import barrier_interval

ALPHA = np.linspace(0, 1, 101)
TRUTHS = {"flat": 0.08 + 0 * ALPHA,
          "peaked": 0.08 + 0.3 * np.exp(-((ALPHA - 0.4) / 0.1) ** 2 / 2),
          "low": 0.03 + 0.02 * np.sin(np.pi * ALPHA),
          "monotone": 0.08 + 0.1 * ALPHA}


def wrong(truth, images, turn, seed):
    """Images x 101: which are wrong. Each has a margin that turns as the network does, and the truth is exact.

    Args:
        truth: error of all images there are, at each place.
        images: how many are drawn.
        turn: angle in radians from one end to the other: how different the two networks are.
        seed: of the draw.
    """
    margin = np.random.default_rng(seed).standard_normal((images, 2))
    at = margin[:, :1] * np.cos(turn * ALPHA) + margin[:, 1:] * np.sin(turn * ALPHA)
    return at < norm.ppf(truth)


def interval(table, resamples=500, seed=0):
    return barrier_interval(np.packbits(table.T, axis=1), len(table), resamples, seed)


def height(error):
    return error.max() - (error[0] + error[-1]) / 2


CASES = [*itertools.product(TRUTHS, (450,), (0.1, 0.8)), *itertools.product(("flat", "peaked"), (10_000,), (0.1, 0.8))]


@pytest.mark.parametrize(("kind", "images", "turn"), CASES)
def test_intervals_hold_the_true_barrier_at_least_18_times_in_20(kind, images, turn):
    truth = TRUTHS[kind]
    found = [interval(wrong(truth, images, turn, seed), 300, seed) for seed in range(40)]
    held = [low <= height(truth) + 1e-12 and height(truth) <= high + 1e-12 for low, high in found]
    assert sum(held) >= 36
    width = np.mean([high - low for low, high in found])
    at = truth.argmax()
    largest = 2 * 1.96 * np.sqrt(1.5 * truth[at] / images)  # of the difference of two errors, were they independent
    assert 0 < width < 1.6 * largest


def test_the_percentile_interval_would_not_hold_it():
    """Why it is not that one: on a flat line, the highest of 101 points of each resample is above the truth."""
    draw = np.random.default_rng(0)
    table = wrong(TRUTHS["flat"], 10_000, 0.8, 1)
    barriers = [height(table[draw.integers(0, 10_000, 10_000)].mean(axis=0)) for _ in range(200)]
    assert np.quantile(barriers, 0.025) > 0
    assert interval(table)[0] == 0


def test_it_is_that_of_a_plain_bootstrap_of_images():
    """Images one by one, in a loop, from other draws."""
    table, draw = wrong(TRUTHS["peaked"], 450, 0.3, 5), np.random.default_rng(1)
    curves = np.array([table[draw.integers(0, 450, 450)].mean(axis=0) for _ in range(4000)])
    above = curves - (curves[:, :1] + curves[:, -1:]) / 2
    error = table.mean(axis=0)
    here = error - (error[0] + error[-1]) / 2
    spread = above.std(axis=0)
    furthest = np.quantile(((above - here) / np.where(spread > 0, spread, 1)).max(axis=1), 0.975)
    expected = (here - furthest * spread).max(), np.quantile(above, 0.975, axis=0).max()
    assert interval(table, 4000) == pytest.approx(expected, abs=0.006)


def test_images_that_are_alike_at_all_points_leave_no_doubt():
    table = np.repeat(np.random.default_rng(0).random((450, 1)) < 0.1, 101, axis=1)
    assert interval(table) == (0.0, 0.0)
    assert interval(np.zeros((450, 101), bool)) == (0.0, 0.0)
    assert interval(np.ones((3, 2), bool)) == (0.0, 0.0)


def test_it_holds_what_was_measured_and_has_no_direction():
    for seed in range(10):
        table = wrong(TRUTHS["low"], 77, 0.5, seed)
        low, high = interval(table, seed=seed)
        assert 0 <= low <= height(table.mean(axis=0)) <= high
        assert interval(table[:, ::-1], seed=seed) == (low, high)
        assert interval(table, seed=seed) == (low, high)


def test_the_seed_is_that_of_the_draws():
    table = wrong(TRUTHS["peaked"], 450, 0.5, 0)
    assert interval(table, seed=0) != interval(table, seed=1)


def test_few_points_and_drawing_in_parts_change_nothing_of_the_kind(monkeypatch):
    table = wrong(TRUTHS["peaked"], 200, 0.5, 0)[:, ::20]
    whole = interval(table)
    monkeypatch.setattr("lth_engine.analysis.lines.bootstrap.AT_ONCE", 1)
    assert interval(table) == pytest.approx(whole, abs=1e-15)

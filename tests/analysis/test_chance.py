"""Overlap by chance, against SciPy's distribution, sums over all outcomes, and random masks."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import hypergeom

from lth_engine.analysis.pairs.chance import overlap_by_chance, together

CASES = [(10, 3, 4), (100, 50, 50), (1000, 1, 999), (900, 10, 12), (36_864, 500, 400), (235_200, 50_000, 47_000),
         (2_359_296, 80, 120), (2_359_296, 1_000_000, 23_000)]


@pytest.mark.parametrize("case", CASES)
def test_one_layer_is_hypergeometric(case):
    size, first, second = case
    chance, oracle = overlap_by_chance(*case), hypergeom(size, first, second)
    counts = chance.lowest + np.arange(len(chance.probability))
    assert chance.mean == pytest.approx(first * second / size, rel=1e-9)
    spread = chance.probability @ (counts - chance.mean) ** 2
    assert spread == pytest.approx(oracle.var(), rel=1e-7)
    low, high = chance.band
    for count, level in ((low, 0.025), (high, 0.975)):
        inside = chance.probability[counts <= count].sum()
        assert inside >= level > inside - chance.probability[counts == count].sum()
    if size <= 40_000:
        assert (low, high) == (oracle.ppf(0.025), oracle.ppf(0.975))


@pytest.mark.parametrize(("case", "both"), [((50, 50, 7), 7), ((50, 7, 50), 7), ((50, 50, 50), 50), ((50, 0, 20), 0),
                                            ((50, 0, 0), 0), ((1, 1, 1), 1), ((1, 0, 1), 0)])
def test_a_layer_that_is_kept_whole_or_not_at_all_leaves_no_choice(case, both):
    chance = overlap_by_chance(*case)
    assert chance.band == (both, both)
    assert chance.mean == both


def test_the_sum_over_layers_is_that_over_all_outcomes():
    layers = [(7, 3, 4), (5, 5, 2), (9, 2, 6), (4, 0, 3), (6, 3, 3)]
    exact = {}
    for counts in itertools.product(*(range(size + 1) for size, _, _ in layers)):
        weight = Fraction(1)
        for (size, first, second), k in zip(layers, counts, strict=True):
            ways = math.comb(first, k) * math.comb(size - first, second - k) if k <= second else 0
            weight *= Fraction(ways, math.comb(size, second))
        exact[sum(counts)] = exact.get(sum(counts), 0) + weight
    found = together([overlap_by_chance(*case) for case in layers])
    for count, probability in exact.items():
        place = count - found.lowest
        inside = found.probability[place] if 0 <= place < len(found.probability) else 0
        assert inside == pytest.approx(float(probability), abs=1e-14)
    running = list(itertools.accumulate(exact[k] for k in sorted(exact)))
    assert found.band == tuple(next(k for k in sorted(exact) if running[k] >= level)
                               for level in (Fraction(25, 1000), Fraction(975, 1000)))


def test_many_large_layers_come_near_the_normal_distribution():
    cases = [(2_359_296, 400_000, 350_000)] * 30 + [(500, 3, 4)] * 20
    found = together([overlap_by_chance(*case) for case in cases])
    mean = sum(a * b / n for n, a, b in cases)
    deviation = math.sqrt(sum(float(hypergeom.var(*case)) for case in cases))
    assert found.mean == pytest.approx(mean, rel=1e-9)
    assert found.band == pytest.approx((mean - 1.96 * deviation, mean + 1.96 * deviation), abs=2)


def test_random_masks_lie_in_the_band_nineteen_times_of_twenty():
    draw, sizes = np.random.default_rng(0), [(400, 40, 90), (60, 60, 30), (900, 200, 7)]
    low, high = together([overlap_by_chance(*case) for case in sizes]).band
    counts = [sum(np.intersect1d(draw.choice(n, a, replace=False), draw.choice(n, b, replace=False)).size
                  for n, a, b in sizes) for _ in range(1000)]
    inside = np.mean([(low <= count <= high) for count in counts])
    assert 0.94 <= inside <= 0.99
    assert together([]).band == (0, 0)

"""PAC-Bayes formulas against the numbers of the reference, autograd, brute force and the inequality they come from."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import brentq
from scipy.special import rel_entr
from scipy.stats import binom

from lth_engine.analysis.bounds.bound_formulas import (
    binary_kl,
    complexity,
    kl_inverse,
    lower_of_both,
    pinsker,
    quad,
    slopes,
)

CASES = [(0.1, 5000, 50_000, 0.01), (0.0, 10, 60_000, 0.05), (0.9, 30_000, 1_000, 0.01), (0.3, 0.0, 10, 0.5),
         (1e-4, 200, 54_000, 0.01), (0.02, 1.0, 10**6, 1e-9)]


def test_T25_the_bounds_of_the_reference():
    case = (0.1, 5000, 50_000, 0.01)
    assert round(quad(*case), 6) == 0.373666
    assert round(pinsker(*case), 6) == 0.323846
    assert lower_of_both(*case) == pinsker(*case)


@pytest.mark.parametrize("case", CASES)
def test_quad_is_the_square_of_two_roots(case):
    risk, kl, n, delta = case
    half = (kl + math.log(2 * math.sqrt(n) / delta)) / (2 * n)
    assert quad(*case) == pytest.approx((math.sqrt(risk + half) + math.sqrt(half)) ** 2, rel=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_slopes_are_those_of_autograd(case):
    risk, kl = (torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in case[:2])
    n, delta = case[2:]
    b = (kl + math.log(2 * math.sqrt(n) / delta)) / n
    bound = torch.minimum(risk + b + (b * (b + 2 * risk)).sqrt(), risk + (b / 2).sqrt())
    bound.backward()
    found = slopes(risk.detach(), kl.detach(), n, delta)
    assert found.bound.item() == pytest.approx(lower_of_both(*case), rel=1e-12)
    assert found.bound.item() == pytest.approx(bound.item(), rel=1e-12)
    assert found.risk.item() == pytest.approx(risk.grad.item(), rel=1e-12)
    assert found.kl.item() == pytest.approx(kl.grad.item(), rel=1e-12)


def test_the_cases_have_either_bound_below():
    lower = {quad(*case) < pinsker(*case) for case in CASES}
    assert lower == {True, False}


@pytest.mark.parametrize("q", [0.0, 1e-6, 0.01, 0.3, 0.5, 0.99, 1.0])
@pytest.mark.parametrize("p", [1e-9, 0.01, 0.5, 0.999])
def test_binary_kl_is_scipys(q, p):
    assert binary_kl(q, p) == pytest.approx(rel_entr(q, p) + rel_entr(1 - q, 1 - p), rel=1e-9, abs=1e-15)


def test_binary_kl_at_the_ends():
    assert binary_kl(0, 0) == binary_kl(1, 1) == 0
    assert binary_kl(0.5, 0) == binary_kl(0.5, 1) == binary_kl(1, 0) == math.inf


@pytest.mark.parametrize("q", [0.0, 1e-4, 0.02, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("c", [0.0, 1e-6, 1e-3, 0.1, 1.0, 5.0])
def test_kl_inverse_is_that_of_a_fine_grid_and_of_scipy(q, c):
    found = kl_inverse(q, c)
    grid = np.linspace(q, 1, 200_001)
    inside = grid[rel_entr(q, grid) + rel_entr(1 - q, 1 - grid) <= c]
    assert inside.max() - 1e-12 <= found <= inside.max() + (1 - q) / 200_000 + 1e-9
    if c and binary_kl(q, 1 - 1e-15) > c:  # else the next float is 1
        exact = brentq(lambda p: binary_kl(q, p) - c, q, 1 - 1e-15, xtol=1e-15)
        assert found == pytest.approx(exact, rel=1e-7, abs=1e-12)
        assert binary_kl(q, found) >= c * (1 - 1e-9), "rounded up, never down"


def test_kl_inverse_of_everything_wrong_is_1():
    assert kl_inverse(1.0, 0.0) == kl_inverse(1.0, 3.0) == 1.0
    assert kl_inverse(0.25, 0.0) > 0.25, "rounded up, never down"
    assert kl_inverse(0.0, 0.0) == pytest.approx(0.0, abs=1e-15)
    assert kl_inverse(0.0, 0.5) == pytest.approx(1 - math.exp(-0.5))


@pytest.mark.parametrize("case", CASES)
def test_kl_inverse_is_the_tightest_of_the_three(case):
    tight = kl_inverse(case[0], complexity(*case[1:]))
    assert tight <= min(1, lower_of_both(*case)) + 1e-12


def test_two_roots_of_n_is_above_what_the_inequality_needs():
    """E exp(n kl(seen || p)) <= 2 sqrt(n) for every p: exactly, for few images (Maurer 2004, theorem 1)."""
    for n in (*range(1, 40), 100, 300):
        for p in (0.01, 0.3, 0.5):
            k = np.arange(n + 1)
            exponent = n * (rel_entr(k / n, p) + rel_entr(1 - k / n, 1 - p))
            assert np.exp(binom.logpmf(k, n, p) + exponent).sum() <= 2 * math.sqrt(n) * (1 + 1e-12)

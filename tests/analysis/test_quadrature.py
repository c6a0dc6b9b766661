"""Nodes and weights of the quadrature, and the density made of them, against eigenvalues that are known."""

import numpy as np
import pytest
import torch
from scipy.stats import norm

from lth_engine.analysis.curvature.quadrature import densities, mean_and_error, quadrature, random_signs, shares_below


def matrix(values, seed=0):
    q, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((len(values), len(values))))
    return torch.from_numpy((q * np.asarray(values)) @ q.T)


def test_moments_of_the_spectrum_are_exact_over_a_full_basis_of_starts():
    values = np.random.default_rng(1).standard_normal(30)
    a = matrix(values)
    rows = [quadrature(lambda v: a @ v, start, 4) for start in torch.eye(30, dtype=torch.float64)]
    for power in range(8):  # 4 nodes: exact up to order 7
        assert np.mean([w @ n**power for n, w in rows]) == pytest.approx(np.mean(values**power), rel=1e-9)
    assert np.mean([w @ n**8 for n, w in rows]) != pytest.approx(np.mean(values**8), rel=1e-3)


@pytest.mark.parametrize("steps", [12, 30])
def test_as_many_steps_as_coordinates_find_every_eigenvalue(steps):
    values = np.sort(np.random.default_rng(2).standard_normal(12))
    a = matrix(values)
    start = random_signs(a[0], 0)
    nodes, weights = quadrature(lambda v: a @ v, start, steps)
    assert len(nodes) == len(weights) == steps
    assert nodes[:12] == pytest.approx(values, abs=1e-10)
    assert (weights[12:] == 0).all()
    assert weights[:12] == pytest.approx(((np.linalg.eigh(a.numpy())[1].T @ start.numpy()) ** 2), abs=1e-10)


def test_an_invariant_space_ends_the_steps():
    nodes, weights = quadrature(lambda v: 3 * v, random_signs(torch.zeros(50, dtype=torch.float64), 0), 10)
    assert nodes == pytest.approx(np.full(10, 3.0))
    assert weights.tolist() == pytest.approx([1] + [0] * 9)


def test_random_signs_have_length_one_and_depend_on_the_seed_alone():
    like = torch.zeros(1000)
    one = random_signs(like, 3)
    assert torch.equal(one, random_signs(like, 3))
    assert torch.linalg.vector_norm(one).item() == pytest.approx(1, abs=1e-6)
    assert 450 < (one > 0).sum() < 550
    assert (one != random_signs(like, 4)).float().mean() > 0.4


def test_the_density_is_a_mixture_of_normal_densities_with_mass_one():
    rng = np.random.default_rng(0)
    nodes, weights = rng.normal(0, 3, (3, 7)), rng.dirichlet(np.ones(7), 3)
    grid, rows, width = densities(nodes, weights)
    assert width == pytest.approx((nodes.max() - nodes.min()) / 200)
    for row, n, w in zip(rows, nodes, weights, strict=True):
        assert row == pytest.approx(sum(b * norm.pdf(grid, a, width) for a, b in zip(n, w, strict=True)), abs=1e-12)
    assert np.trapezoid(rows, grid, axis=1) == pytest.approx(np.ones(3), abs=1e-6)
    assert np.trapezoid(rows * grid, grid, axis=1) == pytest.approx((nodes * weights).sum(axis=1), abs=1e-4)


@pytest.mark.parametrize("value", [0.0, 2.0, -1e-9])
def test_equal_eigenvalues_have_a_density_too(value):
    grid, rows, width = densities(np.full((2, 4), value), np.full((2, 4), 0.25))
    assert width > 0
    assert np.trapezoid(rows, grid, axis=1) == pytest.approx([1, 1], abs=1e-4)
    assert grid[rows[0].argmax()] == pytest.approx(value, abs=width)


def test_the_error_is_that_of_the_mean_over_vectors():
    values = np.random.default_rng(0).standard_normal((9, 5))
    mean, error = mean_and_error(values)
    assert mean == pytest.approx(values.mean(axis=0))
    assert error == pytest.approx(np.sqrt(((values - mean) ** 2).sum(axis=0) / 8 / 9))
    assert np.isnan(mean_and_error(values[:1])[1]).all()


@pytest.mark.parametrize("seed", range(5))
def test_the_share_below_a_limit_lies_between_its_bounds(seed):
    values = np.random.default_rng(seed).standard_normal(60)
    a = matrix(values, seed)
    vectors, start = np.linalg.eigh(a.numpy())[1], random_signs(a[0], seed)
    seen = (vectors.T @ start.numpy()) ** 2  # the mass at each eigenvalue as this vector sees it
    nodes, weights = (row[None] for row in quadrature(lambda v: a @ v, start, 9))
    for limit in np.linspace(-4, 4, 41):
        (share,), (least,), (most,) = shares_below(nodes, weights, limit)
        assert share == weights[nodes < limit].sum()
        assert 0 <= least <= share <= most <= 1 + 1e-12
        assert least - 1e-9 <= seen[np.sort(values) < limit].sum() <= most + 1e-9
        assert most - least < 0.6

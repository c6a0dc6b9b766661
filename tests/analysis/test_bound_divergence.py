"""KL terms against torch.distributions, numeric integration, and searches by brute force."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad as integral
from scipy.optimize import minimize_scalar
from scipy.stats import norm
from torch.distributions import Bernoulli, Normal, kl_divergence

from lth_engine.analysis.bounds.bound_divergence import (
    STEPS_A_NAT,
    VARIANCE_TOP,
    best_shared,
    mask_kl,
    oracle_kl,
    oracle_terms,
    shared_kl,
)


def weights(seed, count=50):
    rng = np.random.default_rng(seed)
    return np.exp(rng.normal(-3, 1, count)), np.square(rng.normal(0, 0.05, count))


def test_T26_a_kept_weight_that_did_not_move_and_a_pruned_one():
    for share in (0.1, 0.5, 0.9):
        assert mask_kl(1, 0, share) + oracle_kl(np.array([0.3]), np.zeros(1)).sum() == -math.log(1 - share)
        assert mask_kl(0, 1, share) == -math.log(share)


def test_T26_at_the_ends_there_is_a_limit_and_no_nan():
    assert mask_kl(100, 0, 0.0) == 0
    assert mask_kl(0, 100, 1.0) == 0
    sigma = torch.full((3,), 0.1, requires_grad=True)
    total, slope = oracle_terms(sigma.detach(), torch.zeros(3))
    assert total.item() == 0
    assert slope.tolist() == [0, 0, 0]


def test_the_mask_costs_what_coins_cost():
    """As the limit of coins that almost always show the mask (PAC-Bayesian view, equations 4 and 5)."""
    kept, share = 37, 0.63
    coins = torch.tensor([1 - 1e-12] * kept + [1e-12] * 63, dtype=torch.float64)
    limit = kl_divergence(Bernoulli(coins), Bernoulli(torch.full((100,), 1 - share, dtype=torch.float64))).sum()
    assert mask_kl(kept, 63, share) == pytest.approx(limit.item(), rel=1e-9)
    shares = np.arange(1, 100) / 100
    assert shares[np.argmin([mask_kl(kept, 63, s) for s in shares])] == share, "its own share is the best one"


@pytest.mark.parametrize("seed", range(3))
def test_the_shared_prior_costs_what_torch_says(seed):
    sigma, squared = weights(seed)
    expected = kl_divergence(Normal(torch.tensor(np.sqrt(squared)), torch.tensor(sigma)),
                             Normal(torch.zeros(50, dtype=torch.float64), 0.07))
    assert shared_kl(sigma, squared, 0.07) == pytest.approx(expected.numpy(), rel=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_the_oracle_prior_costs_what_torch_says_at_its_variance(seed):
    sigma, squared = weights(seed)
    expected = kl_divergence(Normal(torch.tensor(np.sqrt(squared)), torch.tensor(sigma)),
                             Normal(torch.zeros(50, dtype=torch.float64), torch.tensor(np.sqrt(sigma**2 + squared))))
    assert oracle_kl(sigma, squared) == pytest.approx(expected.numpy(), rel=1e-9, abs=1e-12)


def test_the_oracle_prior_is_the_best_one():
    for sigma, distance in ((0.02, 0.1), (0.5, 0.01), (0.1, 0.1)):
        one, square = np.array([sigma]), np.array([distance**2])
        best = minimize_scalar(lambda log, one=one, square=square: shared_kl(one, square, math.exp(log)).item(),
                               bounds=(-8, 2), method="bounded", options={"xatol": 1e-10})
        assert oracle_kl(one, square).item() == pytest.approx(best.fun, rel=1e-8)


def test_a_shared_prior_is_a_quadrature_of_the_definition():
    q, p = norm(0.3, 0.2), norm(0.1, 0.5)
    value, _ = integral(lambda w: q.pdf(w) * (q.logpdf(w) - p.logpdf(w)), -3, 4)
    assert shared_kl(np.array([0.2]), np.array([0.04]), 0.5).item() == pytest.approx(value, rel=1e-8)


def test_the_divergence_alone_is_least_at_the_deviation_of_the_prior():
    """The optimum in closed form: sigma = sigma_p, and there only the distance costs."""
    sigma = np.exp(np.linspace(-6, 0, 6001))
    cost = shared_kl(sigma, np.full(6001, 0.09), 0.05)
    assert sigma[cost.argmin()] == pytest.approx(0.05, rel=2e-3)
    assert cost.min() == pytest.approx(0.09 / (2 * 0.05**2), rel=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_terms_of_a_step_are_those_of_autograd(seed):
    sigma, squared = (torch.tensor(v) for v in weights(seed))
    sigma.requires_grad_()
    total = 0.5 * torch.log(1 + squared / sigma**2).sum()
    total.backward()
    kept = squared.clone()
    found, slope = oracle_terms(sigma.detach(), squared)
    assert found.item() == pytest.approx(total.item(), rel=1e-12)
    assert slope.numpy() == pytest.approx(sigma.grad.numpy(), rel=1e-10)
    assert torch.equal(squared, kept)


@pytest.mark.parametrize("seed", range(5))
def test_the_grid_is_searched_whole(seed):
    sigma, squared = weights(seed, 5 + 40 * seed)
    found = best_shared(sigma, squared)
    costs = {j: shared_kl(sigma, squared, math.sqrt(VARIANCE_TOP * math.exp(-j / STEPS_A_NAT))).sum()
             + math.log(math.pi**2 * j**2 / 6) for j in range(1, 3000)}
    assert found.step == min(costs, key=costs.__getitem__)
    assert found.sigma == pytest.approx(math.sqrt(VARIANCE_TOP * math.exp(-found.step / STEPS_A_NAT)), rel=1e-12)
    assert shared_kl(sigma, squared, found.sigma).sum() + found.cost == pytest.approx(costs[found.step], rel=1e-9)
    assert found.cost > 0


@pytest.mark.parametrize("variance", [1e-4, 0.05, 0.3, 2.0])
def test_the_best_variance_lies_inside_the_grid(variance):
    """The mean of sigma^2 + (w - mu)^2, in closed form, within half a step; weights of small networks have 0.2."""
    found = best_shared(np.full(2000, math.sqrt(variance / 2)), np.full(2000, variance / 2))
    assert 1 < found.step < 4000
    assert found.sigma**2 == pytest.approx(variance, rel=0.6 / STEPS_A_NAT)


def test_the_whole_grid_fails_no_more_often_than_delta():
    shares = [math.exp(-math.log(math.pi**2 * j**2 / 6)) for j in range(1, 200_000)]
    assert 0.9999 < sum(shares) < 1

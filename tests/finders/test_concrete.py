"""The concrete relaxation and the density it is held at: distributions, values by hand, and autograd."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from lth_engine.finders.concrete import (
    density_gradient,
    density_loss,
    logistic_noise,
    logit,
    sigmoid_slope,
    soft_mask,
)


def noise(count, seed=0):
    return logistic_noise(torch.empty(count), torch.Generator().manual_seed(seed))


def test_noise_is_logistic():
    drawn = noise(200_000).double().numpy()
    assert stats.kstest(drawn, "logistic").pvalue > 0.01
    assert abs(drawn.mean()) < 4 * math.pi / math.sqrt(3 * len(drawn))
    assert drawn.var() == pytest.approx(math.pi**2 / 3, rel=0.02)
    assert np.isfinite(drawn).all()


def test_noise_is_finite_at_both_ends_and_cut_from_all_the_bits(monkeypatch):
    ends = torch.tensor([-2**63, 2**63 - 1])
    monkeypatch.setattr(torch.Tensor, "random_", lambda self, low, high, generator: self.copy_(ends))
    highest, half = math.log(2.0**17 - 1), math.log((2.0**16 + 1) / (2.0**16 - 1))
    found = noise(8)
    torch.testing.assert_close(found, torch.tensor([half] * 3 + [-highest] + [-half] * 3 + [highest]), rtol=1e-4,
                               atol=1e-7)


def test_draws_of_neighbours_have_nothing_in_common():
    drawn = noise(200_000).double().view(-1, 4)
    both = torch.corrcoef(torch.cat([drawn[1:], drawn[:-1]], dim=1).T)
    assert (both - torch.eye(8)).abs().max() < 5 / math.sqrt(50_000)


def test_a_sample_lies_at_or_above_one_half_as_often_as_the_weight_is_likely_to_be_kept():
    for p in (0.01, 0.3, 0.9):
        mask = soft_mask(torch.full((100_000,), logit(p)), noise(100_000), 2 / 3)
        assert float((mask > 0.5).float().mean()) == pytest.approx(p, abs=5 * math.sqrt(p * (1 - p) / 100_000))
        assert bool(((mask >= 0) & (mask <= 1)).all())


def test_soft_mask_is_equation_8():
    logits, drawn = torch.tensor([-4.0, 0.5]), torch.tensor([1.0, -2.0])
    expected = 1 / (1 + torch.exp(-(logits + drawn) / 0.7))
    torch.testing.assert_close(soft_mask(logits, drawn.clone(), 0.7), expected)


def test_logit_is_the_inverse_of_the_sigmoid():
    for p in (1e-6, 0.0144, 0.5, 1 - 1e-6):
        assert 1 / (1 + math.exp(-logit(p))) == pytest.approx(p, rel=1e-9)


def test_T37_gradient_of_the_density_is_autograd_s():
    logits = torch.randn(50, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    loss = torch.sigmoid(logits).sum() / (0.02 * 50) - 1
    expected, = torch.autograd.grad(loss, logits)
    likely = torch.sigmoid(logits.detach())
    torch.testing.assert_close(density_loss(likely.mean(), 0.02), loss.detach())
    torch.testing.assert_close(density_gradient(likely, 0.02, torch.empty_like(likely)), expected)


def test_slope_of_a_sigmoid_near_1_is_exact():
    value = torch.tensor([1 - 2.0**-24, 1.0, 0.0, 0.5])
    torch.testing.assert_close(sigmoid_slope(value, torch.empty(4)),
                               torch.tensor([2.0**-24 * (1 - 2.0**-24), 0.0, 0.0, 0.25]), rtol=1e-6, atol=0)

"""The certificate, on problems whose true risk is known, and when it says that it is none."""

import math

import numpy as np
import pytest
import torch
from scipy.special import ndtr
from scipy.stats import binom

from lth_engine.analysis.bounds.bound_divergence import best_shared, shared_kl
from lth_engine.analysis.bounds.bound_formulas import binary_kl, complexity, kl_inverse
from lth_engine.analysis.bounds.certificate import NATS_A_NUMBER, certify, why_not
from lth_engine.models.build import build
from lth_engine.specs.models import CifarResnet, Lenet300100
from lth_engine.specs.training import Training
from lth_engine.training.material import take_weights

DELTA = 0.05


def linear_classifier(seed, signal, n=400, width=40, sigma=0.03):
    """Least squares on images of two classes whose labels have `signal` in the first coordinate.

    Returns: trained weights; empirical risk of N(weights, sigma^2) exactly; true risk of it by 10,000 new images.
    """
    rng = np.random.default_rng(seed)

    def draw(count):
        x = rng.normal(size=(count, width))
        return x, np.where(signal * x[:, 0] + rng.normal(size=count) > 0, 1, -1)

    def risk(x, y):
        """The probability that w.x has the wrong sign, w ~ N(weights, sigma^2)."""
        return ndtr(-y * (x * weights).sum(1) / (sigma * np.linalg.norm(x, axis=1))).mean()

    x, y = draw(n)
    weights = np.linalg.solve(np.einsum("ni,nj", x, x), np.einsum("ni,n", x, y))
    return weights, risk(x, y), risk(*draw(10_000))


def certified(weights, empirical, n=400, sigma=0.03, **change):
    return certify(np.full(len(weights), sigma), weights**2, **({
        "kl_mask": 0.0, "prunable": 0, "channels": 0, "risk_limit": empirical, "n": n, "delta": DELTA} | change))


def test_the_certificate_holds_where_the_true_risk_is_known():
    """Random labels, and learnable ones: 25 draws of each. The bound is between the truth and 1, not far."""
    for signal in (0.0, 3.0):
        rows = [(certified(w, seen).bound, seen, true) for w, seen, true in
                (linear_classifier(seed, signal) for seed in range(25))]
        bounds, seen, truth = np.array(rows).T
        assert (bounds >= truth).sum() >= 22, "it may fail for 5% of them: of 25, for more than 3 with probability 3%"
        assert bounds.max() < 0.85
        if signal == 0:
            assert np.abs(truth - 0.5).max() < 0.02
            assert (seen < truth - 0.05).mean() > 0.9, "what was seen is too good: there is something to pay for"
            unpaid = [kl_inverse(risk, complexity(0.0, 400, DELTA)) for risk in seen]
            assert (unpaid < truth).any(), "without the divergence it would not hold"


def test_every_part_is_in_the_bound():
    sigma, squared = np.array([0.02, 0.05, 0.3]), np.array([0.0, 0.01, 0.2])
    found = certify(sigma, squared, 7.0, 1000, 3, 0.2, 500, DELTA)
    prior = best_shared(sigma, squared)
    assert found.prior == prior
    assert found.kl_gaussian == pytest.approx(shared_kl(sigma, squared, prior.sigma))
    assert found.grid_cost == pytest.approx(math.log(math.pi**2 * prior.step**2 / 6) + math.log(1001))
    assert found.input_cost == pytest.approx(6 * 32 * math.log(2)) == pytest.approx(6 * NATS_A_NUMBER)
    total = found.kl_gaussian.sum() + 7 + found.grid_cost + found.input_cost
    assert binary_kl(0.2, found.bound) == pytest.approx((total + math.log(4 * math.sqrt(500) / DELTA)) / 500, rel=1e-6)
    for change in ({"kl_mask": 20.0}, {"prunable": 10**9}, {"channels": 4}, {"n": 400}, {"delta": 0.01},
                   {"risk_limit": 0.25}):
        given = {"kl_mask": 7.0, "prunable": 1000, "channels": 3, "risk_limit": 0.2, "n": 500, "delta": DELTA}
        assert certify(sigma, squared, **(given | change)).bound > found.bound, change


@pytest.mark.parametrize("risks", [(0.02, 0.3, 0.6), (0.0, 0.0, 0.9), (0.2, 0.2, 0.2)])
@pytest.mark.parametrize("n", [30, 300])
def test_the_same_share_of_every_class_does_no_harm(risks, n):
    """The mean of exp(n kl(errors / n || R)), exactly: three classes of n / 3 images, against n independent ones."""
    whole = sum(risks) / 3
    counts = [binom.pmf(np.arange(n // 3 + 1), n // 3, risk) for risk in risks]
    stratified = np.convolve(np.convolve(counts[0], counts[1]), counts[2])
    cost = np.exp([n * binary_kl(k / n, whole) for k in range(n + 1)])
    independent = (binom.pmf(np.arange(n + 1), n, whole) * cost).sum()
    assert (stratified * cost).sum() <= independent * (1 + 1e-9)
    assert independent <= 2 * math.sqrt(n), "Maurer's constant"
    assert ((stratified * cost).sum() < 0.9 * independent) == (len(set(risks)) > 1)


def test_a_subset_is_certified():
    model, initial = weights_of(Lenet300100(first=8, second=6))
    assert why_not("gaussian_zero", {}, initial, {}, model, Training(subset=0.5)) == ""


def weights_of(spec):
    model = build(spec, 1, 8, 8, 10, 0)
    return model, take_weights(model)


def test_a_prior_that_saw_no_image_is_certified():
    model, initial = weights_of(Lenet300100(first=8, second=6))
    mask = {n: np.arange(p.numel()).reshape(p.shape) % 2 == 0 for n, p in model.named_parameters() if p.dim() == 2}
    masked = {n: w * mask[n] if n in mask else w for n, w in initial.items()}
    assert why_not("spike_and_slab", masked, initial, mask, model, Training()) == ""
    assert why_not("gaussian_init", initial, initial, {}, model, Training()) == ""
    assert why_not("gaussian_zero", {}, initial, {}, model, Training()) == ""


def test_what_breaks_the_certificate_is_said():
    model, initial = weights_of(Lenet300100(first=8, second=6))
    moved = {n: w + np.float32(1e-6) * (w == w.flat[0]) for n, w in initial.items()}
    for prior in ("spike_and_slab", "gaussian_init"):
        assert why_not(prior, moved, initial, {}, model, Training()).startswith(
            "The prior lies around weights that were made from training images")
    assert why_not("gaussian_zero", moved, initial, {}, model, Training()) == ""
    assert "noisy labels" in why_not("gaussian_zero", {}, initial, {}, model, Training(label_noise=0.1))
    model, initial = weights_of(CifarResnet(depth=8, width=4))
    text = why_not("spike_and_slab", initial, initial, {}, model, Training(label_noise=0.5))
    assert text.startswith("Batch normalisation uses")
    assert text.count(";") == 1
    assert text.endswith(".")
    norms = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.LayerNorm(3))
    drawn = take_weights(norms)
    assert why_not("gaussian_init", drawn, drawn, {}, norms, Training()) == ""

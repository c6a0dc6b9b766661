"""Tails and bulks of spectra against closed forms and SciPy; and that no exponent is told where it means nothing."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from lth_engine.diagnosis import heavy_tail
from lth_engine.diagnosis.anatomy import Layer, lay_out
from lth_engine.diagnosis.bulk import bulk, distribution, edges, limit
from lth_engine.diagnosis.spectra import eigenvalues, sides, spectra, spectrum
from lth_engine.importing import clean
from tests.diagnosis.made import checkpoint

SPARSE = np.random.default_rng(1).random((300, 300)) < 0.01


def layer(weight: np.ndarray | torch.Tensor, mask: torch.Tensor | None = None) -> Layer:
    weight = torch.as_tensor(weight, dtype=torch.float32)
    return lay_out(checkpoint({"a.weight": weight}, None if mask is None else {"a.weight": mask})).layers[0]


def heavy(alpha: float, rows: int = 300, columns: int = 500, seed: int = 0) -> np.ndarray:
    """A matrix whose eigenvalues are a Pareto sample."""
    draw = np.random.default_rng(seed)
    values = (1 - draw.random(rows))**(-1 / (alpha - 1))
    left, _ = np.linalg.qr(draw.normal(size=(rows, rows)))
    right, _ = np.linalg.qr(draw.normal(size=(columns, rows)))
    return left @ np.diag(np.sqrt(values * columns)) @ right.T


# Tails

@pytest.mark.parametrize("alpha", [1.8, 2.5, 3.5])
def test_the_exponent_of_pareto_samples_lies_within_its_error(alpha):
    errors = []
    for seed in range(20):
        sample = (1 - np.random.default_rng(seed).random(2000))**(-1 / (alpha - 1))
        tail = heavy_tail.fit(sample)
        errors.append((tail.alpha - alpha) / tail.error)
    assert np.max(np.abs(errors)) < 4
    assert abs(np.mean(errors)) < 1
    assert 0.5 < np.std(errors) < 2  # xmin is chosen too, which widens it a little


def test_the_distance_of_a_tail_is_that_of_scipy():
    sample = np.random.default_rng(1).pareto(2.0, 400) + 1
    tail = heavy_tail.fit(sample)
    law = stats.pareto(tail.alpha - 1, scale=tail.lowest)
    assert tail.distance == pytest.approx(stats.kstest(sample[sample >= tail.lowest], law.cdf).statistic)
    assert tail.count == (sample >= tail.lowest).sum()
    assert tail.alpha == pytest.approx(1 + 1 / np.mean(np.log(sample[sample >= tail.lowest] / tail.lowest)))


def test_the_lower_end_is_found():
    draw = np.random.default_rng(2)
    sample = np.concatenate([draw.uniform(0, 1, 700), (1 - draw.random(700))**(-1 / 1.5)])
    tail = heavy_tail.fit(sample)
    assert tail.lowest == pytest.approx(1, rel=0.2)
    assert tail.alpha == pytest.approx(2.5, abs=4 * tail.error)


def test_plausibility_of_power_laws_and_of_others():
    pareto = [(1 - np.random.default_rng(seed).random(300))**(-1 / 1.5) for seed in range(6)]
    plausible = [heavy_tail.plausibility(sample, heavy_tail.fit(sample)) for sample in pareto]
    assert sum(p > heavy_tail.BELIEVED for p in plausible) >= 4
    near = np.linspace(0, 1e-3, 100)
    two = np.concatenate([1 + near, 9 + near])
    assert heavy_tail.plausibility(two, heavy_tail.fit(two)) <= heavy_tail.BELIEVED


# Bulk

@pytest.mark.parametrize(("rows", "columns"), [(100, 100), (100, 400), (60, 1000)])
def test_the_law_of_the_bulk_against_quadrature(rows, columns):
    low, high = edges(rows, columns, 2.0)

    def density(x: float) -> float:
        return ((high - x) * (x - low))**0.5 / (2 * np.pi * 2.0 * rows / columns * x)

    for share in (0.2, 0.5, 0.9):
        x = low + share * (high - low)
        wanted = integrate.quad(density, low, x, limit=400)[0]
        assert distribution(np.array([x]), rows, columns, 2.0)[0] == pytest.approx(wanted, abs=2e-3)


@pytest.mark.parametrize(("rows", "columns"), [(200, 200), (150, 600)])
def test_the_spectrum_of_a_gaussian_matrix_is_all_bulk(rows, columns):
    beyond = 0
    for seed in range(10):
        weight = 0.3 * np.random.default_rng(seed).normal(size=(rows, columns))
        found = bulk(eigenvalues(layer(weight)), columns)
        assert found.variance == pytest.approx(0.09, rel=0.05)
        assert found.distance < 0.02
        assert found.upper == pytest.approx(0.09 * (1 + (rows / columns)**0.5)**2, rel=0.05)
        beyond += found.spikes
    assert beyond <= 1


def test_the_largest_eigenvalue_of_draws_keeps_below_the_limit_about_always():
    largest = [eigenvalues(layer(np.random.default_rng(seed).normal(size=(40, 80))))[-1] for seed in range(300)]
    assert np.mean(np.array(largest) > limit(40, 80)) < 0.012
    assert np.mean(np.array(largest) > edges(40, 80)[1]) > 0.05  # the plain edge is passed often


def test_planted_spikes_are_counted():
    draw = np.random.default_rng(0)
    left, _ = np.linalg.qr(draw.normal(size=(200, 3)))
    right, _ = np.linalg.qr(draw.normal(size=(400, 3)))
    weight = draw.normal(size=(200, 400)) + left @ np.diag([100.0, 80.0, 60.0]) @ right.T
    found = bulk(eigenvalues(layer(weight)), 400)
    assert found.spikes == 3
    assert found.variance == pytest.approx(1, rel=0.02)


def test_the_variance_of_the_bulk_is_that_without_many_spikes():
    draw = np.random.default_rng(0)
    left, _ = np.linalg.qr(draw.normal(size=(200, 60)))
    right, _ = np.linalg.qr(draw.normal(size=(400, 60)))
    weight = draw.normal(size=(200, 400)) + 300 * left @ right.T
    assert bulk(eigenvalues(layer(weight)), 400).variance == pytest.approx(1, rel=0.03)


# Layers

def test_singular_values_are_those_of_scipy_and_the_mask_is_applied():
    draw = torch.Generator().manual_seed(0)
    weight, mask = torch.randn(60, 4, 5, 5, generator=draw), torch.rand(60, 4, 5, 5, generator=draw) < 0.5
    given = layer(weight, mask)
    wanted = np.linalg.svd((weight * mask).double().reshape(60, 100).numpy(), compute_uv=False)
    told = spectrum(given)
    assert sides(given) == (60, 100)
    np.testing.assert_allclose(np.sqrt(100 * np.array(told["eigenvalues"])), wanted[::-1], rtol=1e-9)
    assert told["spectral_norm"] == pytest.approx(wanted[0])
    assert told["stable_rank"] == pytest.approx((wanted**2).sum() / wanted[0]**2)


@pytest.mark.parametrize("alpha", [2.2, 3.5])
def test_a_heavy_tail_is_told(alpha):
    tail = spectrum(layer(heavy(alpha)))["tail"]
    assert tail["applies"]
    assert tail["alpha"] == pytest.approx(alpha, abs=4 * tail["error"])


@pytest.mark.parametrize(("weight", "words"), [
    (np.random.default_rng(0).normal(size=(30, 200)), "30 eigenvalues"),
    (np.random.default_rng(0).normal(size=(200, 400)), "random weights"),
    (np.linalg.qr(np.random.default_rng(0).normal(size=(100, 100)))[0], "all equal"),
    (np.zeros((100, 100)), "all its weights are 0"),
    (np.full((100, 100), np.nan), "NaN"),
    (np.random.default_rng(0).normal(size=(300, 300)) * SPARSE, "a row"),
    (np.outer(np.arange(1, 101), np.arange(1, 201)), "1 eigenvalue above 0"),
], ids=["small", "random", "orthogonal", "zero", "nan", "sparse", "rank 1"])
def test_where_no_exponent_is_told_the_reason_is(weight, words):
    told = spectrum(layer(weight))
    assert not told["tail"]["applies"]
    assert "alpha" not in told["tail"]
    assert words.lower() in told["tail"]["reason"].lower()


def test_random_matrices_never_get_a_heavy_tail():
    for seed in range(30):
        draw = np.random.default_rng(seed)
        shape = (int(draw.integers(60, 250)), int(draw.integers(60, 250)))
        assert not spectrum(layer(draw.uniform(-1, 1, shape)))["tail"]["applies"]


def test_large_layers_are_thinned_but_keep_their_top():
    values = spectrum(layer(np.random.default_rng(0).normal(size=(600, 700))))["eigenvalues"]
    assert len(values) == 400
    assert values == sorted(values)


def test_the_entry_streams_layer_by_layer(tmp_path):
    given = checkpoint({"a.weight": torch.randn(60, 70), "a.bias": torch.zeros(60), "b.weight": torch.randn(10, 60)})
    path = tmp_path / "clean.safetensors"
    with path.open("wb") as file:
        clean.write(given.contents, file, {})
    heard: list[dict] = []
    told = spectra([path], {}, heard.append, None)
    assert [layer["name"] for layer in told["layers"]] == ["a.weight", "b.weight"]
    assert [(h["done"], h["of"]) for h in heard] == [(1, 2), (2, 2)]
    assert heard[1]["layer"] == told["layers"][1]
    json.dumps(told, allow_nan=False)
    assert [layer["name"] for layer in spectra([path], {"layers": ["b.weight"]}, heard.append, None)["layers"]] == [
        "b.weight"]


def test_the_variance_of_a_layer_with_pruned_rows_does_not_run_away():
    """28 of 100 rows are 0, the others keep the largest tenth: most eigenvalues cannot all be beyond noise."""
    draw = np.random.default_rng(0)
    weight = draw.normal(size=(100, 300)) * draw.gamma(0.5, 2, size=(100, 1))
    weight[np.abs(weight) < np.quantile(np.abs(weight), 0.9)] = 0
    weight[:28] = 0
    values = np.linalg.eigvalsh(weight @ weight.T / 300).clip(0)
    found = bulk(values, 300)
    assert found.variance == pytest.approx(np.square(weight).mean())
    assert 0 < found.spikes < 50
    assert found.limit > found.upper > 0

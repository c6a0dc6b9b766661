"""The spectral density of a network's Hessian, against the eigenvalues of the dense one."""

import numpy as np
import pytest
import scipy.stats
import torch

from lth_engine.analysis import spectral_density
from lth_engine.analysis.curvature import quadrature
from lth_engine.core.errors import BadInput, Cancelled
from lth_engine.core.workbench import Workbench
from lth_engine.specs.curvature import SpectralDensity
from lth_engine.store.store import Store
from tests.analysis.toy_network import Memory, dense, free, toy


def solve(monkeypatch, tmp_path, made=None, memory=None, report=None, **knobs):
    made = made or toy()
    monkeypatch.setattr(spectral_density, "network_at", lambda question, inputs, bench: made)
    more = {"checkpoint": memory} if memory else {}
    bench = Workbench(tmp_path, report=report or (lambda progress: None), **more)
    return spectral_density.answer(SpectralDensity(**knobs), {}, bench)


def spectrum(made):
    model, mask, images = made
    moves = free(model, mask)
    return torch.linalg.eigvalsh(dense(model, images)[0][moves][:, moves]).numpy()


def test_nodes_are_the_eigenvalues_when_the_steps_suffice(monkeypatch, tmp_path):
    made = toy(density=0.2)
    exact = spectrum(made)
    found = solve(monkeypatch, tmp_path, made, vectors=2, lanczos_steps=100)
    nodes, weights = found.arrays["node/value"], found.arrays["node/weight"]
    assert nodes.shape == weights.shape == (2, 100)
    assert found.summary["size"] == len(exact) < 100
    for eigenvalue in exact[np.abs(exact) > 1e-3]:
        assert np.abs(nodes - eigenvalue).min(axis=1) == pytest.approx([0, 0], abs=1e-8)
    assert [found.summary["lowest"], found.summary["highest"]] == pytest.approx([exact[0], exact[-1]], abs=1e-8)


def test_moments_are_those_of_the_spectrum_when_the_vectors_are_a_basis(monkeypatch, tmp_path):
    made = toy(density=0.3)
    exact, drawn = spectrum(made), iter(range(1000))
    monkeypatch.setattr(spectral_density, "random_signs",
                        lambda like, seed: torch.eye(len(like), dtype=like.dtype)[next(drawn)])
    found = solve(monkeypatch, tmp_path, made, vectors=len(exact), lanczos_steps=15)
    nodes, weights = found.arrays["node/value"], found.arrays["node/weight"]
    for power in range(1, 6):
        assert (weights * nodes**power).sum() / len(exact) == pytest.approx(np.mean(exact**power), rel=1e-4)
    assert found.summary["trace"] == pytest.approx(exact.sum(), rel=1e-4)
    assert found.summary["share_near_zero"] == pytest.approx((np.abs(exact) <= 0.01 * exact.max()).mean(), abs=0.05)


def test_the_density_is_that_of_the_spectrum_within_its_error(monkeypatch, tmp_path):
    made = toy()
    exact = spectrum(made)
    found = solve(monkeypatch, tmp_path, made, vectors=40, lanczos_steps=30, seed=4)
    summary, grid = found.summary, found.arrays["density/value"]
    assert abs(summary["trace"] - exact.sum()) < 3 * summary["trace_stderr"]
    assert summary["trace_stderr"] < 0.03 * np.abs(exact).sum()
    negative = (exact < -1e-5 * exact.max()).mean()
    assert 0.2 < negative < 0.8
    assert summary["share_negative"] == pytest.approx(negative, abs=0.1)
    assert 0 < summary["share_negative_low"] < negative < summary["share_negative_high"] < 1
    assert 0 < summary["share_negative_stderr"] < 0.01
    assert summary["highest"] == pytest.approx(exact.max(), rel=1e-5)
    assert summary["width"] == pytest.approx((exact.max() - exact.min()) / 200, rel=1e-3)
    assert np.trapezoid(found.arrays["density/density"], grid) == pytest.approx(1, abs=1e-6)
    wide = np.exp(-0.5 * ((grid[:, None] - exact) / summary["width"]) ** 2).mean(axis=1)
    wide /= summary["width"] * np.sqrt(2 * np.pi)
    shown = grid > 0.4 * exact.max()  # where single eigenvalues are resolved
    away = np.abs(found.arrays["density/density"] - wide)[shown] / (found.arrays["density/stderr"][shown] + 1e-3)
    assert (away < 4).mean() > 0.95
    assert (summary["products"], summary["images"]) == (40 * 30, 23)


def test_the_interval_of_few_vectors_is_as_wide_as_students_t_says(monkeypatch, tmp_path):
    """Two vectors know their spread badly: 12.7 standard errors on either side."""
    found = solve(monkeypatch, tmp_path, toy(density=0.3), vectors=2, lanczos_steps=20, seed=1)
    nodes, weights = found.arrays["node/value"], found.arrays["node/weight"]
    _, least, most = quadrature.shares_below(nodes, weights, -1e-5 * np.abs(nodes).max())
    for shares, side, name in ((least, -1, "share_negative_low"), (most, 1, "share_negative_high")):
        wide = shares.mean() + side * scipy.stats.t.ppf(0.975, 1) * abs(shares[0] - shares[1]) / 2
        assert found.summary[name] == pytest.approx(np.clip(wide, 0, 1))
    assert found.summary["share_negative_high"] - most.mean() > 0.01


def test_the_error_of_the_trace_is_that_of_other_draws(monkeypatch, tmp_path):
    made = toy(density=0.3)
    found = [solve(monkeypatch, tmp_path, made, vectors=8, lanczos_steps=3, seed=s).summary for s in range(30)]
    spread = np.std([s["trace"] for s in found], ddof=1)
    assert np.sqrt(np.mean([s["trace_stderr"] ** 2 for s in found])) == pytest.approx(spread, rel=0.4)


def test_a_stopped_density_keeps_its_vectors_and_goes_on(monkeypatch, tmp_path):
    knobs = {"vectors": 4, "lanczos_steps": 10}
    checkpoint = Store(tmp_path / "store").checkpoint(SpectralDensity(**knobs).key)
    reports = []

    def until(progress):
        reports.append(progress)
        if progress.done == 27:
            raise Cancelled("Stopped.")

    whole = solve(monkeypatch, tmp_path, **knobs)
    with pytest.raises(Cancelled):
        solve(monkeypatch, tmp_path, memory=checkpoint, report=until, **knobs)
    assert reports[-1].metrics["vectors"] == 2
    partial, scalars = checkpoint.peek("density")
    assert scalars["products"] == 20
    assert np.trapezoid(partial["density"], partial["value"]) == pytest.approx(1, abs=1e-6)
    calls = []
    resumed = solve(monkeypatch, tmp_path, memory=checkpoint, report=calls.append, **knobs)
    assert calls[1].done == 21
    assert resumed.summary == whole.summary
    assert all(np.array_equal(resumed.arrays[n], a) for n, a in whole.arrays.items())


def test_stopped_before_the_first_vector(monkeypatch, tmp_path):
    memory = Memory()

    def at_once(progress):
        if progress.done == 1:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        solve(monkeypatch, tmp_path, memory=memory, report=at_once)
    resumed = solve(monkeypatch, tmp_path, memory=memory, vectors=2, lanczos_steps=5)
    assert resumed.summary == solve(monkeypatch, tmp_path, vectors=2, lanczos_steps=5).summary


def test_vectors_that_do_not_fit_are_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(spectral_density, "BASIS_BYTES", 8 * 200 * 20)
    with pytest.raises(BadInput, match=r"60 Lanczos steps in 1\d\d coordinates .* lower lanczos_steps to 2\d\."):
        solve(monkeypatch, tmp_path)
    assert solve(monkeypatch, tmp_path, vectors=2, lanczos_steps=20).summary["products"] == 40
    monkeypatch.setattr(spectral_density, "BASIS_BYTES", 8 * 200)
    with pytest.raises(BadInput, match="choose a layer"):
        solve(monkeypatch, tmp_path)


def test_a_loss_without_curvature(monkeypatch, tmp_path):
    model, mask, images = toy()
    monkeypatch.setattr(spectral_density.Hessian, "matvec", lambda self, v: torch.zeros_like(v))
    found = solve(monkeypatch, tmp_path, (model, mask, images), vectors=2, lanczos_steps=4)
    assert (found.summary["trace"], found.summary["highest"], found.summary["share_negative"]) == (0, 0, 0)
    assert found.summary["share_near_zero"] == pytest.approx(1)
    assert np.isfinite(found.arrays["density/density"]).all()
    assert len(found.arrays["density/value"]) == quadrature.GRID

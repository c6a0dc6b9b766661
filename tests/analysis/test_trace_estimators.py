"""Estimates of a trace, against operators whose trace is known: errors, intervals, products, memory, resuming."""


import numpy as np
import pytest
import torch
from torch import nn

from lth_engine.analysis import hessian_trace
from lth_engine.analysis.curvature.deflated_trace import DeflatedTrace
from lth_engine.analysis.curvature.estimate import Estimate
from lth_engine.analysis.curvature.hessian import Hessian
from lth_engine.analysis.curvature.xtrace import MOST_VECTORS, XTrace
from lth_engine.core.mask import Mask
from lth_engine.core.workbench import Workbench
from lth_engine.specs.curvature import HessianTrace
from tests.analysis.test_hessian import dense, moving, toy
from tests.waits import waits

KINDS = ("krylov", "hutchinson", "hutchpp", "xtrace")


class Known:
    """A symmetric matrix as an operator of two layers."""

    def __init__(self, matrix):
        self.matrix, self.size = torch.tensor(matrix), len(matrix)
        self.layers = {"first": slice(0, self.size // 3), "second": slice(self.size // 3, self.size)}
        self.device, self.dtype = self.matrix.device, self.matrix.dtype
        self.products = 0

    def matvec(self, vectors):
        self.products += 1 if vectors.ndim == 1 else vectors.shape[1]
        return self.matrix @ vectors


def matrix(size=120, shift=0.0, seed=0):
    """Five large eigenvalues over a bulk of both signs, as trained networks have them; its mean is `shift`."""
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.standard_normal((size, size)))[0]
    values = np.concatenate([[10, 5, 3, 2, 1], 0.1 * rng.standard_normal(size - 5)]) + shift
    return (basis * values) @ basis.T


def estimators(operator, seed, error=0.05):
    for kind in KINDS:
        yield kind, hessian_trace.estimator(HessianTrace(estimator=kind, seed=seed, error=error), operator)


def followed(estimator, error, most=2000):
    while not (estimator.spent or estimator.products >= most):
        estimator.advance()
        if estimator.started and estimator.estimate().within(error):
            break
    return estimator.estimate()


@pytest.mark.parametrize("norm", [False, True])
def test_t30_restricted_trace_is_that_of_the_projected_hessian(norm):
    model, mask, images = toy(norm)
    names = [n for n, _ in model.named_parameters()]
    whole = dense(model, images, names)[0]
    free = moving(model, mask, names).double()
    projected = (free[:, None] * whole * free).trace().item()
    found = {}
    for weights in ("kept", "all"):
        question = HessianTrace(weights=weights)
        with Hessian(model, mask, question, images) as hessian:
            exact = hessian_trace.EveryCoordinate(hessian)
            exact.advance()
            found[weights] = exact.estimate().trace
            probed = followed(DeflatedTrace(hessian, "krylov", 0, 1e-3), 1e-3)
            assert abs(probed.trace - found[weights]) < 3 * probed.stderr
            assert probed.within(1e-3)
    assert found["kept"] == pytest.approx(projected, rel=1e-5)
    assert found["all"] == pytest.approx(whole.trace().item(), rel=1e-5)
    assert abs(found["all"] - found["kept"]) > 0.05 * abs(found["all"])


def test_t31_two_thousand_probes_are_unbiased():
    model, mask, images = toy()
    with Hessian(model, mask, HessianTrace(), images) as hessian:
        every = hessian.matvec(torch.eye(hessian.size, dtype=torch.float64))
        known = Known(every.numpy())
        known.layers = hessian.layers
    plain = DeflatedTrace(known, "none", 0, 0.05)
    for _ in range(2000):
        plain.advance()
    found = plain.estimate()
    assert abs(found.trace - every.trace().item()) < 3 * found.stderr
    exact = np.array([every.diagonal()[part].sum().item() for part in known.layers.values()])
    assert (np.abs(found.layers - exact) < 3.5 * found.layer_stderr).all()
    diagonal = every.diagonal().square().sum()
    expected = (2 * (every.square().sum() - diagonal) / 2000).sqrt().item()
    assert expected <= found.stderr * 1.05
    assert found.stderr < 1.3 * expected
    assert known.products == plain.products == plain.probes == 2000


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shift", [0.0, -0.4])
def test_intervals_cover_the_truth(kind, shift):
    truth = matrix(shift=shift)
    trace = np.trace(truth)
    parts = np.array([np.trace(truth[:40, :40]), np.trace(truth[40:, 40:])])
    covered, covered_layers, errors = 0, 0, []
    for seed in range(20):
        operator = Known(truth)
        estimator = dict(estimators(operator, seed))[kind]
        found = followed(estimator, 0.05)
        assert estimator.products == operator.products
        assert found.stderr <= 0.05 * abs(trace) * 1.3
        low, high = found.interval
        covered += low <= trace <= high
        covered_layers += (np.abs(found.layers - parts) <= 2.45 * found.layer_stderr + 1e-9).sum()
        errors.append(found.trace - trace)
    assert covered >= 18
    assert covered_layers >= 34
    assert abs(np.mean(errors)) < 3 * np.std(errors, ddof=1) / np.sqrt(20) + 0.011 * abs(trace)
    assert np.std(errors, ddof=1) < 0.07 * abs(trace)
    assert (trace < 0) == (shift < 0)


@pytest.mark.parametrize("kind", KINDS)
def test_stopping_at_the_error_costs_no_more_bias_than_is_said(kind):
    truth = matrix()
    errors = [followed(dict(estimators(Known(truth), seed))[kind], 0.05).trace / np.trace(truth) - 1
              for seed in range(80)]
    assert np.mean(errors) == pytest.approx(-0.005, abs=0.015)


def test_products_that_each_estimator_takes():
    mean = {kind: np.mean([followed(e := dict(estimators(Known(matrix()), seed))[kind], 0.05) and e.products
                           for seed in range(5)]) for kind in KINDS}
    assert mean["krylov"] == min(mean.values())
    assert mean["krylov"] < mean["hutchinson"] / 4


@pytest.mark.parametrize("directions", ["krylov", "sketch"])
def test_probes_that_are_kept_stay_probes_of_what_is_left(directions):
    """Each r is orthogonal to all directions, and its image is H r, whatever was taken out since it was drawn."""
    known = Known(matrix())
    estimator = DeflatedTrace(known, directions, 0, 0.01)
    while len(estimator._basis) < 12:
        estimator.advance()
    basis, probe = estimator._basis, estimator._probe
    torch.testing.assert_close(basis @ basis.t(), torch.eye(12, dtype=torch.float64))
    torch.testing.assert_close(basis @ probe.t(), torch.zeros(12, len(probe), dtype=torch.float64), rtol=0, atol=1e-9)
    torch.testing.assert_close(estimator._image, probe @ known.matrix)


def test_a_trace_of_nothing_stops():
    rng = np.random.default_rng(1)
    half = rng.standard_normal((100, 100))
    balanced = half + half.T
    balanced -= np.eye(100) * np.trace(balanced) / 100
    for _, estimator in estimators(Known(balanced), 0):
        found = followed(estimator, 0.5, most=1000)
        assert found.within(0.5)
        assert estimator.products < 1000
        assert abs(found.trace) < 4 * found.stderr + 1e-9
    for _, estimator in estimators(Known(np.zeros((100, 100))), 0):
        found = followed(estimator, 0.05)
        assert found.trace == found.stderr == 0
        assert estimator.products < 20


@pytest.mark.parametrize("kind", KINDS)
def test_low_rank_is_found_exactly(kind):
    factor = np.random.default_rng(0).standard_normal((120, 4))
    truth = factor @ factor.T
    found = followed(dict(estimators(Known(truth), 0))[kind], 1e-9 if kind != "hutchinson" else 0.2, most=60)
    assert found.trace == pytest.approx(np.trace(truth), rel=1e-6 if kind != "hutchinson" else 0.8)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stop", [3, 11, 22])
def test_a_restored_state_goes_on_bit_for_bit(kind, stop):
    straight = dict(estimators(Known(matrix()), 5, 0.01))[kind]
    for _ in range(40):
        straight.advance()
    first, second = (dict(estimators(Known(matrix()), 5, 0.01))[kind] for _ in range(2))
    for _ in range(stop):
        first.advance()
    second.restore({name: value.copy() for name, value in first.state().items()})
    for _ in range(40 - stop):
        second.advance()
    assert second.products == straight.products
    for name, value in straight.state().items():
        np.testing.assert_array_equal(second.state()[name], value)
    assert second.estimate().trace == straight.estimate().trace


def flat(size, spread=1.0):
    """Eigenvalues of one size: no direction matters more than another."""
    return Known(np.diag(np.random.default_rng(2).standard_normal(size) * spread + 1))


def test_xtrace_ends_where_its_vectors_do():
    """It holds them all, so their number has an end; the answer then says that the error was not reached."""
    estimator = XTrace(flat(400), 0)
    while not estimator.spent and estimator.products < 300:
        estimator.advance()
    assert (estimator.probes, estimator.products) == (MOST_VECTORS, 2 * MOST_VECTORS)
    found = estimator.estimate()
    assert not found.exact
    assert abs(found.trace - flat(400).matrix.trace().item()) < 3 * found.stderr
    small = XTrace(flat(400), 0, vector_bytes=3 * 400 * 8 * 9)
    while not small.spent and small.products < 300:
        small.advance()
    assert small.probes == 9


def test_xtrace_is_exact_once_it_has_seen_every_direction_with_curvature():
    factor = np.random.default_rng(0).standard_normal((120, 4))
    estimator = XTrace(Known(factor @ factor.T), 0)
    while not estimator.spent and estimator.products < 300:
        estimator.advance()
    found = estimator.estimate()
    assert (found.exact, found.stderr, estimator.probes) == (True, 0.0, 4)
    assert found.trace == pytest.approx(np.square(factor).sum(), rel=1e-10)


@pytest.mark.parametrize(("vectors", "directions", "kept"), [(1000, 64, 16), (40, 26, 6), (19, 5, 6), (18, 0, 0)])
@pytest.mark.parametrize("kind", ["krylov", "sketch"])
def test_vectors_stay_within_their_memory(kind, vectors, directions, kept):
    estimator = DeflatedTrace(flat(150), kind, 0, 1e-9, vector_bytes=vectors * 150 * 8)
    for _ in range(200):
        estimator.advance()
        held = sum(estimator.state()[name].size for name in ("basis", "probe", "image", "next"))
        assert held <= vectors * 150
    assert len(estimator._basis) <= directions
    assert (directions == 0) == (len(estimator._basis) == 0)
    assert len(estimator._probe) <= kept
    assert estimator.started
    found = estimator.estimate()
    assert abs(found.trace - flat(150).matrix.trace().item()) < 3 * found.stderr


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("most", [6, 13, 14, 31])
def test_no_product_more_than_may_be_made(kind, most, tmp_path):
    operator = flat(150)
    question = HessianTrace(estimator=kind, error=1e-6, most_products=most)
    trail = hessian_trace.Trail(question, hessian_trace.estimator(question, operator), Workbench(tmp_path))
    found = trail.follow()
    assert most - 1 <= operator.products == trail.estimator.products <= most
    assert not found.within(1e-6)


# The answer


def test_near_zero_means_less_than_a_tenth_of_the_frobenius_norm():
    def estimate(trace, exact=False):
        return Estimate(trace, 1.0, np.inf, np.zeros(1), np.zeros(1), 100.0, exact)
    assert [estimate(trace).near_zero for trace in (9.9, -9.9, 10.0, -10.0)] == [True, True, False, False]
    assert not estimate(0.0, exact=True).near_zero
    assert estimate(0.0).allowed(0.05) == 0.5
    assert estimate(-40.0).allowed(0.05) == 2.0


def test_a_network_with_negative_trace():
    """A loss that is flat below: probabilities of tanh units at their top bend downwards."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(9, 6, bias=False), nn.Tanh(), nn.Linear(6, 4, bias=False)).double()
    _, _, images = toy()
    names = [n for n, _ in model.named_parameters()]
    mask = Mask({n: np.ones(p.shape, dtype=bool) for n, p in model.named_parameters()})
    for seed in range(50):
        torch.manual_seed(seed)
        for parameter in model.parameters():
            nn.init.normal_(parameter, std=1.0)
        exact = dense(model, images, names)[0]
        question = HessianTrace(layer="1.weight")
        trace = exact[:54, :54].trace().item()
        if trace < -0.02 * exact[:54, :54].norm().item():
            break
    assert trace < 0
    with Hessian(model, mask, question, images) as hessian:
        for estimator in (XTrace(hessian, 0), DeflatedTrace(hessian, "krylov", 0, 0.05)):
            found = followed(estimator, 0.05, most=500)
            low, high = found.interval
            assert low <= trace <= high
            assert found.within(0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_more_layers_are_no_more_waits(kind):
    """Layers' numbers are fetched together: a GPU does all that was asked of it before it gives a number."""
    counts = []
    for layers in (2, 60):
        operator = Known(matrix())
        width = operator.size // layers
        operator.layers = {str(i): slice(i * width, (i + 1) * width) for i in range(layers)}
        one = dict(estimators(operator, 0))[kind]
        with waits() as seen:
            while operator.products < 30:
                one.advance()
            one.estimate()
        counts.append(len(seen))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("kind", ["krylov", "hutchpp"])
def test_a_new_direction_fetches_what_all_probes_say_at_once(kind):
    one = dict(estimators(Known(matrix()), 0))[kind]
    most = 0
    while one.products < 40:
        with waits() as seen:
            one.advance()
        most = max(most, len(seen))
    assert one.probes >= 6
    assert most <= 12

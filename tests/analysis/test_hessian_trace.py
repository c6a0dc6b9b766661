"""The answer about the trace at a network of the store: exact where it can be, with its error kept elsewhere."""

import itertools

import numpy as np
import pytest
import torch

from lth_engine.analysis import hessian_trace
from lth_engine.analysis.curvature.deflated_trace import DeflatedTrace
from lth_engine.analysis.curvature.hessian import Hessian
from lth_engine.answer import StoredInputs, answer
from lth_engine.core import saving
from lth_engine.core.artifact import texts
from lth_engine.core.errors import Cancelled, NonFinite
from lth_engine.core.workbench import Workbench
from lth_engine.specs.curvature import HessianTrace
from lth_engine.specs.finding import OneShot
from lth_engine.specs.models import Lenet300100
from lth_engine.specs.tickets import DenseTicket, FoundTicket, Run
from lth_engine.specs.training import Training
from lth_engine.store.store import Store
from tests.analysis.toy_network import Memory

KINDS = ("krylov", "hutchinson", "hutchpp", "xtrace")
TRAINING = Training(length="5ep", batch_size=64)
TICKET = FoundTicket(start=DenseTicket(model=Lenet300100(first=12, second=8)), training=TRAINING,
                     search=OneShot(fraction=0.5))
RUN = Run(ticket=TICKET, training=TRAINING)


# The answer


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return Workbench(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def store(tmp_path_factory, bench):
    store = Store(tmp_path_factory.mktemp("store"))
    answer(RUN, store, data_root=bench.data_root)
    return store


def truth_of(question, store, bench):
    model, mask, images = hessian_trace.network_at(question, StoredInputs(store), bench)
    with Hessian(model, mask, question, images) as hessian:
        return hessian.matvec(torch.eye(hessian.size)).double(), hessian.layers


def test_the_answer_has_the_trace_with_its_error(store, bench):
    question = HessianTrace(of=RUN, images=200)
    every, layers = truth_of(question, store, bench)
    reports = []
    found = hessian_trace.answer(question, StoredInputs(store), Workbench(bench.data_root, report=reports.append))
    summary, arrays = found.summary, found.arrays
    trace = every.trace().item()
    assert summary["trace_low"] <= trace <= summary["trace_high"]
    assert summary["trace_stderr"] <= 0.05 * summary["trace"]
    assert summary["reached"] is True
    assert summary["exact"] is False
    assert summary["size"] == len(every)
    assert summary["images"] == 200
    assert arrays["running/products"][-1] == summary["products"] <= 60
    assert arrays["running/trace"][-1] == summary["trace"] == pytest.approx(arrays["layers/trace"].sum())
    assert arrays["running/stderr"][-1] == summary["trace_stderr"]
    assert texts(arrays["layers/name"]) == list(layers)
    exact = np.array([every.diagonal()[part].sum().item() for part in layers.values()])
    assert (np.abs(arrays["layers/trace"] - exact) < 4 * arrays["layers/stderr"]).all()
    assert arrays["layers/size"].sum() == summary["size"]
    assert {"trace", "stderr"} <= reports[-1].metrics.keys()


@pytest.mark.parametrize("weights", ["kept", "all"])
def test_a_relu_networks_trace_is_exact_by_gauss_newton(store, bench, weights):
    question = HessianTrace(of=RUN, images=200, weights=weights, estimator="gauss_newton")
    every, layers = truth_of(question, store, bench)
    found = hessian_trace.answer(question, StoredInputs(store), bench)
    assert found.summary["trace"] == pytest.approx(every.trace().item(), rel=1e-5)
    exact = [every.diagonal()[part].sum().item() for part in layers.values()]
    assert found.arrays["layers/trace"] == pytest.approx(exact, rel=1e-4)


def test_the_answer_can_be_stored(store, bench):
    question = HessianTrace(of=RUN, images=30, error=0.2, norm_statistics="batch", at="start", weights="all")
    stored = answer(question, store, data_root=bench.data_root)
    assert stored.summary["reached"]
    assert stored.summary["size"] == 12 * 64 + 12 + 12 * 8 + 8 + 80 + 10


def test_few_coordinates_are_measured_exactly(store, bench):
    question = HessianTrace(of=RUN, layer="fc.bias", images=200)
    every, _ = truth_of(question, store, bench)
    summary = hessian_trace.answer(question, StoredInputs(store), bench).summary
    assert summary["trace"] == summary["trace_low"] == summary["trace_high"] == pytest.approx(every.trace().item())
    assert (summary["exact"], summary["trace_stderr"], summary["products"], summary["size"]) == (True, 0.0, 10, 10)


def test_most_products_end_it_with_an_honest_no(store, bench):
    question = HessianTrace(of=RUN, images=200, error=1e-4, most_products=20)
    summary = hessian_trace.answer(question, StoredInputs(store), bench).summary
    assert summary["products"] == 20
    assert summary["reached"] is False
    assert summary["trace_stderr"] > 1e-4 * summary["trace"]


@pytest.mark.parametrize("kind", ["krylov", "xtrace"])
def test_a_stopped_estimate_keeps_what_it_has_and_goes_on_bit_for_bit(kind, store, bench):
    question = HessianTrace(of=RUN, images=100, estimator=kind, error=0.03)
    straight = hessian_trace.answer(question, StoredInputs(store), bench)
    calls = itertools.count()

    def stop(progress):
        if "products" in progress.message and next(calls) == 6:
            raise Cancelled("Stopped.")

    kept = store.checkpoint(question.key)
    with pytest.raises(Cancelled):
        hessian_trace.answer(question, StoredInputs(store),
                             Workbench(bench.data_root, report=stop, checkpoint=kept, checkpoint_seconds=1e9))
    partial = kept.load()[0]
    np.testing.assert_array_equal(kept.peek("running")[0]["trace"], partial["running/trace"])
    assert len(partial["running/trace"]) == len(partial["running/stderr"]) == len(partial["running/products"]) == 7
    np.testing.assert_array_equal(partial["running/trace"], straight.arrays["running/trace"][:7])
    resumed = hessian_trace.answer(question, StoredInputs(store), Workbench(bench.data_root, checkpoint=kept))
    assert resumed.summary == straight.summary
    for name, value in straight.arrays.items():
        np.testing.assert_array_equal(resumed.arrays[name], value)


def test_the_estimate_is_saved_early_and_once_a_step(store, bench, monkeypatch):
    """A page shows it after two seconds, not after the first checkpoint_seconds."""
    clock = itertools.count(step=0.4)  # one look at it a step, two with a save
    monkeypatch.setattr(saving.time, "perf_counter", lambda: next(clock))
    question = HessianTrace(of=RUN, images=100, error=1e-3, estimator="hutchinson", most_products=40)
    kept, seen = store.checkpoint(question.key), []

    def report(progress):
        held = kept.peek("running")
        seen.append(0 if held is None else len(held[0]["trace"]))

    looked = []
    one = DeflatedTrace.estimate
    monkeypatch.setattr(DeflatedTrace, "estimate", lambda self: looked.append(1) or one(self))
    found = hessian_trace.answer(question, StoredInputs(store),
                                 Workbench(bench.data_root, report=report, checkpoint=kept, checkpoint_seconds=10))
    steps = len(found.arrays["running/trace"])
    assert steps == len(looked) == 40
    saves = sorted(set(seen))
    assert 0 < saves[1] <= 6
    assert all(b - a >= 20 for a, b in itertools.pairwise(saves[1:]))
    assert len(saves) > 2
    kept.discard()


def test_a_checkpoint_of_another_form_is_left_alone(store, bench):
    memory = Memory()
    memory.save({"running/products": np.ones(1), "running/trace": np.ones(1), "running/stderr": np.ones(1)}, {})
    question = HessianTrace(of=RUN, images=50, error=0.2)
    found = hessian_trace.answer(question, StoredInputs(store), Workbench(bench.data_root, checkpoint=memory))
    assert found.summary == hessian_trace.answer(question, StoredInputs(store), bench).summary


def test_a_network_whose_loss_overflows(store, bench, monkeypatch):
    def steep(question, inputs, bench):
        model, mask, images = hessian_trace_network(question, inputs, bench)
        with torch.no_grad():
            next(reversed(list(model.parameters()))).fill_(3e38).neg_()[0] = 3e38
        return model, mask, images

    hessian_trace_network = hessian_trace.network_at
    monkeypatch.setattr(hessian_trace, "network_at", steep)
    with pytest.raises(NonFinite, match=r"The loss of this network is .*, so it has no curvature"):
        hessian_trace.answer(HessianTrace(of=RUN, images=50), StoredInputs(store), bench)

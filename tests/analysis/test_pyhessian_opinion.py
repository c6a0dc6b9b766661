"""PyHessian's opinion: of the same Hessian as ours, and without its traps."""

import gc
import weakref

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import LinearOperator, eigsh

from lth_engine.analysis import hessian_trace, pyhessian_opinion
from lth_engine.analysis.curvature import graph_memory
from lth_engine.analysis.curvature.at_network import network_at
from lth_engine.analysis.curvature.coordinates import Coordinates
from lth_engine.analysis.curvature.hessian import Hessian
from lth_engine.core.errors import Cancelled
from lth_engine.core.workbench import Workbench
from lth_engine.specs.curvature import HessianTrace, PyhessianOpinion
from lth_engine.specs.finding import OneShot
from lth_engine.specs.models import CifarResnet
from lth_engine.specs.tickets import DenseTicket, FoundTicket, Run
from lth_engine.specs.training import Training

TRAINING = Training(length="2ep", batch_size=64)
TICKET = FoundTicket(start=DenseTicket(model=CifarResnet(depth=8, width=2)), training=TRAINING,
                     search=OneShot(fraction=0.5))
RUN = Run(ticket=TICKET, training=TRAINING)


@pytest.mark.parametrize("knobs", [{}, {"weights": "all"}, {"layer": "fc.weight"}, {"norm_statistics": "batch"}],
                         ids=str)
@pytest.mark.parametrize("one_batch", [60, 25])
def test_its_products_are_ours(inputs, bench, knobs, one_batch, monkeypatch):
    """One batch whose graph it keeps, and its loader with chunks of 20."""
    question = PyhessianOpinion(of=RUN, images=60, **knobs)
    model, mask, images = network_at(question, inputs, bench)
    monkeypatch.setattr(pyhessian_opinion, "images_at_once", lambda *given: one_batch)
    monkeypatch.setattr(images.images, "evaluation_batch", one_batch)
    model = model.double()
    coordinates = Coordinates(model, mask, question)
    vector = torch.linspace(-1, 2, coordinates.size, dtype=torch.float64)
    with Hessian(model, mask, question, images) as hessian:
        expected = hessian.matvec(vector)
    with pyhessian_opinion.opinion(model, coordinates, images, 0) as theirs:
        if theirs.full_dataset:
            found = theirs.dataloader_hv_product(coordinates.spread(vector))[1]
        else:
            found = torch.autograd.grad(theirs.gradsH, theirs.params, coordinates.spread(vector), retain_graph=True)
        assert theirs.full_dataset == (one_batch < 60)
    torch.testing.assert_close(coordinates.gather(found), expected, rtol=1e-6, atol=1e-8)
    fixed = torch.cat([t.reshape(-1) for t in found]).count_nonzero()
    assert fixed <= coordinates.size  # nothing at pruned weights


def test_its_trace_agrees_with_ours_within_the_errors(inputs, bench):
    question = PyhessianOpinion(of=RUN, images=60, most_products=80, tolerance=1e-9)
    theirs = pyhessian_opinion.answer(question, inputs, bench)
    summary, samples = theirs.summary, theirs.arrays["trace/value"]
    ours = hessian_trace.answer(HessianTrace(of=RUN, images=60, error=0.03), inputs, bench).summary
    assert summary["trace_samples"] == len(samples) == 80
    assert summary["trace"] == pytest.approx(samples.mean())
    assert summary["trace_stderr"] == pytest.approx(samples.std(ddof=1) / np.sqrt(80))
    assert abs(summary["trace"] - ours["trace"]) < 3 * np.hypot(summary["trace_stderr"], ours["trace_stderr"])
    assert summary["size"] == ours["size"]
    model, mask, images = network_at(question, inputs, bench)
    with Hessian(model, mask, question, images) as hessian:
        operator = LinearOperator((hessian.size,) * 2, matvec=lambda v: hessian.matvec(torch.from_numpy(v)).numpy(),
                                  dtype=np.float64)
        top = eigsh(operator, k=1, which="LA", tol=1e-4, return_eigenvectors=False)[0]
    assert summary["top"] == pytest.approx(top, rel=0.02)
    again = pyhessian_opinion.answer(question.replace(most_products=3), inputs, bench)
    np.testing.assert_array_equal(again.arrays["trace/value"], samples[:3])  # a second construction is not doubled
    assert summary["images"] == 60
    assert summary["version"] == "0.1"


def test_its_graph_stays_within_the_memory_of_ours(inputs, bench, monkeypatch):
    """Images whose graph is too large are handed over in chunks, and the products stay the same."""
    question = PyhessianOpinion(of=RUN, images=200)
    model, mask, images = network_at(question, inputs, bench)
    coordinates = Coordinates(model.double(), mask, question)
    vector = torch.linspace(-1, 2, coordinates.size, dtype=torch.float64)
    with Hessian(model, mask, question, images) as hessian:
        expected = hessian.matvec(vector)
    with pyhessian_opinion.opinion(model, coordinates, images, 0) as theirs:
        assert not theirs.full_dataset
    monkeypatch.setattr(graph_memory, "GRAPH_BYTES", 2**21)
    monkeypatch.setattr(graph_memory, "CHUNK_BYTES", 2**19)
    saved = []
    with pyhessian_opinion.opinion(model, coordinates, images, 0) as theirs:
        assert theirs.full_dataset
        assert 5 < len(theirs.data) < 200
        x, y = theirs.data[0]
        with torch.autograd.graph.saved_tensors_hooks(
                lambda t: saved.append(t.untyped_storage()) or t, lambda t: t):
            loss = torch.nn.functional.cross_entropy(theirs.model(x), y)
            torch.autograd.grad(loss, list(theirs.model.parameters()), create_graph=True)
        held = sum({s.data_ptr(): s.nbytes() for s in saved}.values())
        assert 2**18 < held < 2**19 + 8 * 6 * coordinates.size
        found = theirs.dataloader_hv_product(coordinates.spread(vector))[1]
    torch.testing.assert_close(coordinates.gather(found), expected, rtol=1e-6, atol=1e-8)


def test_the_note_says_what_does_not_run():
    found = pyhessian_opinion.note()
    assert "\n" not in found
    assert torch.__version__.split("+")[0] in found
    try:
        torch.eig(torch.eye(2), eigenvectors=True)  # what its density() calls
    except (RuntimeError, AttributeError):
        assert found.startswith("Its density() does not run")
        assert "eig says" in found
    else:
        assert found.startswith("All of its functions run")


def test_it_can_be_stopped_and_leaves_no_graph(inputs, bench):
    model, mask, images = network_at(PyhessianOpinion(of=RUN, images=20), inputs, bench)
    coordinates = Coordinates(model, mask, PyhessianOpinion())
    state = torch.get_rng_state()
    gc.collect()
    gc.disable()
    try:
        with pyhessian_opinion.opinion(model, coordinates, images, 0) as theirs:
            graph = weakref.ref(theirs.gradsH[0])
            theirs.trace(maxIter=2)
        assert graph() is None
        with pyhessian_opinion.opinion(model, coordinates, images, 0) as theirs:
            graph = weakref.ref(theirs.params[0].grad)
        assert graph() is None
        assert torch.equal(torch.get_rng_state(), state)
    finally:
        gc.enable()
    seen = []

    def stop(progress):
        seen.append(progress.message)
        if len(seen) == 5:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        pyhessian_opinion.answer(PyhessianOpinion(of=RUN, images=20), inputs, Workbench(bench.data_root, report=stop))
    assert "PyHessian's trace, product" in seen[-1]

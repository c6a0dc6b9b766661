"""Eigenpairs of a network's Hessian, against the dense Hessian by torch and its LAPACK eigenvalues."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.sparse.linalg import LinearOperator, eigsh

from lth_engine.analysis import hessian_eigenpairs
from lth_engine.analysis.curvature.at_network import Drawn
from lth_engine.analysis.curvature.hessian import Hessian
from lth_engine.answer import answer
from lth_engine.core.errors import Cancelled
from lth_engine.core.mask import Mask
from lth_engine.core.workbench import Workbench
from lth_engine.masking.prunable import prunable
from lth_engine.models.build import build
from lth_engine.specs.curvature import HessianEigenpairs
from lth_engine.specs.finding import OneShot
from lth_engine.specs.models import CifarResnet
from lth_engine.specs.tickets import DenseTicket, FoundTicket, Run
from lth_engine.specs.training import Training
from lth_engine.store.store import Store
from lth_engine.training.batches import Images
from tests.analysis.toy_network import Memory, dense, free, toy


def solve(monkeypatch, tmp_path, made=None, memory=None, report=None, **knobs):
    made = made or toy()
    monkeypatch.setattr(hessian_eigenpairs, "network_at", lambda question, inputs, bench: made)
    more = {"checkpoint": memory} if memory else {}
    bench = Workbench(tmp_path, report=report or (lambda progress: None), **more)
    return hessian_eigenpairs.answer(HessianEigenpairs(**knobs), {}, bench)


def flat(found, number, model):
    vector = [found.arrays.get(f"vector{number}/{n}", np.zeros(p.shape)) for n, p in model.named_parameters()]
    return np.concatenate([v.ravel() for v in vector])


@pytest.mark.parametrize("knobs", [{}, {"weights": "all"}, {"biases": False}, {"layer": "out.weight"}], ids=str)
def test_T30_eigenpairs_are_those_of_the_dense_hessian_between_projections(monkeypatch, tmp_path, knobs):
    model, mask, images = made = toy()
    found = solve(monkeypatch, tmp_path, made, count=4, tolerance=1e-7, **knobs)
    whole, _, loss = dense(model, images)
    names = np.repeat([n for n, p in model.named_parameters()], [p.numel() for p in model.parameters()])
    moves = free(model, mask, knobs.get("weights", "kept")).numpy()
    moves &= np.isin(names, list(mask)) | knobs.get("biases", True)
    moves &= names == knobs["layer"] if "layer" in knobs else True
    projected = whole.numpy() * np.outer(moves, moves)
    values = np.linalg.eigvalsh(projected[moves][:, moves])[::-1]
    assert found.arrays["top/value"] == pytest.approx(values[:4], rel=1e-5)
    assert len(found.arrays["bottom/value"]) == 3
    assert (np.diff(found.arrays["bottom/value"]) >= 0).all()
    for value, residual in zip(found.arrays["bottom/value"], found.arrays["bottom/residual"], strict=True):
        assert np.abs(values - value).min() <= residual + 1e-9
    vectors = np.array([flat(found, i, model) for i in range(4)])
    assert vectors @ vectors.T == pytest.approx(np.eye(4), abs=1e-7)
    assert (vectors[:, ~moves] == 0).all()
    assert (vectors.max(axis=1) == np.abs(vectors).max(axis=1)).all(), "the largest entry is positive"
    for vector, value, residual in zip(vectors, values, found.arrays["top/residual"], strict=False):
        assert np.linalg.norm(projected @ vector - value * vector) == pytest.approx(residual, abs=1e-9)
        assert residual <= 1e-7 * values[0]
    assert found.summary == {
        "top": found.arrays["top/value"][0], "top_residual": found.arrays["top/residual"][0],
        "bottom": found.arrays["bottom/value"][0], "products": len(found.arrays["running/top"]) + 4, "reached": True,
        "size": moves.sum(), "loss": pytest.approx(loss.item(), rel=1e-12), "images": 23}


def test_the_running_estimate_rises_to_the_answer(monkeypatch, tmp_path):
    found = solve(monkeypatch, tmp_path)
    running = found.arrays["running/top"]
    assert found.arrays["running/products"].tolist() == list(range(1, len(running) + 1))
    assert (np.diff(running) >= -1e-9).all()
    assert running[-1] == pytest.approx(found.summary["top"], rel=1e-5)
    assert found.summary["products"] == len(running) + 1


def test_an_answer_that_stops_early_says_so_and_has_its_residual(monkeypatch, tmp_path):
    model, mask, images = made = toy()
    found = solve(monkeypatch, tmp_path, made, tolerance=1e-9, most_products=6)
    moves = free(model, mask)
    exact = torch.linalg.eigvalsh(dense(model, images)[0][moves][:, moves])
    assert found.summary["reached"] is False
    assert found.summary["products"] == 6
    assert (exact - found.summary["top"]).abs().min() <= found.summary["top_residual"]
    assert found.summary["top"] <= exact.max()


def test_a_stopped_search_leaves_its_estimate_and_goes_on(monkeypatch, tmp_path):
    store, question = Store(tmp_path / "store"), HessianEigenpairs(count=2, tolerance=1e-8)
    checkpoint = store.checkpoint(question.key)
    knobs = {"count": 2, "tolerance": 1e-8}
    reports = []

    def until(progress):
        reports.append(progress)
        if progress.done == 12:
            raise Cancelled("Stopped.")

    whole = solve(monkeypatch, tmp_path, **knobs)
    with pytest.raises(Cancelled):
        solve(monkeypatch, tmp_path, memory=checkpoint, report=until, **knobs)
    assert reports[-1].metrics["top"] == pytest.approx(whole.arrays["running/top"][11])
    running, _ = checkpoint.peek("running")
    assert running["products"].tolist() == list(range(1, 13))
    assert running["top"].tolist() == whole.arrays["running/top"][:12].tolist()
    calls = []
    resumed = solve(monkeypatch, tmp_path, memory=checkpoint, report=calls.append, **knobs)
    assert calls[1].done == 13
    assert resumed.summary == whole.summary
    assert all(np.array_equal(resumed.arrays[n], a) for n, a in whole.arrays.items())


def test_what_another_form_of_the_search_left_behind_is_not_gone_on_with(monkeypatch, tmp_path):
    memory = Memory()
    memory.save({"running/top": np.array([1.0])}, {"form": "another"})
    assert solve(monkeypatch, tmp_path, memory=memory).summary == solve(monkeypatch, tmp_path).summary


def test_a_run_of_the_store_is_asked_like_anything(tmp_path):
    training = Training(length="1ep", batch_size=64)
    ticket = FoundTicket(start=DenseTicket(model=CifarResnet(depth=8, width=4)), training=training,
                         search=OneShot(fraction=0.5))
    run = Run(ticket=ticket, training=training)
    question = HessianEigenpairs(of=run, images=40, count=2)
    found = answer(question, Store(tmp_path / "store"), data_root=tmp_path)
    assert found.summary["reached"]
    assert found.arrays["top/value"][0] > found.arrays["top/value"][1] > 0
    norms = [sum((a.astype(np.float64) ** 2).sum() for a in found.group(f"vector{i}").values()) for i in (0, 1)]
    assert norms == pytest.approx([1, 1], abs=1e-6)


def resnet():
    """A ResNet with running statistics of its own, half of its weights pruned, and 45 images."""
    draw = torch.Generator().manual_seed(0)
    model = build(CifarResnet(depth=8, width=4), 1, 8, 8, 10, 0).eval()
    for name, buffer in model.named_buffers():
        if name.endswith(("mean", "var")):
            buffer.copy_(torch.rand(buffer.shape, generator=draw) + (0.5 if name.endswith("var") else -0.5))
    named = dict(model.named_parameters())
    mask = Mask({n: (torch.rand(w.shape, generator=draw) < 0.5).numpy() for n, w in prunable(model).items()})
    with torch.no_grad():
        for name in mask:
            named[name].mul_(torch.tensor(mask[name]))
    images = Images(torch.randint(0, 256, (45, 1, 8, 8), dtype=torch.uint8, generator=draw),
                    torch.randint(0, 10, (45,), generator=draw), (0.5,), (0.3,), "cpu")
    return model, mask, Drawn(images)


def by_arpack(model, mask, images, count):
    """Largest eigenvalues of the projected Hessian of a copy in double precision, all images in one batch."""
    model = copy.deepcopy(model).double()
    named = dict(model.named_parameters())
    x, y = next(iter(images.in_order()))
    factors = [torch.tensor(mask[n]).double() if n in mask else torch.ones_like(p) for n, p in named.items()]
    loss = F.cross_entropy(model(x.double()), y)
    slope = torch.autograd.grad(loss, list(named.values()), create_graph=True)

    def product(v):
        parts = [p.view_as(f) * f for p, f in zip(torch.from_numpy(v.ravel()).split([f.numel() for f in factors]),
                                                  factors, strict=True)]
        found = torch.autograd.grad(slope, list(named.values()), parts, retain_graph=True)
        return torch.cat([(h * f).flatten() for h, f in zip(found, factors, strict=True)]).numpy()

    n = sum(f.numel() for f in factors)
    return eigsh(LinearOperator((n, n), product, dtype=np.float64), count, which="LA", tol=1e-8)[0][::-1]


def test_a_residual_network_in_three_chunks_agrees_with_arpack(monkeypatch, tmp_path):
    made, chunks = resnet(), []
    build_graphs = Hessian._build

    def in_three(self):
        self._chunk, self.retained = 15, False
        for graph in build_graphs(self):
            chunks.append(1)
            yield graph

    monkeypatch.setattr(Hessian, "_build", in_three)
    found = solve(monkeypatch, tmp_path, made, count=3, tolerance=1e-4)
    assert len(chunks) == 3 * (found.summary["products"] + 1)
    assert found.summary["reached"]
    assert found.arrays["top/value"] == pytest.approx(by_arpack(*made, 3), rel=1e-5)

"""The exact trace of piecewise linear networks, against the dense Hessian by torch's own differentiation."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lth_engine.analysis import hessian_trace
from lth_engine.analysis.curvature.at_network import Drawn
from lth_engine.analysis.curvature.coordinates import Coordinates
from lth_engine.analysis.curvature.gauss_newton import GaussNewtonTrace
from lth_engine.core.artifact import texts
from lth_engine.core.errors import BadInput, Cancelled
from lth_engine.core.mask import Mask
from lth_engine.core.workbench import Workbench
from lth_engine.models.build import build
from lth_engine.specs.curvature import HessianTrace
from lth_engine.specs.models import CifarResnet, Conv, Lenet300100, Resnet, Vgg
from lth_engine.training.batches import Images
from tests.analysis.test_hessian import dense
from tests.analysis.toy_network import Memory


class Piecewise(nn.Module):
    """Convolutions of every kind, one changed in place after it, normalisation, pooling, a residual branch."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.first = nn.Conv2d(1, 4, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.grouped = nn.Conv2d(4, 4, 3, padding=(1, 2), dilation=(1, 2), groups=2)
        self.strided = nn.Conv2d(4, 6, 2, stride=2)
        self.hidden = nn.Linear(6, 5)
        self.norm1 = nn.BatchNorm1d(5)
        self.out = nn.Linear(5, 4)
        for name, buffer in self.named_buffers():
            if name.endswith(("mean", "var")):
                buffer.copy_(torch.rand(buffer.shape) + 0.3)
        for parameter in self.parameters():
            if parameter.ndim == 1:
                nn.init.uniform_(parameter, 0.2, 1.0)
        self.double().eval()

    def forward(self, x):
        x = F.relu(self.norm(self.first(x.double())), inplace=True)
        x = x + F.relu(self.grouped(x), inplace=True)
        x = F.max_pool2d(F.relu(self.strided(x), inplace=True), 2)
        return self.out(F.relu(self.norm1(self.hidden(x.flatten(1)))))


def made(model=None, count=21, classes=4, size=5):
    draw = torch.Generator().manual_seed(0)
    images = Images(torch.randint(0, 256, (count, 1, size, size), dtype=torch.uint8, generator=draw),
                    torch.randint(0, classes, (count,), generator=draw), (0.5,), (0.3,), "cpu")
    model = model or Piecewise()
    weights = {n: p for n, p in model.named_parameters() if p.ndim > 1}
    mask = Mask({n: (torch.rand(p.shape, generator=draw) < 0.6).numpy() for n, p in weights.items()})
    with torch.no_grad():
        for name, weight in weights.items():
            weight.mul_(torch.tensor(mask[name]))
    return model, mask, Drawn(images)


def solve(monkeypatch, tmp_path, network, *, memory=None, report=lambda progress: None, **knobs):
    monkeypatch.setattr(hessian_trace, "network_at", lambda question, inputs, bench: network)
    more = {"checkpoint": memory} if memory else {}
    return hessian_trace.answer(HessianTrace(estimator="gauss_newton", **knobs), {},
                                Workbench(tmp_path, report=report, **more))


@pytest.mark.parametrize("knobs", [{}, {"weights": "all"}, {"biases": False}, {"layer": "norm.weight"},
                                   {"layer": "grouped.weight"}, {"layer": "out.bias"}], ids=str)
def test_it_is_the_trace_of_the_dense_hessian_by_layer(monkeypatch, tmp_path, knobs):
    model, mask, images = network = made()
    names = [n for n, _ in model.named_parameters()]
    diagonal = dense(model, images, names)[0].diagonal()
    parts = dict(zip(names, diagonal.split([p.numel() for p in model.parameters()]), strict=True))
    found = solve(monkeypatch, tmp_path, network, **knobs)
    expected = []
    for name in texts(found.arrays["layers/name"]):
        kept = torch.tensor(mask[name]).flatten() if name in mask and "weights" not in knobs else 1
        expected.append((parts[name] * kept).sum().item())
    assert found.arrays["layers/trace"] == pytest.approx(expected, rel=1e-10, abs=1e-12)
    assert min(expected) > 1e-6
    summary = found.summary
    assert summary["trace"] == summary["trace_low"] == summary["trace_high"] == pytest.approx(sum(expected), rel=1e-10)
    assert (summary["exact"], summary["reached"], summary["trace_stderr"]) == (True, True, 0)
    assert (summary["products"], summary["probes"], summary["images"]) == (4, 0, 21)


def test_chunks_do_not_matter_and_a_stopped_trace_goes_on(monkeypatch, tmp_path):
    whole = solve(monkeypatch, tmp_path, made())
    monkeypatch.setattr("lth_engine.analysis.curvature.gauss_newton.MOST_AT_ONCE", 4)
    chunked = solve(monkeypatch, tmp_path, made())
    running, errors = chunked.arrays["running/trace"], chunked.arrays["running/stderr"]
    assert len(running) == 6
    assert chunked.summary["trace"] == pytest.approx(whole.summary["trace"], rel=1e-12)
    assert errors[-1] == 0
    assert (np.abs(running - running[-1])[:-1] < 3 * errors[:-1]).all()
    memory, calls = Memory(), itertools.count()

    def stop(progress):
        if "products" in progress.message and next(calls) == 2:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        solve(monkeypatch, tmp_path, made(), memory=memory, report=stop)
    assert memory.saved[0]["running/trace"].tolist() == running[:3].tolist()
    resumed = solve(monkeypatch, tmp_path, made(), memory=memory)
    assert resumed.summary == chunked.summary
    assert resumed.arrays["running/trace"].tolist() == running.tolist()


@pytest.mark.parametrize("spec", [Lenet300100(), Conv(), CifarResnet(depth=8, width=2),
                                  Resnet(), Vgg()], ids=lambda spec: spec.name)
def test_the_labs_piecewise_linear_networks_are_known(spec):
    model, mask, images = made(build(spec, 1, 32, 32, 10, 0).eval(), count=2, classes=10, size=32)
    GaussNewtonTrace(model, Coordinates(model, mask, HessianTrace()), images)


class Told(nn.Module):
    """A network that ends as it is told."""

    def __init__(self, end):
        super().__init__()
        self.first, self.second, self.end = nn.Linear(25, 4), nn.Linear(4, 4), end

    def forward(self, x):
        return self.end(self, self.first(x.flatten(1)))


@pytest.mark.parametrize(("end", "why"), [
    (lambda net, x: torch.tanh(x), "it uses tanh"), (lambda net, x: F.gelu(x), "it uses gelu"),
    (lambda net, x: x * net.second(x), "it uses mul"), (lambda net, x: x @ net.second(x).t(), "it uses matmul"),
    (lambda net, x: net.second(net.second(x)), "second is used twice"),
    (lambda net, x: F.layer_norm(x, (4,)), "it uses layer_norm"),
    (lambda net, x: F.softmax(x, dim=1), "it uses softmax"), (lambda net, x: x**2, "it uses pow")],
    ids=lambda value: value if isinstance(value, str) else "")
def test_a_network_that_is_not_piecewise_linear_is_refused(monkeypatch, tmp_path, end, why):
    with pytest.raises(BadInput, match=rf"piecewise linear in each weight.* because {why}.*: choose .* krylov\."):
        solve(monkeypatch, tmp_path, made(Told(end).eval()))


def test_layers_that_are_refused(monkeypatch, tmp_path):
    normed = nn.Sequential(nn.Flatten(), nn.Linear(25, 4), nn.LayerNorm(4)).eval()
    with pytest.raises(BadInput, match="2 is a LayerNorm"):
        solve(monkeypatch, tmp_path, made(normed))
    tied = Told(lambda net, x: net.second(x))
    tied.third = nn.Linear(4, 4)
    tied.third.weight = tied.second.weight
    with pytest.raises(BadInput, match="two of its layers share a weight"):
        solve(monkeypatch, tmp_path, made(tied.eval()))
    batch = made()
    for module in batch[0].modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean = module.running_var = None
    with pytest.raises(BadInput, match="statistics of the batch"):
        solve(monkeypatch, tmp_path, batch)

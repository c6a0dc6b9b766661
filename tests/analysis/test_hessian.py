"""Products with the Hessian, against torch's own dense Hessian in double precision."""

import gc
import resource
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call

from lth_engine.analysis.curvature.at_network import Drawn
from lth_engine.analysis.curvature.hessian import Hessian
from lth_engine.core.errors import BadInput, UnknownName
from lth_engine.core.mask import Mask
from lth_engine.specs.curvature import HessianTrace
from lth_engine.training.batches import Images


def toy(norm: bool = False, seed: int = 0):
    """A small network in double precision, its mask, and 11 random images of 3 x 3 pixels."""
    torch.manual_seed(seed)
    layers = [nn.Conv2d(1, 3, 2), nn.BatchNorm2d(3), nn.Tanh()] if norm else [nn.Flatten(), nn.Linear(9, 5), nn.Tanh()]
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(12 if norm else 5, 4)).double().eval()
    if norm:
        model[1].running_mean.uniform_(-1, 1)
        model[1].running_var.uniform_(0.5, 2)
        nn.init.uniform_(model[1].weight, 0.5, 1.5)
    names = [n for n, p in model.named_parameters() if p.ndim > 1]
    rng = np.random.default_rng(seed)
    mask = Mask({n: rng.random(dict(model.named_parameters())[n].shape) < 0.6 for n in names})
    with torch.no_grad():
        for name in names:
            dict(model.named_parameters())[name].mul_(torch.tensor(mask[name]))
    images = Images(torch.randint(0, 256, (11, 1, 3, 3), dtype=torch.uint8), torch.randint(0, 4, (11,)), (0.5,),
                    (0.3,), "cpu")
    return model, mask, Drawn(images)


def dense(model, images, names, chunks=1):
    """The whole Hessian of the mean loss in the parameters of these names, by torch, and its gradient."""
    parameters = {n: p.detach() for n, p in model.named_parameters()}
    shapes = [parameters[n].shape for n in names]
    batches = list(images.in_chunks(-(-len(images) // chunks)))

    def loss(flat):
        parts = flat.split([s.numel() for s in shapes])
        moved = parameters | {n: part.view(s) for n, part, s in zip(names, parts, shapes, strict=True)}
        sums = [F.cross_entropy(functional_call(model, moved, (x.double(),)), y, reduction="sum") for x, y in batches]
        return sum(sums) / len(images)

    flat = torch.cat([parameters[n].reshape(-1) for n in names])
    return torch.autograd.functional.hessian(loss, flat), torch.autograd.functional.jacobian(loss, flat), loss(flat)


def moving(model, mask, names, weights="kept"):
    """For each coordinate of the parameters of these names, whether it may move."""
    shapes = {n: p.shape for n, p in model.named_parameters()}
    return torch.cat([torch.tensor(mask[n]).view(-1) if weights == "kept" and n in mask
                      else torch.ones(shapes[n].numel(), dtype=torch.bool) for n in names])


CASES = [{}, {"weights": "all"}, {"biases": False}, {"weights": "all", "biases": False}]


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("knobs", [*CASES, {"layer": "last.weight"}, {"layer": "last.bias"}], ids=str)
def test_products_are_those_of_the_dense_hessian_between_projections(norm, knobs):
    model, mask, images = toy(norm)
    if "layer" in knobs:
        last = max(n for n, _ in model.named_parameters()).split(".")[0]
        knobs = {"layer": knobs["layer"].replace("last", last)}
    names = [n for n, p in model.named_parameters()
             if (n == knobs["layer"] if "layer" in knobs else knobs.get("biases", True) or n in mask)]
    whole, slope, loss = dense(model, images, names)
    free = moving(model, mask, names, knobs.get("weights", "kept"))
    with Hessian(model, mask, HessianTrace(**knobs), images) as hessian:
        found = hessian.matvec(torch.eye(hessian.size, dtype=torch.float64))
        assert hessian.size == free.sum()
        assert hessian.products == hessian.size
        torch.testing.assert_close(found, whole[free][:, free], rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(hessian.matvec(torch.arange(hessian.size)[:, None].double())[:, 0],
                                   whole[free][:, free] @ torch.arange(hessian.size).double(), rtol=1e-9, atol=1e-10)
        torch.testing.assert_close(hessian.gradient, slope[free], rtol=1e-9, atol=1e-12)
        assert hessian.loss == pytest.approx(loss.item(), rel=1e-12)
        assert hessian.gradient_norm == pytest.approx(slope[free].norm().item())


@pytest.mark.parametrize("norm", [False, True])
def test_uneven_chunks_weigh_each_image_the_same(norm, monkeypatch):
    model, mask, images = toy(norm)
    vectors = torch.randn(30, 2, dtype=torch.float64)
    with Hessian(model, mask, HessianTrace(), images) as whole, \
            Hessian(model, mask, HessianTrace(), images, graph_bytes=0) as single:
        vectors = vectors.repeat(3, 1)[:whole.size]
        assert whole.retained
        assert not single.retained
        sizes = []
        for chunk in (1, 4):  # 11 images: 4 + 4 + 3
            single._chunk = chunk
            monkeypatch.setattr(single, "_graph", lambda x, y, graph=Hessian._graph: (
                sizes.append(len(x)), graph(single, x, y))[1])
            torch.testing.assert_close(single.matvec(vectors), whole.matvec(vectors), rtol=1e-10, atol=1e-13)
        assert sizes == [1] * 11 + [4, 4, 3]
        assert single.loss == pytest.approx(whole.loss, rel=1e-12)
        torch.testing.assert_close(single.gradient, whole.gradient)


def without_statistics(model):
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.track_running_stats, module.running_mean, module.running_var = False, None, None


def test_batch_statistics_are_differentiated_too(monkeypatch):
    model, mask, images = toy(norm=True)
    names = [n for n, _ in model.named_parameters()]
    free = moving(model, mask, names)
    evaluation = dense(model, images, names)[0][free][:, free]
    without_statistics(model)
    monkeypatch.setattr(Images, "evaluation_batch", 6)  # batches of 6 and 5, also where memory asks for less
    expected = dense(model, images, names, chunks=2)[0][free][:, free]
    for graph_bytes in (None, 0):
        with Hessian(model, mask, HessianTrace(), images, graph_bytes) as hessian:
            found = hessian.matvec(torch.eye(hessian.size, dtype=torch.float64))
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)
    assert (expected - evaluation).norm() > 0.1 * evaluation.norm()


def test_float32_agrees_with_float64():
    model, mask, images = toy(norm=True)
    with Hessian(model, mask, HessianTrace(), images) as exact:
        v = torch.randn(exact.size, dtype=torch.float64)
        expected = exact.matvec(v)
    with Hessian(model.float(), mask, HessianTrace(), images) as hessian:
        torch.testing.assert_close(hessian.matvec(v), expected, rtol=1e-4, atol=1e-5)


def test_vectors_have_names():
    model, mask, images = toy()
    with Hessian(model, mask, HessianTrace(), images) as hessian:
        vector = torch.arange(1, hessian.size + 1).double()
        named = hessian.to_named(vector)
        assert list(named) == list(hessian.layers) == [n for n, _ in model.named_parameters()]
        for name, part in hessian.layers.items():
            kept = mask[name] if name in mask else np.ones(named[name].shape, bool)
            assert named[name].shape == dict(model.named_parameters())[name].shape
            np.testing.assert_array_equal(named[name][kept], vector[part])
            assert not named[name][~kept].any()


def test_a_layer_that_is_not_there_and_one_that_keeps_nothing():
    model, mask, images = toy()
    with pytest.raises(UnknownName, match=r"Unknown parameter: '1\.weigth'\. Did you mean 1\.weight\?"):
        Hessian(model, mask, HessianTrace(layer="1.weigth"), images)
    empty = Mask({n: np.zeros_like(kept) for n, kept in mask.items()})
    with pytest.raises(BadInput, match=r"No coordinate of 1\.weight may move: the mask keeps none of them\."):
        Hessian(model, empty, HessianTrace(layer="1.weight"), images)


def test_a_network_that_torch_cannot_differentiate_twice():
    model = nn.Sequential(nn.Flatten(), nn.Linear(9, 4), nn.RReLU(), nn.LogSigmoid(), Once()).eval()
    mask = Mask({"1.weight": np.ones((4, 9), dtype=bool)})
    with Hessian(model, mask, HessianTrace(), toy()[2]) as hessian, pytest.raises(
            BadInput, match=r"cannot be differentiated twice, because torch says: .*is not implemented"):
        hessian.matvec(torch.ones(hessian.size))


class Once(nn.Module):
    """A hard sigmoid that is called below torch.nn.functional."""

    def forward(self, x):
        return torch.ops.aten.hardsigmoid(x)


def test_memory_is_flat_over_fifty_products():
    model = nn.Sequential(nn.Flatten(), nn.Linear(9, 20_000), nn.Tanh(), nn.Linear(20_000, 4)).eval()
    mask = Mask({n: np.ones(p.shape, dtype=bool) for n, p in model.named_parameters() if p.ndim > 1})
    hessian = Hessian(model, mask, HessianTrace(), toy()[2])
    vector = torch.ones(hessian.size)  # 1.1 MB
    gc.collect()
    gc.disable()  # what a cycle holds would stay
    try:
        for _ in range(5):
            hessian.matvec(vector)
        tensors, before = count_tensors(), resident()
        for _ in range(50):
            hessian.matvec(vector)
        assert count_tensors() == tensors
        assert resident() - before < 20e6  # a vector that stays would take 55e6, a graph more
        graph = weakref.ref(hessian._kept[0].gradient[0])
        hessian.close()
        assert graph() is None
    finally:
        gc.enable()
    assert all(p.grad is None for p in model.parameters())


def count_tensors():
    return sum(issubclass(type(found), torch.Tensor) for found in gc.get_objects())


def resident():
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

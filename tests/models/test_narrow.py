"""The narrow network's number of weights, counted without torch, is the one that torch counts."""

from __future__ import annotations

import pytest

from lth_engine.core.errors import BadInput
from lth_engine.masking.prunable import prunable
from lth_engine.models.build import build
from lth_engine.specs.data import Cifar10, Cifar100, DataSpec, Digits
from lth_engine.specs.models import CifarResnet, Conv, Lenet300100, ModelSpec, Resnet, Vgg
from lth_engine.specs.narrow import Shape, narrowed, prunable_layers

CIFAR: Shape = (3, 32, 32, 10)
HUNDRED: Shape = (3, 32, 32, 100)

MODELS: list[tuple[ModelSpec, Shape]] = [
    *((Lenet300100(first=f, second=s), shape) for f, s in ((300, 100), (7, 3), (1, 1))
      for shape in ((1, 28, 28, 10), (1, 8, 8, 10), CIFAR)),
    *((Conv(layers=layers, width=width), shape) for layers in (2, 4, 6) for width in (1.0, 0.5, 0.13, 0.02)
      for shape in (CIFAR, (1, 28, 28, 10), (3, 33, 41, 7))),
    *((CifarResnet(depth=depth, width=width, shortcut=shortcut), shape) for depth in (8, 20, 56)
      for width in (16, 5, 1) for shortcut in ("projection", "padding") for shape in (CIFAR, HUNDRED)),
    *((Vgg(depth=depth, width=width), shape) for depth in (11, 13, 16, 19) for width in (16, 5, 1)
      for shape in (CIFAR, (1, 28, 28, 100)))]


def weights(model: ModelSpec, shape: Shape) -> int:
    """All prunable ones."""
    return sum(prunable_layers(model, shape).values())


@pytest.mark.parametrize(("model", "shape"), MODELS, ids=[f"{m.label}-{i}" for i, (m, _) in enumerate(MODELS)])
def test_weights_are_those_of_torch(model: ModelSpec, shape: Shape) -> None:
    network = build(model.replace(init="library"), *shape, 0)
    assert prunable_layers(model, shape) == {name: p.numel() for name, p in prunable(network).items()}


@pytest.mark.parametrize(("model", "data", "shape"), [
    (Lenet300100(), Digits(), (1, 8, 8, 10)), (Conv(layers=4), Cifar10(), CIFAR), (CifarResnet(), Cifar10(), CIFAR),
    (Vgg(), Cifar100(), HUNDRED)])
@pytest.mark.parametrize("density", [0.5, 0.1, 0.0144])
def test_a_narrow_network_has_about_as_many_weights(model: ModelSpec, data: DataSpec, shape: Shape,
                                                    density: float) -> None:
    narrow = narrowed(model, data, density)
    assert type(narrow) is type(model)
    assert weights(narrow, shape) == pytest.approx(density * weights(model, shape), rel=0.25)
    assert narrowed(model, data, 1.0) == model


def test_layers_that_stay_dense_count_whole() -> None:
    """VGG-16 at 0.8^35, its last layer ignored: 5,120 weights of 14.7 million are a third of what is left."""
    model, density = Vgg(depth=16), 0.8**35
    kept = density * (weights(model, CIFAR) - 5_120) + 5_120
    narrow = narrowed(model, Cifar10(), density, ("fc.weight",))
    assert kept == pytest.approx(11_087, abs=1)
    assert weights(narrow, CIFAR) == pytest.approx(kept, rel=0.35)
    widths = [Vgg(depth=16, width=w) for w in range(1, 65)]
    assert narrow == min(widths, key=lambda w: abs(weights(w, CIFAR) - kept)) != narrowed(model, Cifar10(), density)


def test_a_network_of_one_width_is_refused() -> None:
    with pytest.raises(BadInput, match="ResNet-50 has one width"):
        narrowed(Resnet(depth=50), Cifar10(), 0.5)

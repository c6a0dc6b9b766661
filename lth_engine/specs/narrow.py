"""The same architecture, narrower: a dense network of about as many weights as a ticket keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lth_engine.core.errors import BadInput
from lth_engine.specs.data import DataSpec
from lth_engine.specs.models import CifarResnet, Conv, Lenet300100, ModelSpec, Vgg

Shape = tuple[int, int, int, int]
"""Channels, height, width, classes."""

_SHAPES: dict[str, Shape] = {
    "digits": (1, 8, 8, 10), **dict.fromkeys(("mnist", "fashion_mnist", "kmnist"), (1, 28, 28, 10)),
    "cifar100": (3, 32, 32, 100), "eurosat": (3, 64, 64, 10), "tiny_imagenet": (3, 64, 64, 200)}
_USUAL: Shape = (3, 32, 32, 10)
"""Of CIFAR-10 and SVHN, and taken where a set does not say: the first and last layer are a small part of the whole."""


def prunable_weights(model: ModelSpec, shape: Shape) -> int:
    """Number of weights of convolutions and linear layers.

    Args:
        model: a network of adjustable width; see :func:`narrowed`.
        shape: of the images.
    """
    channels, height, width, classes = shape
    if isinstance(model, Lenet300100):
        return channels * height * width * model.first + model.first * model.second + model.second * classes
    if isinstance(model, Conv):
        return _conv(model, shape)
    if isinstance(model, CifarResnet):
        return _resnet(model, channels, classes)
    assert isinstance(model, Vgg)
    return _vgg(model, channels, classes)


def narrowed(model: ModelSpec, data: DataSpec, density: float) -> ModelSpec:
    """The network whose number of prunable weights is nearest to `density` times that of `model`, scaling all widths
    alike.

    Raises:
        BadInput: the architecture has one width only.
    """
    shape = _SHAPES.get(data.name, _USUAL)
    candidates = _CANDIDATES.get(type(model))
    if candidates is None:
        raise BadInput(f"{model.label} has one width, so there is no small dense network of its kind. Leave "
                       "small_dense out of the checks.")
    wanted = density * prunable_weights(model, shape)
    return min(candidates(model), key=lambda narrow: abs(prunable_weights(narrow, shape) - wanted))


def _lenets(model: ModelSpec) -> Iterator[ModelSpec]:
    assert isinstance(model, Lenet300100)
    for first in range(1, model.first + 1):
        yield model.replace(first=first, second=max(1, round(model.second * first / model.first)))


def _convs(model: ModelSpec) -> Iterator[ModelSpec]:
    assert isinstance(model, Conv)
    yield from (model.replace(width=model.width * part / 256) for part in range(1, 257) if model.width * part > 2.56)


def _widths(model: ModelSpec) -> Iterator[ModelSpec]:
    assert isinstance(model, CifarResnet | Vgg)
    yield from (model.replace(width=width) for width in range(1, model.width + 1))


_CANDIDATES: dict[type[ModelSpec], Callable[[ModelSpec], Iterator[ModelSpec]]] = {
    Lenet300100: _lenets, Conv: _convs, CifarResnet: _widths, Vgg: _widths}


def _conv(model: Conv, shape: Shape) -> int:
    channels, height, width, classes = shape
    total = 0
    for block in range(model.layers // 2):
        out = max(1, round(64 * 2**block * model.width))
        total += 9 * out * (channels + out)
        channels, height, width = out, height // 2, width // 2
    hidden = max(1, round(256 * model.width))
    return total + hidden * (channels * height * width + hidden + classes)


def _resnet(model: CifarResnet, channels: int, classes: int) -> int:
    blocks, w = (model.depth - 2) // 6, model.width
    total = 9 * channels * w + 4 * w * classes
    for stage, inside in enumerate((w, w, 2 * w)):
        out = w * 2**stage
        total += 9 * out * (inside + out) + 18 * out * out * (blocks - 1)
        if stage and model.shortcut == "projection":
            total += inside * out
    return total


def _vgg(model: Vgg, channels: int, classes: int) -> int:
    total = 0
    for block, count in enumerate({11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3),
                                   19: (2, 2, 4, 4, 4)}[model.depth]):
        out = model.width * (1, 2, 4, 8, 8)[block]
        for _ in range(count):
            total, channels = total + 9 * channels * out, out
    return total + channels * classes

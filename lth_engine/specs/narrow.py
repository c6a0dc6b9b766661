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


def prunable_layers(model: ModelSpec, shape: Shape) -> dict[str, int]:
    """Number of weights of each convolution and linear layer, by the name of its weights.

    Args:
        model: a network of adjustable width; see :func:`narrowed`.
        shape: of the images.
    """
    channels, height, width, classes = shape
    if isinstance(model, Lenet300100):
        return {"fc1.weight": channels * height * width * model.first, "fc2.weight": model.first * model.second,
                "fc.weight": model.second * classes}
    if isinstance(model, Conv):
        return _conv(model, shape)
    if isinstance(model, CifarResnet):
        return _resnet(model, channels, classes)
    assert isinstance(model, Vgg)
    return _vgg(model, channels, classes)


def narrowed(model: ModelSpec, data: DataSpec, density: float, ignore: tuple[str, ...] = ()) -> ModelSpec:
    """The network whose number of prunable weights is nearest to that of a ticket, scaling all widths alike.

    Args:
        model: the network of the ticket.
        data: its images.
        density: that the search asks for, of the weights that it may prune.
        ignore: names of the layers that the ticket keeps whole.

    Raises:
        BadInput: the architecture has one width only.
    """
    shape = _SHAPES.get(data.name, _USUAL)
    candidates = _CANDIDATES.get(type(model))
    if candidates is None:
        raise BadInput(f"{model.label} has one width, so there is no small dense network of its kind. Leave "
                       "small_dense out of the checks.")
    wanted = sum(size * (1 if name in ignore else density) for name, size in prunable_layers(model, shape).items())
    return min(candidates(model), key=lambda narrow: abs(sum(prunable_layers(narrow, shape).values()) - wanted))


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


def _conv(model: Conv, shape: Shape) -> dict[str, int]:
    channels, height, width, classes = shape
    found: dict[str, int] = {}
    for block in range(model.layers // 2):
        out = max(1, round(64 * 2**block * model.width))
        found |= {f"conv{2 * block + 1}.weight": 9 * out * channels, f"conv{2 * block + 2}.weight": 9 * out * out}
        channels, height, width = out, height // 2, width // 2
    hidden = max(1, round(256 * model.width))
    return found | {"fc1.weight": channels * height * width * hidden, "fc2.weight": hidden * hidden,
                    "fc.weight": hidden * classes}


def _resnet(model: CifarResnet, channels: int, classes: int) -> dict[str, int]:
    blocks, inside = (model.depth - 2) // 6, model.width
    found = {"conv.weight": 9 * channels * inside}
    for block in range(3 * blocks):
        name, out = f"blocks.{block}", model.width * 2**(block // blocks)
        found |= {f"{name}.conv1.weight": 9 * inside * out, f"{name}.conv2.weight": 9 * out * out}
        if inside != out and model.shortcut == "projection":
            found[f"{name}.shortcut.0.weight"] = inside * out
        inside = out
    return found | {"fc.weight": inside * classes}


def _vgg(model: Vgg, channels: int, classes: int) -> dict[str, int]:
    found: dict[str, int] = {}
    for block, count in enumerate({11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3),
                                   19: (2, 2, 4, 4, 4)}[model.depth]):
        out = model.width * (1, 2, 4, 8, 8)[block]
        for _ in range(count):
            found[f"conv{len(found) + 1}.weight"], channels = 9 * channels * out, out
    return found | {"fc.weight": channels * classes}

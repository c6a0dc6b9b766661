"""Names and shapes of a network's tensors, found without drawing or holding a single weight."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.overrides import TorchFunctionMode

from lth_engine.masking.prunable import in_network_order
from lth_engine.specs.models import ModelSpec, Normalised

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]

NORM, CONVOLUTION, LINEAR = "normalisation", "convolutions", "linear layers"

COLOURS = 3
"""Input channels of a library's networks; the lab replaces the first convolution for other numbers."""

STATISTICS = ("running_mean", "running_var")
"""Buffers without which batch normalisation cannot evaluate."""


@dataclass(frozen=True)
class Skeleton:
    """What a network's state holds.

    Attributes:
        shapes: name -> shape, in the order in which the network defines its layers.
        optional: names that a file may lack: counters and constants that the network makes itself.
        parameters: names of the parameters.
        prunable: names of the weights that the lab may prune, in the network's order.
        neutral: names of biases and factors that do nothing at a certain value (0 and 1), by the kind of their layer:
            a peer's layers of one kind may all do without them.
    """

    shapes: Shapes
    optional: frozenset[str]
    parameters: frozenset[str]
    prunable: tuple[str, ...]
    neutral: Mapping[str, str]


class _OnlyShapes(TorchFunctionMode):
    """Tensors that layers allocate for their weights get a shape and no memory (torch's meta device).

    Small computations with numbers, as regnet's widths, stay on the CPU, which `torch.device("meta")` would break.
    """

    def __torch_function__(self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        extra = {"device": "meta"} if func in (torch.empty, torch.zeros, torch.ones, torch.randn) else {}
        return func(*args, **{**(kwargs or {}), **extra})


@functools.lru_cache(maxsize=256)
def skeleton(spec: ModelSpec, channels: int, height: int, width: int, classes: int) -> Skeleton:
    """Of the network that `spec` builds.

    Raises:
        BadInput: the network does not fit images of this size.
    """
    module = importlib.import_module(f"{spec.package}.{spec.name}")
    of_library = spec.name in ("resnet", "swin", "torchvision", "timm")
    with _OnlyShapes(), torch.random.fork_rng(devices=[]):
        model: nn.Module = module.build(spec, COLOURS if of_library else channels, height, width, classes)
    shapes = {name: tuple(t.shape) for name, t in model.state_dict().items()}
    if of_library and channels != COLOURS:
        first = next(f"{n}.weight" for n, m in model.named_modules() if isinstance(m, nn.Conv2d))
        shapes[first] = (shapes[first][0], channels, *shapes[first][2:])
    if isinstance(spec, Normalised) and not spec.running_stats:
        gone = {f"{n}.{leaf}" for n, m in model.named_modules() if isinstance(m, _BatchNorm)
                for leaf in (*STATISTICS, "num_batches_tracked")}
        shapes = {name: shape for name, shape in shapes.items() if name not in gone}
    parameters = frozenset(name for name, _ in model.named_parameters())
    optional = frozenset(n for n in shapes if n not in parameters and not n.endswith(STATISTICS))
    return Skeleton(shapes, optional, parameters, tuple(in_network_order(model)), _neutral(model))


def _neutral(model: nn.Module) -> dict[str, str]:
    """Name of a bias or of a factor of batch normalisation -> the kind of its layer."""
    found: dict[str, str] = {}
    for name, module in model.named_modules():
        if isinstance(module, _BatchNorm):
            found |= {f"{name}.weight": NORM, f"{name}.bias": NORM}
        elif isinstance(module, nn.Conv2d):
            found[f"{name}.bias"] = CONVOLUTION
        elif isinstance(module, nn.Linear):
            found[f"{name}.bias"] = LINEAR
    return found

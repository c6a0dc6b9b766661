"""Which weights of two checkpoints belong together: by the lab's names, by the files' names, or by their order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from lth_engine.diagnosis.anatomy import BUFFERS, Anatomy, Layer, is_number
from lth_engine.importing.layers import exchangeable, merely_sorted, natural

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Pairing:
    """Two checkpoints side by side.

    Attributes:
        by: "network" (both are known and the same), "names" or "order" (of equal shapes) in the file; "nothing"
            where names differ and a file only sorts them, so that layers of one shape may stand in another order.
        layers: name -> the layer in each, of the same shape.
        others: name -> the tensor in each, of the same shape, of what is no layer's weight: factors, shifts, biases,
            running statistics.
        only_first: names of parameters that the second lacks.
        only_second: names of parameters that the first lacks.
        shapes: (name, shape in the first, shape in the second) where they differ.
    """

    by: str
    layers: Mapping[str, tuple[Layer, Layer]]
    others: Mapping[str, tuple[torch.Tensor, torch.Tensor]]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    shapes: tuple[tuple[str, Shape, Shape], ...]

    @property
    def same_shape(self) -> bool:
        """Whether every parameter has its counterpart."""
        return not (self.only_first or self.only_second or self.shapes)


def pair(first: Anatomy, second: Anatomy) -> Pairing:
    """Put two checkpoints side by side; a name is the first file's."""
    by, back = _naming(first, second)
    ours, theirs = _learned(first), {back.get(name, name): value for name, value in _learned(second).items()}
    other = {back.get(layer.name, layer.name): layer for layer in second.prunable}
    layers = {layer.name: (layer, other[layer.name]) for layer in first.prunable
              if layer.name in other and layer.weight.shape == other[layer.name].weight.shape}
    named = {back.get(name, name): value for name, value in second.weights.items()}
    others = {name: (value, named[name]) for name, value in first.weights.items()
              if is_number(value) and name in named and name not in layers and value.shape == named[name].shape}
    return Pairing(
        by, layers, others, tuple(name for name in ours if name not in theirs),
        tuple(name for name in theirs if name not in ours),
        tuple((name, tuple(value.shape), tuple(theirs[name].shape)) for name, value in ours.items()
              if name in theirs and value.shape != theirs[name].shape))


def same_network(first: Anatomy, second: Anatomy) -> bool:
    """Whether both are known and the same network."""
    a, b = first.checkpoint.architecture, second.checkpoint.architecture
    return a is not None and b is not None and (a.spec, a.channels, a.classes) == (b.spec, b.channels, b.classes)


def _naming(first: Anatomy, second: Anatomy) -> tuple[str, dict[str, str]]:
    """How names correspond: name in the second file -> name in the first, where they differ."""
    a, b = first.checkpoint.architecture, second.checkpoint.architecture
    if same_network(first, second) and a is not None and b is not None:
        ours = {a.renaming.get(name, name): name for name in first.weights}
        return "network", {name: ours.get(b.renaming.get(name, name), name) for name in second.weights}
    mine, other = _learned(first), _learned(second)
    if set(mine) & set(other):
        return "names", {}
    a_names, b_names = (natural(side) if merely_sorted(side) else list(side) for side in (mine, other))
    shapes = {name: tuple(mine[name].shape) for name in a_names}
    if list(shapes.values()) != [tuple(other[name].shape) for name in b_names]:
        return "names", {}
    if (merely_sorted(mine) or merely_sorted(other)) and exchangeable(shapes):
        return "nothing", {}
    return "order", dict(zip(b_names, a_names, strict=True))


def _learned(anatomy: Anatomy) -> dict[str, torch.Tensor]:
    return {name: value for name, value in anatomy.weights.items()
            if is_number(value) and name.rsplit(".", 1)[-1] not in BUFFERS}

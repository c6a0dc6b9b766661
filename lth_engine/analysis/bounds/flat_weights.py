"""All weights of a network in one vector, so that what is done to each of them is one operation."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from lth_engine.core.artifact import Array


class FlatWeights:
    """Moves the parameters of a model, and their gradients, into two vectors that they are views of.

    Each parameter keeps its memory layout, so the vectors hold it in the order of its memory.

    Args:
        model: its parameters are replaced by views; they keep their values.

    Attributes:
        names: of the parameters, in the order of the vector.
        sizes: weights of each.
        values: all weights.
        gradient: what `backward` adds to; set it to zero before.
    """

    def __init__(self, model: nn.Module) -> None:
        parameters = dict(model.named_parameters())
        self.names = list(parameters)
        self.sizes = [p.numel() for p in parameters.values()]
        self._shapes = [(p.shape, p.stride()) for p in parameters.values()]
        first = next(iter(parameters.values()))
        self.values = torch.empty(sum(self.sizes), dtype=first.dtype, device=first.device)
        self.gradient = torch.zeros_like(self.values)
        for parameter, value, gradient in zip(parameters.values(), self._views(self.values),
                                              self._views(self.gradient), strict=True):
            value.copy_(parameter.data)
            parameter.data = value
            parameter.grad = gradient

    def laid(self, arrays: Mapping[str, Array], fill: float) -> torch.Tensor:
        """A vector like `values` of what `arrays` holds for each parameter, by name; `fill` where there is none."""
        found = torch.full_like(self.values, fill)
        for name, view in zip(self.names, self._views(found), strict=True):
            if name in arrays:
                view.copy_(torch.tensor(arrays[name]))
        return found

    def _views(self, vector: torch.Tensor) -> list[torch.Tensor]:
        return [part.as_strided(shape, stride)
                for part, (shape, stride) in zip(vector.split(self.sizes), self._shapes, strict=True)]

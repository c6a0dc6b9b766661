"""The coordinates of a network in which it may move, as one flat vector.

Vectors are compact: they hold the coordinates that may move and no others, so that many vectors of a sparse network
take little memory. Fixed coordinates (pruned weights, parameters that the question leaves out) have no place in them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from lth_engine.core.artifact import Array
from lth_engine.core.errors import BadInput, UnknownName
from lth_engine.core.mask import Mask
from lth_engine.masking.prunable import prunable
from lth_engine.specs.curvature import AtNetwork


class Coordinates:
    """Which coordinates may move, and where each parameter's stand in a flat vector.

    Attributes:
        size: number of coordinates that may move, n.
        layers: parameter name -> its part of a flat vector; names without a coordinate are left out.
        parameters: these parameters of the model, in the order of `layers`.

    Raises:
        UnknownName: `question.layer` is no parameter of the model.
        BadInput: no coordinate may move.
    """

    def __init__(self, model: nn.Module, mask: Mask, question: AtNetwork) -> None:
        known = dict(model.named_parameters())
        names = _moving(model, known, mask, question)
        self.layers: dict[str, slice] = {}
        self._index: list[torch.Tensor | None] = []
        self.size = 0
        for name in names:
            kept = mask[name] if question.weights == "kept" and name in mask else None
            index = None if kept is None or kept.all() else torch.from_numpy(np.flatnonzero(kept))
            count = known[name].numel() if index is None else len(index)
            if count:
                self.layers[name] = slice(self.size, self.size + count)
                self._index.append(None if index is None else index.to(known[name].device))
                self.size += count
        if not self.size:
            raise BadInput(f"No coordinate of {question.layer or 'the network'} may move: the mask keeps none of "
                           "them. Choose weights = all, or another layer.")
        self.parameters = [known[name] for name in self.layers]

    def spread(self, vector: torch.Tensor) -> list[torch.Tensor]:
        """A flat vector (n,) as one tensor a parameter, of its shape and type; 0 at fixed coordinates."""
        found = []
        for part, index, parameter in zip(self.layers.values(), self._index, self.parameters, strict=True):
            values = vector[part].to(parameter.dtype)
            if index is not None:
                values = torch.zeros(parameter.numel(), dtype=values.dtype, device=values.device).index_copy_(
                    0, index, values)
            found.append(values.reshape(parameter.shape))
        return found

    def gather(self, tensors: Sequence[torch.Tensor]) -> torch.Tensor:
        """One tensor a parameter, of its shape, as a flat vector (n,) in float64; fixed coordinates are dropped."""
        flat = [tensor.reshape(-1) if index is None else tensor.reshape(-1).index_select(0, index)
                for tensor, index in zip(tensors, self._index, strict=True)]
        return torch.cat([values.double() for values in flat])

    def to_named(self, vector: torch.Tensor) -> dict[str, Array]:
        """A flat vector (n,) as arrays of the parameters' shapes by name; 0 at pruned coordinates."""
        return {name: tensor.detach().cpu().numpy()
                for name, tensor in zip(self.layers, self.spread(vector), strict=True)}


def _moving(model: nn.Module, known: dict[str, nn.Parameter], mask: Mask, question: AtNetwork) -> list[str]:
    """Names of the parameters that the question lets move, in the model's order; a layer that it names is alone."""
    if question.layer:
        if question.layer not in known:
            raise UnknownName("parameter", question.layer, known)
        return [question.layer]
    weights = set(prunable(model)) | set(mask)
    return [name for name in known if question.biases or name in weights]

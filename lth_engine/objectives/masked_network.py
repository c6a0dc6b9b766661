"""A frozen network whose prunable weights are multiplied by an overlay, inside the graph.

The network itself stays as it is, bit for bit: weights are put in for the length of a pass, and statistics of
normalisation are not touched.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from functools import cached_property

import torch
from torch import nn
from torch.func import functional_call

from lth_engine.masking.prunable import prunable
from lth_engine.objectives.feature_layers import feature_layers, taken
from lth_engine.objectives.norm_statistics import use_batch_statistics

Tensors = Mapping[str, torch.Tensor]


class MaskedNetwork:
    """A copy of a network, frozen, in evaluation mode (no dropout).

    Args:
        model: the network; a copy is made.
        names: the prunable parameters that an overlay lies on, in the order of the overlay.
        norm_statistics: "batch": normalisation uses the statistics of each batch; "running": those of the network.

    Attributes:
        names: as given.
        flat: the weights under the overlay, one vector.
    """

    def __init__(self, model: nn.Module, names: Sequence[str], norm_statistics: str = "batch") -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        if norm_statistics == "batch":
            use_batch_statistics(self.model)
        weights = prunable(self.model)
        self.names = list(names)
        self._shapes = [weights[name].shape for name in self.names]
        self._sizes = [weights[name].numel() for name in self.names]
        self.flat = torch.cat([weights[name].detach().reshape(-1) for name in self.names])

    def split(self, vector: torch.Tensor) -> dict[str, torch.Tensor]:
        """A vector as long as `flat`, cut into the shapes of the weights, by name."""
        parts = vector.split(self._sizes)
        return {n: part.view(shape) for n, part, shape in zip(self.names, parts, self._shapes, strict=True)}

    def logits(self, weights: Tensors, x: torch.Tensor) -> torch.Tensor:
        """Outputs with these weights in place of the network's own: (B, ...) -> (B, classes)."""
        found: torch.Tensor = functional_call(self.model, dict(weights), (x,))
        return found

    def features(self, weights: Tensors, x: torch.Tensor, layers: str) -> list[torch.Tensor]:
        """What the layers put out with these weights; see :func:`feature_layers`."""
        with taken(self._layers(layers, x)) as found:
            self.logits(weights, x)
        return found

    def _layers(self, layers: str, x: torch.Tensor) -> list[nn.Module]:
        known: dict[str, list[nn.Module]] = self._known_layers
        if layers not in known:
            known[layers] = feature_layers(self.model, x[:2], self.names, normalised=layers == "normalised")
        return known[layers]

    @cached_property
    def _known_layers(self) -> dict[str, list[nn.Module]]:
        return {}

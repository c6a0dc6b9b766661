"""A network that somebody brought, ready to be computed with: in evaluation mode, pruned weights 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from lth_engine.core.mask import Mask
from lth_engine.diagnosis.batch_file import Batch
from lth_engine.importing.checkpoint import Architecture
from lth_engine.masking.prunable import in_network_order


@dataclass(frozen=True)
class Weighed:
    """The prunable weights of a file, which is all that some scorers look at.

    Attributes:
        values: prunable parameter -> its values, pruned ones 0, float32.
        allowed: parameter -> bool, False where the file says that it is pruned.
        names: parameter -> the key that its tensor has in the file.
        where: the file, for messages.
        network: with these weights, where it is known; its parameters have the names here.
    """

    values: Mapping[str, torch.Tensor]
    allowed: Mapping[str, torch.Tensor]
    names: Mapping[str, str]
    where: str
    network: Brought | None = None


@dataclass(frozen=True)
class Brought:
    """A network from a file.

    Attributes:
        model: in evaluation mode, float32, its pruned weights 0.
        allowed: prunable parameter by the lab's name, in the order of the network -> bool, False where the file says
            that it is pruned (:func:`lth_engine.importing.kept.kept`).
        names: the lab's name of a parameter -> the key that its tensor has in the file.
        architecture: what it was recognised as.
        where: the file, for messages.
    """

    model: nn.Module
    allowed: Mapping[str, torch.Tensor]
    names: Mapping[str, str]
    architecture: Architecture
    where: str

    @property
    def mask(self) -> Mask:
        """What is kept, as the lab has it."""
        return Mask({name: kept.numpy().copy() for name, kept in self.allowed.items()})

    def weighed(self) -> Weighed:
        """Its prunable weights alone."""
        weights = in_network_order(self.model)
        return Weighed({name: weights[name].detach().clone() for name in self.allowed}, self.allowed, self.names,
                       self.where, self)

    def weights(self) -> dict[str, np.ndarray]:
        """Parameters and buffers by the lab's names."""
        return {name: value.detach().numpy() for name, value in self.model.state_dict().items()}

    def require(self, batch: Batch) -> None:
        """Refuse images that do not fit the network. Raises BadInput as :meth:`Batch.require`."""
        made = self.architecture
        batch.require(made.channels, made.height, made.width, made.classes, made.size_known)

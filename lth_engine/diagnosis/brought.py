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


@dataclass(frozen=True)
class Brought:
    """A network from a file.

    Attributes:
        model: in evaluation mode, float32, its pruned weights 0.
        allowed: prunable parameter by the lab's name, in the order of the network -> bool, False where the file says
            that it is pruned: by its mask, or by being exactly 0 where it has no mask.
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

    def weights(self) -> dict[str, np.ndarray]:
        """Parameters and buffers by the lab's names."""
        return {name: value.detach().numpy() for name, value in self.model.state_dict().items()}

    def require(self, batch: Batch) -> None:
        """Refuse images that do not fit the network. Raises BadInput as :meth:`Batch.require`."""
        made = self.architecture
        batch.require(made.channels, made.height, made.width, made.classes, made.size_known)

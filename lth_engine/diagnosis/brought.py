"""A network that somebody brought, ready to be computed with: in evaluation mode, pruned weights 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from lth_engine.core.errors import NonFinite
from lth_engine.core.mask import Mask
from lth_engine.diagnosis.batch_file import Batch
from lth_engine.importing.checkpoint import Architecture, Checkpoint
from lth_engine.importing.network import network, original_names
from lth_engine.masking.prunable import in_network_order

NAMED = 5
"""Tensors that a sentence names."""


@dataclass(frozen=True)
class Brought:
    """A network from a file.

    Attributes:
        model: in evaluation mode, float32, its pruned weights 0.
        allowed: prunable parameter by the lab's name, in the order of the network -> bool, False where the file says
            that it is pruned: by its masks, or by exact zeros if it has no masks.
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


def brought(checkpoint: Checkpoint, where: str) -> Brought:
    """The network of a checkpoint.

    Args:
        checkpoint: understood.
        where: the file, for messages.

    Raises:
        BadInput: its architecture is not known, so that it cannot be shown images.
        NonFinite: a weight is NaN or infinite.
    """
    model, masks = network(checkpoint)
    bad = [name for name, value in model.state_dict().items() if not bool(torch.isfinite(value).all())]
    if bad:
        raise NonFinite(f"The weights of {where} must be finite, but there is NaN or infinity in "
                        f"{', '.join(bad[:NAMED])}{' ...' * (len(bad) > NAMED)}: bring another checkpoint.")
    architecture = checkpoint.architecture
    assert architecture is not None  # network() refuses it
    return Brought(model, _allowed(model, masks), _keys(original_names(checkpoint)), architecture, where)


def _allowed(model: nn.Module, masks: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Masks of the prunable weights; where the file has none at all, what is exactly zero is pruned."""
    weights = in_network_order(model)
    return {name: masks[name].bool().clone() if name in masks else
            (torch.ones_like(weight, dtype=torch.bool) if masks else weight.detach() != 0)
            for name, weight in weights.items()}


def _keys(paths: Mapping[str, str]) -> dict[str, str]:
    """The last part of each path in the file, which is the key in its state_dict; whole paths if two are alike."""
    keys = {name: path.rpartition("/")[2] for name, path in paths.items()}
    return keys if len(set(keys.values())) == len(keys) else dict(paths)

"""A network that somebody brought, ready to be computed with: in evaluation mode, pruned weights 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from lth_engine.core.errors import BadInput
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

    def require_same(self, other: Brought, why: str) -> None:
        """Refuse another network than this one: tensors of the same shapes may be wired otherwise.

        Args:
            other: must have this one's spec, input and classes, and the shapes of its tensors.
            why: what needs one network, as the beginning of a sentence.

        Raises:
            BadInput: the text says in what they differ.
        """
        one, two = self.architecture, other.architecture
        shapes = [{name: tuple(value.shape) for name, value in end.model.state_dict().items()}
                  for end in (self, other)]
        if (one.spec, one.channels, one.classes) == (two.spec, two.channels, two.classes) and shapes[0] == shapes[1]:
            return
        said = [f"{end.where} is a {end.architecture.name} ({end.architecture.variant}) for "
                f"{end.architecture.classes} classes" for end in (self, other)]
        ours, theirs = one.spec.to_dict(), two.spec.to_dict()
        differing = [f"{name} {ours[name]} and {theirs[name]}" for name in ours
                     if ours["name"] == theirs["name"] and ours[name] != theirs[name]]
        in_what = f", which differ in {', '.join(differing)}" if differing else ""
        raise BadInput(f"{why}, but {said[0]} and {said[1]}{in_what}: name two of the same.")

    def require(self, batch: Batch) -> None:
        """Refuse images that do not fit the network. Raises BadInput as :meth:`Batch.require`."""
        made = self.architecture
        batch.require(made.channels, made.height, made.width, made.classes, made.size_known)

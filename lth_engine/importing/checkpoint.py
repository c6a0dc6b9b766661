"""Checkpoint: a file understood: its weights, its masks, the network that they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from lth_engine.importing.contents import Contents
from lth_engine.specs.models import ModelSpec

Tensors = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class Unwrapped:
    """The tensors of one network, out of what surrounds them.

    Attributes:
        tensors: name -> tensor, prefixes stripped: "conv1.weight".
        paths: name -> its path in the file.
        wrappers: what was taken off, outermost first, as ("state_dict", "module.").
        beside: what else lies in the file, in words, "optimizer state (62 tensors)", "an EMA copy".
        epoch: the epoch that the file says, if it does.
    """

    tensors: Tensors
    paths: Mapping[str, str]
    wrappers: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    epoch: int | None = None


@dataclass(frozen=True)
class Sparse:
    """Weights and masks apart.

    Attributes:
        weights: name -> tensor as stored (weight_orig under its plain name "conv1.weight"), mask tensors taken out;
            shapes as the network wants them (TurboPrune's [classes, in, 1] squeezed).
        masks: name of a weight -> bool, only where the file has a mask for it.
        convention: how the file says what is pruned: "none", "exact zeros", "weight_orig and weight_mask",
            "weight_mask", "fixed_m", "mask", "flag", "mask_NAME" (open_lth), "mask.pth" (a file beside it) or
            "masks" (a dictionary of their own in the same file).
        paths: name of a weight -> its path in the file.
        notes: sentences on masks that are not what they should be, for the card.
    """

    weights: Tensors
    masks: Mapping[str, torch.Tensor]
    convention: str
    paths: Mapping[str, str]
    notes: tuple[str, ...] = ()

    def effective(self) -> dict[str, torch.Tensor]:
        """The weights with their masks applied."""
        return {n: self.weight(n) for n in self.weights}

    def weight(self, name: str) -> torch.Tensor:
        """One weight with its mask applied: 0 wherever it is pruned, even if a NaN stands there."""
        kept = self.masks.get(name)
        return self.weights[name] if kept is None else self.weights[name].masked_fill(~kept, 0)


@dataclass(frozen=True)
class Candidate:
    """A network that tensors may belong to.

    Attributes:
        name: the usual name, as "ResNet-20".
        variant: in words: "option A shortcuts, CIFAR stem, width 16, batch normalisation".
        spec: builds it.
        channels, height, width: of its input; `size_known` is False where any size fits (then a usual one).
        classes: outputs.
    """

    name: str
    variant: str
    spec: ModelSpec
    channels: int
    height: int
    width: int
    size_known: bool
    classes: int


@dataclass(frozen=True)
class Architecture(Candidate):
    """The network that tensors belong to.

    Attributes:
        renaming: name in the file -> name in the lab's network; only names that differ.
        left_out: names in the file that the network does not have and does not need.
        drawn: names of the lab's network that the file lacks and that do not matter (as num_batches_tracked).
    """

    renaming: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    drawn: tuple[str, ...] = ()


@dataclass(frozen=True)
class Nearest:
    """The known network that comes nearest to tensors that fit none.

    Attributes:
        architecture: it, with the renaming that would be applied.
        missing: its names that the file lacks.
        unexpected: names of the file that it lacks.
        shapes: (name in the file, shape found, shape wanted) where names agree and shapes do not.
        applies: whether the renaming alone makes it fit.
    """

    architecture: Architecture
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    shapes: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]
    applies: bool


@dataclass(frozen=True)
class Checkpoint:
    """A file understood.

    Attributes:
        contents: what the file holds.
        unwrapped: the tensors of its network.
        sparse: weights and masks, by the file's own names (prefixes stripped).
        architecture: the network, or None.
        nearest: the nearest known one where `architecture` is None and something is near.
    """

    contents: Contents
    unwrapped: Unwrapped
    sparse: Sparse
    architecture: Architecture | None
    nearest: Nearest | None

"""Anatomy: a checkpoint laid out for diagnosis: its layers with what they keep, its normalisations, its biases."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch

from lth_engine.importing.checkpoint import Checkpoint
from lth_engine.importing.kept import kept
from lth_engine.importing.prunable import prunable_names

BUFFERS = ("running_mean", "running_var", "num_batches_tracked")
"""What batch normalisation counts instead of learning."""


SAMPLE = 5000
"""Weights of a layer that are looked at where all of them would take too long: shares are told to about 1%."""

PIECE = 1 << 18
"""Values that are copied at a time."""


@dataclass(frozen=True)
class Layer:
    """A weight tensor of two or more dimensions.

    Attributes:
        name: in the file, prefixes stripped.
        weight: as stored.
        mask: True where kept, if the file has a mask for it.
        prunable: whether masks and densities count it.
        kept: weights that are kept (:func:`lth_engine.importing.kept.kept`): by the mask, if there is one.
        alive: of those, the ones that are not 0.
    """

    name: str
    weight: torch.Tensor
    mask: torch.Tensor | None
    prunable: bool
    kept: int
    alive: int

    @property
    def size(self) -> int:
        """Number of weights."""
        return self.weight.numel()

    @property
    def density(self) -> float:
        """Share of the weights that is kept; 1 of an empty tensor."""
        return self.kept / self.size if self.size else 1.0

    @property
    def filled(self) -> float:
        """Share of the weights that is kept and not 0; 1 of an empty tensor."""
        return self.alive / self.size if self.size else 1.0

    @property
    def rows(self) -> int:
        """Output units: filters of a convolution, features of a linear layer."""
        return self.weight.shape[0]

    @functools.cached_property
    def finite(self) -> bool:
        """Whether no stored value is NaN or infinite."""
        return all(map(math.isfinite, ends(self.weight)))

    def effective(self) -> torch.Tensor:
        """The weights with their mask applied, float32 (float64 stays), the shape of the weight."""
        weight = self.stored()
        return weight if self.mask is None else weight.masked_fill(~self.mask, 0)

    def stored(self) -> torch.Tensor:
        """The weights as stored, float32 (float64 stays)."""
        return self.weight if self.weight.dtype == torch.float64 else self.weight.float()

    def pieces(self) -> Iterator[torch.Tensor]:
        """The kept weights that are not 0, flat, piece by piece: temporary copies stay small."""
        masks = [None] * (1 + self.size // PIECE) if self.mask is None else self.mask.flatten().split(PIECE)
        for piece, mask in zip(self.stored().flatten().split(PIECE), masks, strict=False):
            chosen = piece if mask is None else piece[mask]
            yield chosen if self.alive == self.size else chosen[chosen != 0]

    @functools.cached_property
    def some(self) -> torch.Tensor:
        """Some of the kept weights that are not 0, drawn with replacement at seeded places; all of a small layer."""
        return drawn_from(self.effective(), self.filled)


@dataclass(frozen=True)
class Norm:
    """A normalisation layer; what it lacks is None.

    Attributes:
        name: of its tensors, without the last part: "layer1.0.bn1".
        weight: its factors.
        bias: its shifts.
        mean: running means of a batch normalisation.
        variance: running variances of a batch normalisation.
        batches: how many batches it has seen, where the file says so.
    """

    name: str
    weight: torch.Tensor | None
    bias: torch.Tensor | None
    mean: torch.Tensor | None
    variance: torch.Tensor | None
    batches: int | None


@dataclass(frozen=True)
class Anatomy:
    """A checkpoint laid out.

    Attributes:
        checkpoint: it.
        layers: weight tensors of two or more dimensions, in file order.
        norms: normalisation layers, in file order.
        biases: name -> bias of a layer with weights.
    """

    checkpoint: Checkpoint
    layers: tuple[Layer, ...]
    norms: tuple[Norm, ...]
    biases: Mapping[str, torch.Tensor]

    @property
    def weights(self) -> Mapping[str, torch.Tensor]:
        """All tensors of the network, as stored."""
        return self.checkpoint.sparse.weights

    @property
    def prunable(self) -> tuple[Layer, ...]:
        """Layers that masks and densities count."""
        return tuple(layer for layer in self.layers if layer.prunable)

    @property
    def size(self) -> int:
        """Prunable weights."""
        return sum(layer.size for layer in self.prunable)

    @property
    def kept(self) -> int:
        """Prunable weights that are kept."""
        return sum(layer.kept for layer in self.prunable)

    @property
    def alive(self) -> int:
        """Prunable weights that are kept and not 0."""
        return sum(layer.alive for layer in self.prunable)

    @property
    def density(self) -> float | None:
        """Share of the prunable weights that is kept; None without any."""
        return self.kept / self.size if self.size else None

    @property
    def filled(self) -> float | None:
        """Share of the prunable weights that is kept and not 0; None without any."""
        return self.alive / self.size if self.size else None

    @property
    def sparse(self) -> bool:
        """Whether so much is missing that something was pruned: exact zeros hardly come about otherwise."""
        return any(layer.mask is not None for layer in self.prunable) or self.alive < 0.9999 * self.size


def ends(tensor: torch.Tensor) -> tuple[float, float]:
    """Smallest and largest value; NaN if there is one."""
    low, high = tensor.aminmax()
    return float(low), float(high)


def drawn_from(values: torch.Tensor, density: float) -> torch.Tensor:
    """About SAMPLE of the values that are not 0 (of which there is a share `density`), or all of a few."""
    flat = values.flatten()
    wanted = int(SAMPLE / max(density, 1e-6))
    if wanted < flat.numel() / 2:
        flat = flat[torch.randint(flat.numel(), (wanted,), generator=torch.Generator().manual_seed(0))]
    return flat[flat != 0]


def lay_out(checkpoint: Checkpoint) -> Anatomy:
    """The anatomy of a checkpoint; each weight is looked at once."""
    weights = checkpoint.sparse.weights
    counted = set(prunable_names(checkpoint)) - (tied(checkpoint) if checkpoint.architecture is None else set())
    layers = tuple(_layer(checkpoint, name, weight, name in counted)
                   for name, weight in weights.items() if weight.ndim >= 2 and is_number(weight))
    held = {layer.name.removesuffix("weight") for layer in layers}
    biases = {name: value for name, value in weights.items()
              if name.endswith("bias") and value.ndim == 1 and name.removesuffix("bias") in held}
    return Anatomy(checkpoint, layers, tuple(_norms(weights, biases)), biases)


def is_number(tensor: torch.Tensor) -> bool:
    """Whether a tensor holds weights rather than counts, and any at all."""
    return tensor.is_floating_point() and tensor.numel() > 0


def parameters(anatomy: Anatomy) -> int:
    """Numbers in the network's parameters; masks, buffers and whole numbers are not counted, and tied ones
    once."""
    again = tied(anatomy.checkpoint)
    return sum(value.numel() for name, value in anatomy.weights.items()
               if is_number(value) and name.rsplit(".", 1)[-1] not in BUFFERS and name not in again)


def tied(checkpoint: Checkpoint) -> set[str]:
    """Names of tensors that share their storage with an earlier one of the network, which is counted once."""
    paths, shared = checkpoint.sparse.paths, checkpoint.contents.shared
    there = set(paths.values())
    return {name for name, path in paths.items() if shared.get(path) in there}


def _layer(checkpoint: Checkpoint, name: str, weight: torch.Tensor, counted: bool) -> Layer:
    stays = kept(checkpoint.sparse, name)
    alive = weight if name not in checkpoint.sparse.masks else (weight != 0) & stays
    return Layer(name, weight, checkpoint.sparse.masks.get(name), counted, int(stays.sum()),
                 int(torch.count_nonzero(alive)))


def _norms(weights: Mapping[str, torch.Tensor], biases: Mapping[str, torch.Tensor]) -> Iterator[Norm]:
    """Normalisations: vectors of one size that stand together without a matrix."""
    groups: dict[str, dict[str, torch.Tensor]] = {}
    for name, value in weights.items():
        prefix, _, last = name.rpartition(".")
        if last in ("weight", "bias", *BUFFERS) and value.ndim <= 1 and name not in biases:
            groups.setdefault(prefix, {})[last] = value
    for prefix, found in groups.items():
        if not ({"running_mean", "running_var"} & set(found) or {"weight", "bias"} <= set(found)):
            continue
        yield Norm(prefix, *(_vector(found.get(part)) for part in ("weight", "bias", "running_mean", "running_var")),
                   _count(found.get("num_batches_tracked")))


def _count(tracked: torch.Tensor | None) -> int | None:
    """A count of batches; averages of networks make floats of it."""
    if tracked is None or tracked.numel() != 1 or not math.isfinite(float(tracked)):
        return None
    return int(tracked)


def _vector(value: torch.Tensor | None) -> torch.Tensor | None:
    return value.double() if value is not None and is_number(value) else None


def fan(weight: torch.Tensor) -> tuple[int, int]:
    """Inputs of an output unit, and outputs that one input goes to, as initialisers count them."""
    inside = weight[0].numel()
    return inside, weight.shape[0] * math.prod(weight.shape[2:])

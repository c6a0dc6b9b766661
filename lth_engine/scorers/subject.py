"""What a scorer looks at: weights, and where it needs them the network and some images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

Tensors = Mapping[str, torch.Tensor]
Batch = tuple[torch.Tensor, torch.Tensor]


def _none() -> nn.Module:
    raise RuntimeError("This scorer reads weights alone; it was given no network.")


def _no_shape() -> tuple[int, int, int]:
    raise RuntimeError("This scorer reads weights alone; it was given no shape of an image.")


class Masked(Mapping[str, torch.Tensor]):
    """Values under a mask, each multiplied when it is asked for: a scorer of many rounds asks for none of them."""

    def __init__(self, values: Tensors, allowed: Tensors) -> None:
        self._values, self._allowed = values, allowed

    def __getitem__(self, name: str) -> torch.Tensor:
        return self._values[name] * self._allowed[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@dataclass(frozen=True)
class Subject:
    """A network that is to be scored.

    Attributes:
        weights: prunable parameter -> its values, on the CPU; pruned ones are 0.
        allowed: prunable parameter -> bool, False where it is pruned already.
        seed: of whatever a scorer draws.
        network: the network in evaluation mode with these weights in place; made anew at each call, so that a scorer
            may change it.
        images: number of images of each class -> that many training images of every class without augmentation, in
            batches of mixed classes: always the same ones for the same number.
        shape: channels, height and width of an image.
        kept: what the scorer keeps from one round of a search to the next, as a network that is made ready once.
    """

    weights: Tensors
    allowed: Tensors
    seed: int
    network: Callable[[], nn.Module] = _none
    images: Callable[[int], Iterable[Batch]] = lambda per_class: ()
    shape: Callable[[], tuple[int, int, int]] = _no_shape
    kept: dict[str, Any] = field(default_factory=dict)

"""Images that are shown many times: their normalised batches stay on the device, where they fit.

Gathering and normalising the images of a small network takes a fifth of the time of its forward pass, so it is done
once and not at every point of a curve or a landscape.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import torch

from lth_engine.training.mixed import Mixed
from lth_engine.training.streamed import Batch

BUDGET = 1 << 30
"""Bytes of the device's memory for images of float32: 60,000 of CIFAR-10's size are 0.7 of them."""


class ShownAgain:
    """The batches of `images`, the same ones each time; they must not be changed.

    Args:
        images: what is shown.
        keep: keep the batches of the first full pass; False: they are made anew in each.
        seen: told the number of images in each batch; what it raises ends the pass.
    """

    def __init__(self, images: Mixed, keep: bool, seen: Callable[[int], None] = lambda count: None) -> None:
        self.images, self.y, self.keep = images, images.y, keep
        self._seen = seen
        self._kept: list[Batch] | None = None

    def __len__(self) -> int:
        return len(self.images)

    @property
    def parts(self) -> tuple[torch.Tensor, ...]:
        """The indices of the images of each batch."""
        return self.images.parts

    def in_order(self) -> Iterator[Batch]:
        """The batches."""
        made: list[Batch] = []
        first = self._kept is None
        for batch in self.images.in_order() if self._kept is None else self._kept:
            self._seen(len(batch[1]))
            if first and self.keep:
                made.append(batch)
            yield batch
        if first and self.keep:
            self._kept = made


def shown_again(sets: Sequence[Mixed], seen: Callable[[int], None] = lambda count: None,
                budget: int = BUDGET) -> list[ShownAgain]:
    """The sets, each kept if it fits into what those before it leave of `budget` bytes."""
    found = []
    for images in sets:
        size = 4 * len(images) * math.prod(images.images.x_shape)
        keep = size <= budget
        budget -= size * keep
        found.append(ShownAgain(images, keep, seen))
    return found

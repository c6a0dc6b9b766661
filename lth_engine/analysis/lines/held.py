"""Normalised images that stay on the device between the points of a curve, where they fit.

Gathering and normalising the images of a small network takes a fifth of the time of its forward pass, so it is done
once and not at every point.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from lth_engine.training.mixed import Mixed
from lth_engine.training.streamed import Batch

BUDGET = 1 << 30
"""Bytes of the device's memory for images of float32: 60,000 of CIFAR-10's size are 0.7 of them."""


class Held:
    """Shows images as a :class:`Mixed` does, the same batches, and keeps those of the first full pass.

    Args:
        images: what is shown.
        keep: False: made anew in each pass.
    """

    def __init__(self, images: Mixed, keep: bool) -> None:
        self.images = images
        self.y = images.y
        self.parts = images.parts
        self.keep = keep
        self._kept: list[Batch] | None = None

    def __len__(self) -> int:
        return len(self.images)

    def in_order(self) -> Iterator[Batch]:
        """The batches, the same ones each time."""
        if self._kept is not None:
            for batch in self._kept:
                self.images.seen(len(batch[1]))
                yield batch
            return
        made: list[Batch] = []
        for batch in self.images.in_order():
            if self.keep:
                made.append(batch)
            yield batch
        if self.keep:
            self._kept = made


def held(sets: Sequence[Mixed], budget: int = BUDGET) -> list[Held]:
    """The sets, each kept if it fits into what those before it leave of `budget` bytes."""
    found = []
    for images in sets:
        size = 4 * len(images) * math.prod(images.images.x_shape)
        keep = size <= budget
        budget -= size * keep
        found.append(Held(images, keep))
    return found

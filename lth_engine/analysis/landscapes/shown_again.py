"""Images that are shown many times: their batches are kept, if they fit, instead of made anew each time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from lth_engine.analysis.curvature.at_network import Drawn
from lth_engine.training.streamed import Batch

KEPT_BYTES = 2**29
"""Memory for normalised images: 43,000 of 32 x 32 pixels."""


class ShownAgain:
    """The same batches as `images`, in evaluation batches, each time.

    Args:
        images: the images.
        seen: told the number of images before each batch; what it raises ends the pass.
        kept_bytes: memory for batches.
    """

    def __init__(self, images: Drawn, seen: Callable[[int], None] = lambda count: None,
                 kept_bytes: int = KEPT_BYTES) -> None:
        self.images, self.y, self._seen = images, images.y, seen
        self._room = kept_bytes
        self._kept: list[Batch] | None = None

    def __len__(self) -> int:
        return len(self.images)

    @torch.no_grad()
    def in_order(self) -> Iterator[Batch]:
        """The batches; they must not be changed."""
        made: list[Batch] | None = []
        for x, y in self.images.in_order() if self._kept is None else self._kept:
            self._seen(len(y))
            if made is not None and self._kept is None:
                fits = (len(made) + 1) * x.numel() * x.element_size() <= self._room
                made = [*made, (x, y)] if fits else None
            yield x, y
        self._kept = self._kept or made

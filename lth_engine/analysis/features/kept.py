"""The features of a set of images: computed once and kept where they fit, else in every pass."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from lth_engine.analysis.features.last_linear import Extractor
from lth_engine.analysis.shown_again import ShownAgain
from lth_engine.core.errors import NonFinite
from lth_engine.training.streamed import Batch

BUDGET = 1 << 30
"""Bytes of the device's memory for features: 50,000 images of 512 features are 0.1 of them."""

CHUNK = 1000
"""Kept features that are handed out at once."""

SAME = 1e-6
"""A feature is constant if its range is at most this share of its size: rounding differs with the size of a batch."""


class Features:
    """Features with their labels, in the order in which `images` come.

    Attributes:
        y: the labels.
        kept: N x F, or None if they are computed in every pass.

    Args:
        extract: the frozen network.
        images: what is shown to it.
        keep: compute the features now, and keep them.
    """

    def __init__(self, extract: Extractor, images: ShownAgain, keep: bool) -> None:
        self.extract, self.images, self.y = extract, images, images.y
        self.low = torch.full((extract.count,), torch.inf, device=self.y.device)
        self.high = -self.low
        self.kept: torch.Tensor | None = None
        if keep:
            self.kept = torch.cat([x for x, _ in self._computed()])

    def __len__(self) -> int:
        return len(self.y)

    @property
    def dead(self) -> int:
        """Features that are constant over all images, once they were all shown."""
        size = torch.maximum(self.low.abs(), self.high.abs())
        return int((self.high - self.low <= SAME * size).sum())

    def in_order(self) -> Iterator[Batch]:
        """All of them, each once."""
        if self.kept is None:
            return self._computed()
        return zip(self.kept.split(CHUNK), self.y.split(CHUNK), strict=True)

    def of(self, rows: torch.Tensor) -> torch.Tensor:
        """Features of the images at these rows of the order."""
        if self.kept is not None:
            return self.kept[rows]
        images = self.images.images
        parts = images.index[rows].split(images.images.evaluation_batch)
        return torch.cat([self.extract(x) for x, _ in images.images.in_parts(parts)])

    def _computed(self) -> Iterator[Batch]:
        for x, y in self.images.in_order():
            found = self.extract(x)
            if not bool(torch.isfinite(found).all()):
                raise NonFinite("The features of the frozen network must be finite, but there is NaN or infinity "
                                "among them: use norm_statistics recalibrated, or look at another run.")
            self.low = torch.minimum(self.low, found.amin(dim=0))
            self.high = torch.maximum(self.high, found.amax(dim=0))
            yield found, y

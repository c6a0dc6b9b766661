"""Images in a mixed order, for whatever depends on what a batch is made of.

A folder of images is stored class by class. Batch statistics of one class are not those of the set, so they are taken
of batches that are drawn: always the same ones, all of one size or one less.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from lth_engine.core.seeds import derive
from lth_engine.training.batches import Images
from lth_engine.training.streamed import Batch, StreamedImages


def shown(model: nn.Module, images: Images | StreamedImages) -> Images | StreamedImages | Mixed:
    """The images as `model` should be evaluated on them: mixed if it takes statistics of the batch even then."""
    takes = any(isinstance(m, _NormBase) and m.running_mean is None for m in model.modules())
    return Mixed(images) if takes else images


class Places(Protocol):
    """A set of images that are shown by their places in it; labels `y` are on the device."""

    y: torch.Tensor
    evaluation_batch: int

    def __len__(self) -> int:
        """Number of images."""

    @property
    def x_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""

    def in_parts(self, parts: Sequence[torch.Tensor]) -> Iterator[Batch]:
        """A batch for each of `parts`, the places of its images, without augmentation."""


class Mixed:
    """Some images of a set, un-augmented, in an order that is drawn once and for all; no image is copied.

    Attributes:
        index: their places in the set, in the drawn order, on the device.
        y: their labels in the drawn order, on the device.

    Args:
        images: the set.
        count: how many, the first of the order; 0, or more than there are, takes all.
        name: of the order.
    """

    def __init__(self, images: Places, count: int = 0, name: str = "mixed") -> None:
        available = len(images)
        order = torch.randperm(available, generator=torch.Generator().manual_seed(derive(0, name, available)))
        self.images = images
        self.index = (order[:count] if count else order).to(images.y.device)
        self.y = images.y.index_select(0, self.index)

    def __len__(self) -> int:
        return len(self.index)

    @property
    def parts(self) -> tuple[torch.Tensor, ...]:
        """The indices of the images of each evaluation batch."""
        return self._split(self.images.evaluation_batch)

    def in_chunks(self, size: int) -> Iterator[Batch]:
        """All of them, un-augmented, in chunks of `size` images or one less, in the drawn order."""
        return self.images.in_parts(self._split(size))

    def in_order(self) -> Iterator[Batch]:
        """All of them in evaluation batches, the same ones each time."""
        return self.images.in_parts(self.parts)

    def _split(self, size: int) -> tuple[torch.Tensor, ...]:
        return self.index.tensor_split(max(1, -(-len(self) // size)))

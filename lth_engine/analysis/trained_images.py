"""The images that a run was trained on, with the labels that it saw, without augmentation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from lth_engine.specs.training import Training
from lth_engine.training.batches import Images
from lth_engine.training.chosen import chosen
from lth_engine.training.streamed import Batch, StreamedImages


class TrainedImages:
    """Images in the order of the set; those that the training's subset leaves out are not there.

    Attributes:
        y: the labels that the run saw, on the device.
        evaluation_batch: images of an evaluation batch.

    Args:
        images: all training images.
        training: says subset and label noise.
    """

    def __init__(self, images: Images | StreamedImages, training: Training) -> None:
        self.images = images
        self.evaluation_batch = images.evaluation_batch
        index, labels = chosen(images.y, training)
        self._index = torch.arange(len(images), device=labels.device) if index is None else index
        self.y = labels.index_select(0, self._index)

    def __len__(self) -> int:
        return len(self._index)

    @property
    def x_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        return self.images.x_shape

    def in_parts(self, parts: Sequence[torch.Tensor]) -> Iterator[Batch]:
        """A batch for each of `parts`: places in [0, len(self))."""
        here = [part.to(self.y.device) for part in parts]
        for part, (x, _) in zip(here, self.images.in_parts([self._index[part] for part in here]), strict=True):
            yield x, self.y[part]

    def in_order(self) -> Iterator[Batch]:
        """All of them, each once."""
        return self.in_parts(torch.arange(len(self), device=self.y.device).split(self.evaluation_batch))

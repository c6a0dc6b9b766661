"""Images in a mixed order, for whatever depends on what a batch is made of.

A folder of images is stored class by class. Batch statistics of one class are not those of the set, so they are taken
of batches that are drawn: always the same ones, all of one size or one less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

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


class Mixed:
    """All of some images, un-augmented, in a drawn order; nothing is copied.

    Args:
        images: the images.
        seen: told the number of images in each batch; what it raises ends the pass.
    """

    def __init__(self, images: Images | StreamedImages, seen: Callable[[int], None] = lambda count: None) -> None:
        self.images = images
        self.y = images.y
        self.seen = seen
        count = len(images)
        order = torch.randperm(count, generator=torch.Generator().manual_seed(derive(0, "mixed", count)))
        self.parts = order.to(images.y.device).tensor_split(max(1, -(-count // images.evaluation_batch)))

    def __len__(self) -> int:
        return len(self.images)

    def in_order(self) -> Iterator[Batch]:
        """The batches, the same ones each time."""
        for x, y in self.images.in_parts(self.parts):
            self.seen(len(y))
            yield x, y

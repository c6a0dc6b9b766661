"""StreamedSet: a set whose images stay files, cut into training, validation and test parts."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from lth_engine.data.listed import Files


@dataclass(frozen=True)
class StreamedSet:
    """The like of ImageSet for sets that do not fit into memory; the networks see size x size pixels in RGB.

    Attributes:
        train, validation, test: the files. The validation part is cut from the training images.
        train_y, validation_y, test_y: torch.int64, N, index into `classes`.
        classes: names.
        mean, std: of each channel, pixels in [0, 1]; ImageNet's, as is usual for photographs.
        size: side in pixels of what the network sees.
    """

    train: Files
    train_y: torch.Tensor
    validation: Files
    validation_y: torch.Tensor
    test: Files
    test_y: torch.Tensor
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    size: int

    @property
    def channels(self) -> int:
        """3: red, green, blue."""
        return 3

    @property
    def height(self) -> int:
        """Pixels."""
        return self.size

    @property
    def width(self) -> int:
        """Pixels."""
        return self.size

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

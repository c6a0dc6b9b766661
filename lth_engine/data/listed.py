"""Photographs that stay files: where they are and what they show, known without decoding one."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from lth_engine.core.artifact import Array
from lth_engine.core.errors import MissingData
from lth_engine.data.decoding import FORMATS, decode

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
"""Red, green, blue over ImageNet's training images, pixels in [0, 1]: what everyone normalises photographs with."""


@dataclass(frozen=True)
class Files:
    """Image files below one folder.

    Attributes:
        folder: above them.
        names: relative, N; bytes of fixed length, so that a million of them take some tens of MB.
    """

    folder: Path
    names: Array

    @classmethod
    def of(cls, folder: Path, names: Iterable[str]) -> Files:
        """From names as text."""
        return cls(folder, np.array([os.fsencode(name) for name in names], dtype=np.bytes_))

    def __len__(self) -> int:
        return len(self.names)

    def path(self, index: int) -> Path:
        """Of one file."""
        return self.folder / os.fsdecode(self.names[index])

    def pixels(self, index: int) -> Array:
        """One photograph as it is: uint8, H x W x 3, upright, in RGB.

        Raises:
            MissingData: the file is gone or cannot be read.
            BadInput: it is no image.
        """
        path = self.path(index)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise MissingData(f"{path} cannot be read ({error.strerror}): unpack the set again.") from error
        return decode(data, str(path), 0, "rgb")

    def size(self, index: int) -> tuple[int, int]:
        """Height and width of one photograph by its header; 0, 0 if it cannot be read."""
        try:
            with Image.open(self.path(index), formats=FORMATS) as image:
                return image.height, image.width
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # told when it is decoded
            return 0, 0

    def take(self, indices: Array) -> Files:
        """The files of these indices."""
        return Files(self.folder, self.names[indices])


@dataclass(frozen=True)
class Listed:
    """What the module of a streamed set reads: the like of Raw, with files in the place of pixels.

    Attributes:
        train, test: the files.
        train_y, test_y: int64, N, index into `classes`.
        classes: names, in the order of the labels.
    """

    train: Files
    train_y: Array
    test: Files
    test_y: Array
    classes: tuple[str, ...]

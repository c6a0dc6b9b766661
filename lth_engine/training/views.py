"""What is made of one photograph: the middle of it for evaluation, or a random part of it for training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import Dataset
from torchvision.transforms import RandomResizedCrop
from torchvision.transforms.v2 import functional as images

from lth_engine.core.errors import LotteryError
from lth_engine.data.listed import Files

SCALE = [0.08, 1.0]
RATIO = [3 / 4, 4 / 3]
"""Area and shape of a random part: torchvision's defaults, after Szegedy et al. 2015."""


class View(NamedTuple):
    """One image as it is asked of a worker.

    Attributes:
        index: of the file.
        mirror: left to right.
        down, right: pixels by which the view is moved; what is beyond the edge is black.
        seed: of the random part; None takes the middle.
    """

    index: int
    mirror: bool = False
    down: int = 0
    right: int = 0
    seed: int | None = None


class Views(Dataset[torch.Tensor]):
    """Photographs seen size x size, a batch at a time: uint8, B x size x size x 3."""

    def __init__(self, files: Files, size: int) -> None:
        self.files = files
        self.size = size

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, view: View) -> torch.Tensor:
        """One image, size x size x 3."""
        image = torch.from_numpy(np.array(self.files.pixels(view.index))).permute(2, 0, 1)
        image = middle(image, self.size) if view.seed is None else random_part(image, self.size, view.seed)
        if view.down or view.right:
            image = moved(image, view.down, view.right)
        return (image.flip(2) if view.mirror else image).permute(1, 2, 0)

    def __getitems__(self, views: Sequence[View]) -> torch.Tensor | LotteryError:
        """A batch; or the error, which a worker hands over like a result to keep its sentence."""
        try:
            return torch.stack([self[view] for view in views])
        except LotteryError as error:
            return error


def middle(image: torch.Tensor, size: int) -> torch.Tensor:
    """C x H x W -> C x size x size: the shorter side becomes 256/224 of `size`, then the middle is cut out."""
    return images.center_crop(images.resize(image, [round(size * 256 / 224)], antialias=True), [size, size])


def random_part(image: torch.Tensor, size: int, seed: int) -> torch.Tensor:
    """C x H x W -> C x size x size: the part that torchvision's RandomResizedCrop draws after this seed."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        top, left, height, width = RandomResizedCrop.get_params(image, SCALE, RATIO)
    return images.resized_crop(image, top, left, height, width, [size, size], antialias=True)


def moved(image: torch.Tensor, down: int, right: int) -> torch.Tensor:
    """The window of the image's own size that begins at row `down` and column `right`; black beyond the edge."""
    height, width = image.shape[1:]
    pad = max(abs(down), abs(right))
    return F.pad(image, (pad, pad, pad, pad))[:, pad + down:pad + down + height, pad + right:pad + right + width]

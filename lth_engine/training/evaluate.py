"""Loss and accuracy of a network on a set of images, in evaluation mode."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import nn

from lth_engine.training.streamed import Batch


class Shown(Protocol):
    """Images that can be shown a batch at a time; labels `y` are on the device."""

    y: torch.Tensor

    def __len__(self) -> int:
        """Number of images."""

    def in_order(self) -> Iterator[Batch]:
        """All images, each once."""


@dataclass(frozen=True)
class Score:
    """Accuracy in [0, 1] and mean cross-entropy in nats over `count` images."""

    accuracy: float
    loss: float
    count: int

    @property
    def error(self) -> float:
        """Fraction of the images that are classified wrongly, the exact quotient of two counts."""
        return (self.count - round(self.accuracy * self.count)) / self.count


@torch.no_grad()
def evaluate(model: nn.Module, images: Shown) -> Score:
    """Score of `model` on all `images`; NaN if there are none. The model's mode is as before afterwards.

    The forward pass is in float32, whatever the network was trained in; the loss is summed in float64.
    """
    if len(images) == 0:
        return Score(float("nan"), float("nan"), 0)
    mode = model.training
    model.eval()
    right = torch.zeros((), dtype=torch.int64, device=images.y.device)
    loss = torch.zeros((), dtype=torch.float64, device=images.y.device)
    for x, y in images.in_order():
        logits = model(x)
        right += (logits.argmax(dim=1) == y).sum()
        loss += F.cross_entropy(logits, y, reduction="sum").double()
    model.train(mode)
    return Score(right.item() / len(images), loss.item() / len(images), len(images))

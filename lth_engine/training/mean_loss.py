"""The mean loss over images since it was last taken, without waiting for the device at each step."""

from __future__ import annotations

import numpy as np
import torch

from lth_engine.core.artifact import Array

_FOLD = 256
"""Steps whose losses are held before they are added up: few tensors are alive, and the order of additions is fixed."""


class MeanLoss:
    """Sum of loss x images and number of images; losses wait in a list and are folded into the sum in float64."""

    def __init__(self) -> None:
        self._sum, self._images = 0.0, 0
        self._losses: list[torch.Tensor] = []
        self._counts: list[int] = []

    def add(self, loss: torch.Tensor, images: int) -> None:
        """Add the mean loss of one step over `images` images."""
        self._losses.append(loss)
        self._counts.append(images)
        if len(self._losses) == _FOLD:
            self._fold()

    def take(self) -> float:
        """The mean since the last call, in nats; NaN if nothing was added."""
        self._fold()
        mean = self._sum / self._images if self._images else float("nan")
        self._sum, self._images = 0.0, 0
        return mean

    def to_array(self) -> Array:
        """Everything pending, for a checkpoint: sum and images, then loss and images of each waiting step."""
        waiting = torch.stack(self._losses).cpu().numpy().astype(np.float64) if self._losses else np.zeros(0)
        return np.concatenate([[self._sum, self._images], waiting, np.array(self._counts, np.float64)])

    @classmethod
    def from_array(cls, array: Array, device: str) -> MeanLoss:
        """Read back what :meth:`to_array` gave."""
        found = cls()
        found._sum, found._images = float(array[0]), int(array[1])
        waiting, counts = np.split(array[2:], 2)
        found._losses = list(torch.tensor(waiting, dtype=torch.float32, device=device).unbind())
        found._counts = [int(c) for c in counts]
        return found

    def _fold(self) -> None:
        if self._losses:
            weights = torch.tensor(self._counts, dtype=torch.float64)
            self._sum += float((torch.stack(self._losses).double().cpu() * weights).sum())
            self._images += sum(self._counts)
            self._losses.clear()
            self._counts.clear()

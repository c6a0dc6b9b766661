"""What every way to flat minima can do; here, nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch


class Plain:
    """The gradient at the weights themselves, and weights without noise."""

    def gradient(self, backward: Callable[[], torch.Tensor]) -> torch.Tensor:
        """Leave the step's gradient in `.grad` and return the loss at the weights; `backward` does one forward and
        one backward pass and returns its loss. It is captured into a CUDA graph: no waiting for the device."""
        return backward()

    def after(self, step: int, steps_per_epoch: int) -> None:
        """Called when `step` steps are done (the weights have moved)."""

    @contextmanager
    def clean(self) -> Iterator[None]:
        """Within it the weights are those to be evaluated and stored."""
        yield

    def resume(self, step: int, steps_per_epoch: int) -> None:
        """Called when weights were restored as they stood after `step` steps."""

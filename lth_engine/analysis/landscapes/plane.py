"""A network that is moved along one or two directions, in place."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

import torch

from lth_engine.analysis.landscapes.directions import Direction


class Plane:
    """Sets `parameters` to where they were plus x times the first direction (plus y times the second).

    Use as a context manager: afterwards the parameters are bit for bit what they were.

    Args:
        parameters: of the model, changed in place.
        directions: one or two, each with a tensor for each parameter.
    """

    def __init__(self, parameters: Sequence[torch.nn.Parameter], directions: Sequence[Direction]) -> None:
        self._own = [p.detach() for p in parameters]  # the model's memory
        self._middle = [p.clone() for p in self._own]
        self._directions = [[torch.empty_like(p).copy_(d) for p, d in zip(self._own, direction, strict=True)]
                            for direction in directions]

    @torch.no_grad()
    def put(self, *place: float) -> None:
        """Lay the weights at a place (one number a direction) into the model; at 0 they are the network's own."""
        torch._foreach_copy_(self._own, self._middle)
        for at, direction in zip(place, self._directions, strict=True):
            if at:
                torch._foreach_add_(self._own, direction, alpha=at)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.put(*[0.0] * len(self._directions))

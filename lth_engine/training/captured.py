"""A training step on a GPU, recorded once as a CUDA graph and replayed: one launch in place of hundreds.

A small network's step is hundreds of kernels of microseconds each, which Python cannot launch as fast as the GPU runs
them. The graph reads its batch, learning rate and interpolation factor from fixed memory, and works on the parameters,
masks and optimizer state where they are: another level copies its weights and mask there and records nothing anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from lth_engine.core.artifact import Array
from lth_engine.training.flatness.plain import Plain
from lth_engine.training.stepper import Stepper

_WARM_UP = 3
"""Steps before a recording, in which libraries choose their algorithms and optimizers make their state."""


@dataclass
class _Recording:
    graph: torch.cuda.CUDAGraph
    x: torch.Tensor
    y: torch.Tensor
    loss: torch.Tensor


class Captured:
    """Acts as a :class:`Stepper` whose `gradient` does the whole step and whose `move` has nothing left to do."""

    def __init__(self, step: Stepper) -> None:
        self.step = step
        self.model, self.mask, self.device, self.norms = step.model, step.mask, step.device, step.norms
        self.optimizer, self.alpha = step.optimizer, step.alpha
        self.recordings: dict[int, _Recording] = {}
        for group in self.optimizer.param_groups:
            group["lr"] = torch.zeros((), device=self.device)
            if "capturable" in group:
                group["capturable"] = True

    @property
    def flatness(self) -> Plain:
        """That of the step."""
        return self.step.flatness

    def restart(self, seed: int, anchor: Mapping[str, Array] | None) -> None:
        """Begin anew; see :meth:`Stepper.restart`. What is recorded stays."""
        self.step.restart(seed, anchor)

    def set_rate(self, rate: float) -> None:
        """Set the learning rate."""
        self.step.set_rate(rate)

    def gradient(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The whole step; returns the loss before it."""
        found = self.recordings.get(len(y))
        if found is None:
            found = self.recordings[len(y)] = self._record(x, y)
        found.x.copy_(x)
        found.y.copy_(y)
        found.graph.replay()
        return found.loss.clone()

    def move(self) -> None:
        """Nothing: the graph has moved the weights."""

    def _record(self, x: torch.Tensor, y: torch.Tensor) -> _Recording:
        """Warm up and record, and leave weights, buffers and optimizer state as they were."""
        x, y = x.clone(), y.clone()
        kept = {name: value.clone() for name, value in self.model.state_dict().items()}
        state = {id(p): {k: v.clone() for k, v in slots.items() if isinstance(v, torch.Tensor)}
                 for p, slots in self.optimizer.state.items()}
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(_WARM_UP):
                self.step(x, y)
        torch.cuda.current_stream().wait_stream(side)
        self.optimizer.zero_grad(set_to_none=True)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            loss = self.step(x, y)
        with torch.no_grad():
            for name, value in self.model.state_dict().items():
                value.copy_(kept[name])
            for p, slots in self.optimizer.state.items():
                for slot, value in slots.items():
                    if isinstance(value, torch.Tensor):
                        before = state.get(id(p), {}).get(slot)
                        value.zero_() if before is None else value.copy_(before)
        return _Recording(graph, x, y, loss)

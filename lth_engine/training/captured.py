"""A training step on a GPU, recorded once as a CUDA graph and replayed: one launch in place of hundreds.

A small network's step is hundreds of kernels of microseconds each, which Python cannot launch as fast as the GPU runs
them. The graph reads its batch, learning rate and interpolation factor from fixed memory, and works on the parameters,
masks and optimizer state where they are: another level copies its weights and mask there and records nothing anew.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from lth_engine.core.artifact import Array
from lth_engine.training.flatness.plain import Plain
from lth_engine.training.stepper import Stepper

WARM_UP = 3
"""Steps before a recording, in which libraries choose their algorithms and optimizers make their state."""

Work = Callable[[], torch.Tensor]
Recorder = Callable[[Work], Callable[[], None]]
"""Runs a piece of work a few times, records it, and returns what replays it into the same memory."""


@dataclass
class _Recording:
    replay: Callable[[], None]
    x: torch.Tensor
    y: torch.Tensor
    loss: torch.Tensor


class Captured:
    """Acts as a :class:`Stepper` whose `gradient` does the whole step and whose `move` has nothing left to do.

    Args:
        step: what is recorded.
        record: how; as CUDA graphs by default.
    """

    def __init__(self, step: Stepper, record: Recorder | None = None) -> None:
        self.step = step
        self.model, self.mask, self.device, self.norms = step.model, step.mask, step.device, step.norms
        self.optimizer, self.alpha = step.optimizer, step.alpha
        self.record = record or cuda_graphs()
        self.recordings: dict[tuple[int, ...], _Recording] = {}
        for group in self.optimizer.param_groups:
            group["lr"] = torch.zeros((), device=self.device)
            if "capturable" in group:
                group["capturable"] = True

    @property
    def flatness(self) -> Plain:
        """That of the step."""
        return self.step.flatness

    def let_go(self) -> None:
        """Free the memory of what is recorded; see :meth:`Stepper.let_go`. The next batch is recorded anew."""
        self.recordings.clear()
        self.step.let_go()

    def restart(self, seed: int, anchor: Mapping[str, Array] | None) -> None:
        """Begin anew; see :meth:`Stepper.restart`. What is recorded stays."""
        self.step.restart(seed, anchor)

    def set_rate(self, rate: float) -> None:
        """Set the learning rate."""
        self.step.set_rate(rate)

    def gradient(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The whole step; returns the loss before it."""
        found = self.recordings.get(tuple(x.shape))
        if found is None:
            found = self.recordings[tuple(x.shape)] = self._recorded(x, y)
        found.x.copy_(x)
        found.y.copy_(y)
        found.replay()
        return found.loss.clone()

    def move(self) -> None:
        """Nothing: the replay has moved the weights."""

    def _recorded(self, x: torch.Tensor, y: torch.Tensor) -> _Recording:
        """Record the step for batches of this size; weights, buffers and optimizer state are as before afterwards."""
        x, y, loss = x.clone(), y.clone(), torch.zeros((), device=self.device)

        def work() -> torch.Tensor:
            return loss.copy_(self.step(x, y))

        weights = {name: value.clone() for name, value in self.model.state_dict().items()}
        state = {(id(p), slot): value.clone() for p, slot, value in self._state()}
        replay = self.record(work)
        with torch.no_grad():
            for name, value in self.model.state_dict().items():
                value.copy_(weights[name])
            for p, slot, value in self._state():
                value.copy_(state.get((id(p), slot), torch.zeros_like(value)))
        return _Recording(replay, x, y, loss)

    def _state(self) -> list[tuple[torch.Tensor, str, torch.Tensor]]:
        """The optimizer's tensors, with the parameter and the name that each belongs to."""
        return [(p, slot, value) for p, slots in self.optimizer.state.items() for slot, value in slots.items()
                if isinstance(value, torch.Tensor)]


def cuda_graphs() -> Recorder:
    """Records work as CUDA graphs that share their memory, on a stream of their own.

    The graphs are never replayed at once, and what a replay leaves behind (weights, buffers, optimizer state, loss)
    lies outside their memory, so the last batch of an epoch needs no second set of activations. Two recorders share
    nothing: their graphs may run side by side.
    """
    stream, pool = torch.cuda.Stream(), torch.cuda.graph_pool_handle()
    return lambda work: _graph(work, stream, pool)


def _graph(work: Work, stream: torch.cuda.Stream, pool: tuple[int, int]) -> Callable[[], None]:
    """Record work as a CUDA graph; where that is not possible, say so in the log and do the work kernel by kernel.

    The device's random state is as before afterwards.
    """
    random = torch.cuda.get_rng_state()
    replay = _graph_of(work, stream, pool)
    torch.cuda.set_rng_state(random)
    return replay


def _graph_of(work: Work, stream: torch.cuda.Stream, pool: tuple[int, int]) -> Callable[[], None]:
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP):
            work()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    try:
        with torch.cuda.graph(graph, pool=pool, stream=stream,
                              capture_error_mode="thread_local"):  # a thread that pins memory may go on
            work()
    except RuntimeError as error:
        torch.cuda.synchronize()
        logging.getLogger(__name__).warning("The training step cannot be recorded as a CUDA graph and runs kernel by "
                                            "kernel: %s", str(error).splitlines()[0])
        return lambda: (work(), None)[1]
    return graph.replay

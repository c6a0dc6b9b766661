"""What a solver works with: the device, the data folder, and a way to report, save and stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from lth_engine.core.artifact import Array, Scalar


@dataclass(frozen=True)
class Progress:
    """One report of a running computation.

    Attributes:
        done, total: work so far and in all, in epochs (or 0 and 0 if unknown).
        message: what is being done, in words.
        images_per_second: throughput of the training loop, if it is training.
        metrics: live values by name (accuracy in [0, 1], loss in nats).
    """

    done: float
    total: float
    message: str
    images_per_second: float = 0.0
    metrics: Mapping[str, Scalar] = field(default_factory=dict)


class Checkpoint(Protocol):
    """Where an unfinished answer waits: replaced as a whole, so it is never half written."""

    def load(self) -> tuple[dict[str, Array], dict[str, Scalar]] | None:
        """Arrays and scalars of the last save, or None."""

    def save(self, arrays: Mapping[str, Array], scalars: Mapping[str, Scalar]) -> None:
        """Replace the last save."""


class NoCheckpoint:
    """A checkpoint that keeps nothing, for short answers and tests."""

    def load(self) -> None:
        """Nothing was saved."""
        return None

    def save(self, arrays: Mapping[str, Array], scalars: Mapping[str, Scalar]) -> None:
        """Nothing is kept."""


def _silent(progress: Progress) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class Workbench:
    """Given to every solver.

    Attributes:
        data_root: folder of data sets and of the cache of decoded images.
        device: "cpu" or "cuda".
        report: called often and cheaply; raises Cancelled when the user asked to stop.
        checkpoint: of the answer being computed.
        checkpoint_seconds: least time between two saves.
    """

    data_root: Path
    device: str = "cpu"
    report: Callable[[Progress], None] = _silent
    checkpoint: Checkpoint = field(default_factory=NoCheckpoint)
    checkpoint_seconds: float = 20.0

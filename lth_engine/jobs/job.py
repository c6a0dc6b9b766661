"""A Job is an answer that has not happened yet: a question, its state, and its progress."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from lth_engine.core.workbench import Progress

State = Literal["queued", "running", "cancelling", "done", "failed", "cancelled"]

STATES: tuple[State, ...] = get_args(State)
LIVE: tuple[State, ...] = ("queued", "running", "cancelling")
"""States of a job that will still change by itself."""


DAMAGED = "This row of the queue is damaged; take it off the list."
"""Error of a job whose row cannot be read; its spec is empty."""


@dataclass(frozen=True)
class Job:
    """One row of the queue, as it was when it was read.

    Attributes:
        id: eight hex digits; names the log and the lock.
        key, kind, spec: the question's key, name and plain JSON values.
        progress: the last report of the worker.
        submitted, started, ended: seconds since 1970 (UTC); started and ended are those of the
            last attempt, None if that did not happen.
        error: why it failed, in one sentence; empty if it did not.
        attempt: number of times it was started; a worker of an older attempt changes nothing.
        quick: whether it takes the slot for quick questions.
        eta_seconds: remaining time by the pace of this attempt; None if unknown.
        pid: the worker's process, None if none has begun.
    """

    id: str
    key: str
    kind: str
    spec: Mapping[str, Any]
    state: State
    progress: Progress
    submitted: float
    started: float | None
    ended: float | None
    error: str
    attempt: int
    quick: bool
    eta_seconds: float | None
    pid: int | None

    @property
    def damaged(self) -> bool:
        """Whether the row could not be read, so that the question is not known."""
        return not self.spec

    @property
    def live(self) -> bool:
        """Whether the job is queued, running or about to stop."""
        return self.state in LIVE

    @property
    def fraction(self) -> float:
        """Share of the work that is done, in [0, 1]; 0 if unknown."""
        return min(1.0, self.progress.done / self.progress.total) if self.progress.total > 0 else 0.0

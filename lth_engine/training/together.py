"""Several sessions trained together on one device, a step in turn, each on a lane of its own.

A small network fills a fraction of a GPU: while one step's kernels run, those of the others run beside them, if every
session has a stream of its own. Each computes what it would compute alone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

import torch

from lth_engine.core.errors import Cancelled, LotteryError
from lth_engine.core.workbench import Progress
from lth_engine.training.session import Pauses, Session

Lane = Callable[[], AbstractContextManager[object]]
"""Opens what a session's steps run in."""

_STREAMS: list[torch.cuda.Stream] = []
"""Those that were used so far: torch keeps freed memory by stream, so new ones would leave it idle."""


def streams(count: int) -> list[Lane]:
    """A CUDA stream for each session."""
    def lane(stream: torch.cuda.Stream) -> Lane:
        return lambda: torch.cuda.stream(stream)

    torch.cuda.synchronize()
    while len(_STREAMS) < count:
        _STREAMS.append(torch.cuda.Stream())
    return [lane(stream) for stream in _STREAMS[:count]]


def run_together(sessions: Sequence[Session], lanes: Sequence[Lane]) -> list[LotteryError | None]:
    """Run all sessions to their ends; returns what stopped each, None for those that finished.

    Raises:
        Cancelled: the user asked to stop; the state of every session is in its checkpoint.
    """
    pauses = Pauses()
    for session in sessions:
        session.pauses = pauses
    running = {i: session.steps() for i, session in enumerate(sessions)}
    stopped: list[LotteryError | None] = [None] * len(sessions)
    while running:
        for i in list(running):
            try:
                with lanes[i]():
                    ended = next(running[i], _END) is _END
            except Cancelled as error:
                del running[i]
                for other, steps in running.items():
                    _stop(steps, lanes[other], error)
                raise
            except LotteryError as error:
                stopped[i], ended = error.with_traceback(None), True  # its frames hold networks and what is recorded
            if ended:
                del running[i]
    return stopped


class Meter:
    """Adds up the progress of sessions that run together: one report of the whole for each of theirs.

    The rate of each is that of all (see :class:`lth_engine.training.session.Session`), so their mean is reported.
    """

    def __init__(self, count: int) -> None:
        self._latest = [Progress(0.0, 0.0, "")] * count

    def lane(self, number: int, report: Callable[[Progress], None]) -> Callable[[Progress], None]:
        """What session `number` reports to; `report` gets the sums."""
        def inner(progress: Progress) -> None:
            self._latest[number] = progress
            total = max(p.total for p in self._latest) * len(self._latest)
            report(replace(progress, done=sum(p.done for p in self._latest), total=total,
                           message=f"{len(self._latest)} runs together, {progress.message}",
                           images_per_second=sum(p.images_per_second for p in self._latest) / len(self._latest)))
        return inner


_END = object()


def _stop(steps: Iterator[None], lane: Lane, reason: Cancelled) -> None:
    """Let a session save what it has, on its own lane: what it has queued there is done first."""
    with lane(), contextlib.suppress(Cancelled):
        steps.throw(Cancelled(str(reason)))  # type: ignore[attr-defined]

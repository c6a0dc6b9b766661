"""The worker's line to the queue: reports go out at most twice a second, the wish to stop comes in."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

from lth_engine.core.errors import Cancelled, LotteryError
from lth_engine.core.workbench import Progress
from lth_engine.jobs.job import Job
from lth_engine.jobs.lock import RecordLock
from lth_engine.jobs.queue import Queue

SECONDS = 0.5
"""Least time between two writes."""

SURE_SECONDS = 15.0
"""After so long any pace is believed."""


class Reporter:
    """Takes the reports of one attempt and writes the newest from a thread of its own, so that
    training waits for no disk; sees there whether the attempt is still wanted, and keeps its lock.

    Use as a context manager: the last report is written at the end.
    """

    def __init__(self, queue: Queue, job: Job, lock: RecordLock, clock: Callable[[], float] = time.monotonic) -> None:
        self._queue, self._job, self._lock, self._clock = queue, job, lock, clock
        self._newest = Progress(job.progress.done, job.progress.total, "Starting")
        self._written: Progress | None = None
        self._start: tuple[float, float] | None = None
        self._stop = threading.Event()
        self._ended = threading.Event()
        self._trouble = ""
        self._thread = threading.Thread(target=self._loop, name="reporter", daemon=True)

    def report(self, progress: Progress) -> None:
        """Give the newest progress; cheap enough for every step.

        Raises:
            Cancelled: the attempt should stop.
        """
        if self._start is None and progress.total > 0:
            self._start = (self._clock(), progress.done)
        self._newest = progress
        if self._stop.is_set():
            raise Cancelled("The job was told to stop. What it has stored stays, and Resume goes on from there.")

    def stop(self) -> None:
        """Make the next report raise Cancelled. Safe to call from a signal handler."""
        self._stop.set()

    def eta_seconds(self, progress: Progress) -> float | None:
        """Remaining time, by the work done since the first report of this attempt; None while less
        than 1% of the rest was done in less than SURE_SECONDS, where the start-up would mislead."""
        if self._start is None:
            return None
        since, done = self._start
        worked, waited, left = progress.done - done, self._clock() - since, progress.total - progress.done
        if worked <= 0 or waited <= 0 or (worked < 0.01 * left and waited < SURE_SECONDS):
            return None
        return max(0.0, left * waited / worked)

    def __enter__(self) -> Reporter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._guarded(self._write)

    def _loop(self) -> None:
        while not self._ended.wait(SECONDS):
            self._guarded(self._write)
            self._guarded(self._look)

    def _write(self) -> None:
        newest = self._newest
        if newest is not self._written and self._queue.root.is_dir():
            self._queue.report(self._job.id, self._job.attempt, newest, self.eta_seconds(newest))
            self._written = newest

    def _look(self) -> None:
        """Stop if the store is gone, another worker took the lock, or the attempt is not wanted."""
        if not (self._queue.root.is_dir() and self._lock.keep() and self._queue.wanted(self._job)):
            self._stop.set()

    def _guarded(self, action: Callable[[], None]) -> None:
        """The queue may be out of reach for a while (a full disk); the work goes on, the log says so."""
        try:
            action()
        except (LotteryError, OSError) as error:
            if str(error) != self._trouble:
                print(f"Progress could not be written: {error}", file=sys.stderr, flush=True)
            self._trouble = str(error)

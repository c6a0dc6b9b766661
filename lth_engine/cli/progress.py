"""Progress on stderr: one line that is redrawn on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import TextIO

from lth_engine.cli.words import duration
from lth_engine.core.workbench import Progress

REDRAW_SECONDS = 0.1
LINE_SECONDS = 5.0
PACE_SECONDS = 2.0
"""How long work is watched before its pace means anything."""
BAR_WIDTH = 20


class Bar:
    """Shows reports on a stream; :meth:`close` ends the line.

    Args:
        stream: where to; a terminal gets a bar, anything else plain lines.
        clock: seconds, for the remaining time.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._terminal = stream.isatty()
        self._began = clock()
        self._first: tuple[float, float] | None = None
        self._drawn: float | None = None
        self._open = False

    def show(self, progress: Progress) -> None:
        """Draw a report, unless the last one was just drawn."""
        now = self._clock()
        if self._first is None and progress.done:
            self._first = (now, progress.done)
        finished = progress.total > 0 and progress.done >= progress.total
        pause = REDRAW_SECONDS if self._terminal else LINE_SECONDS
        if self._drawn is not None and now - self._drawn < pause and not finished:
            return
        self._drawn = now
        line = self.line(progress, now)
        if self._terminal:
            width = shutil.get_terminal_size().columns - 1
            self._stream.write(f"\r\033[2K{line[:width]}")
            self._open = True
        else:
            self._stream.write(line + "\n")
        self._stream.flush()

    def line(self, progress: Progress, now: float) -> str:
        """A report in words: share, time left (or taken, at the end), what is being done."""
        if not progress.total:
            return progress.message
        share = min(1.0, progress.done / progress.total)
        filled = int(share * BAR_WIDTH)
        bar = f"[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] " if self._terminal else ""
        left = self._left(progress, now)
        pace = f"{duration(now - self._began)} taken" if share >= 1 else f"{duration(left)} left" if left else ""
        speed = f"{progress.images_per_second:,.0f} images/s" if progress.images_per_second else ""
        return bar + "  ".join(word for word in (f"{100 * share:3.0f}%", pace, progress.message, speed) if word)

    def close(self) -> None:
        """End the redrawn line, so that what follows stands on its own."""
        if self._open:
            self._stream.write("\n")
            self._stream.flush()
            self._open = False

    def _left(self, progress: Progress, now: float) -> float | None:
        """Seconds left at the pace since work was first done (so not counting the start); None while unknown."""
        if self._first is None or progress.done <= self._first[1] or now - self._first[0] < PACE_SECONDS:
            return None
        pace = (now - self._first[0]) / (progress.done - self._first[1])
        return pace * (progress.total - progress.done)

"""Reports how far a computation is: asked as often as one likes, it does so a few times a second."""

from __future__ import annotations

import time
from collections.abc import Callable

REPORT_SECONDS = 0.2
"""Time between two reports: often enough for a live page."""


class Meter:
    """Passes on what it is told, if it is time.

    Args:
        report: called with what is told; may raise Cancelled.
    """

    def __init__(self, report: Callable[..., None]) -> None:
        self._report, self._told = report, 0.0

    def tell(self, *said: object) -> None:
        """Report it, if REPORT_SECONDS have passed since the last time; may raise Cancelled."""
        if time.perf_counter() - self._told > REPORT_SECONDS:
            self._report(*said)
            self._told = time.perf_counter()

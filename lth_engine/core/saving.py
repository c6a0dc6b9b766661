"""Keeps an unfinished computation in the checkpoint of its answer: now and then, and when it is stopped."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from lth_engine.core.artifact import Array, Scalar
from lth_engine.core.errors import Cancelled
from lth_engine.core.workbench import Workbench

FIRST_SECONDS = 2.0
"""Seconds after which a computation is saved first, so that its estimate is soon seen."""

SHARE = 0.05
"""Part of the time, at most, that goes into saving."""

State = tuple[dict[str, Array], dict[str, Scalar]]


class Saving:
    """Use as a context manager around the computation; call :meth:`now_and_then` wherever it could go on from.

    Args:
        bench: whose checkpoint it is.
        state: what is saved, as it stands.
        form: name of the state's form; what was saved in another form is left alone and the computation starts anew.
    """

    def __init__(self, bench: Workbench, state: Callable[[], State], form: str) -> None:
        self._bench, self._state, self._form = bench, state, form
        self._last = time.perf_counter()
        self._wait = min(FIRST_SECONDS, bench.checkpoint_seconds)

    def load(self) -> State | None:
        """The state that was saved, None if there is none."""
        saved = self._bench.checkpoint.load()
        return saved if saved is not None and saved[1].get("form") == self._form else None

    def now_and_then(self) -> None:
        """Save if it is time: first after :data:`FIRST_SECONDS`, then every checkpoint_seconds of the bench."""
        began = time.perf_counter()
        if began - self._last > self._wait:
            self._save()
            self._last = time.perf_counter()
            self._wait = max(self._bench.checkpoint_seconds, (self._last - began) / SHARE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if isinstance(error, Cancelled):
            self._save()

    def _save(self) -> None:
        arrays, scalars = self._state()
        self._bench.checkpoint.save(arrays, scalars | {"form": self._form})

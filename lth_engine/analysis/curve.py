"""A curve that is measured a point at a time, and that a stopped computation goes on with where it was."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from lth_engine.core.artifact import Array
from lth_engine.core.errors import Cancelled
from lth_engine.core.workbench import Workbench


class Curve:
    """Values at each of some places; NaN where they are not measured yet.

    Args:
        place: the places, N.
        columns: names of what is measured at each.
        bench: whose checkpoint keeps what is measured.
    """

    def __init__(self, place: Array, columns: Sequence[str], bench: Workbench) -> None:
        self.place = place
        self.columns = tuple(columns)
        self.values = np.full((len(place), len(columns)), np.nan)
        self.bench = bench
        self.done = 0
        saved = bench.checkpoint.load()
        if saved is not None and saved[0]["curve"].shape == self.values.shape:
            self.values = saved[0]["curve"]
            self.done = int(saved[1]["done"] or 0)

    def fill(self, measure: Callable[[float], Sequence[float]]) -> None:
        """Measure what is left, in order; what is measured is in the checkpoint if this is stopped.

        Args:
            measure: place -> one value a column.
        """
        saved = time.perf_counter()
        try:
            while self.done < len(self.place):
                self.values[self.done] = measure(float(self.place[self.done]))
                self.done += 1
                if time.perf_counter() - saved > self.bench.checkpoint_seconds:
                    self._save()
                    saved = time.perf_counter()
        except Cancelled:
            self._save()
            raise

    def arrays(self) -> dict[str, Array]:
        """Column -> N values."""
        return {name: self.values[:, i].copy() for i, name in enumerate(self.columns)}

    def _save(self) -> None:
        self.bench.checkpoint.save({"curve": self.values}, {"done": self.done})

"""A curve that is measured a point at a time, and that a stopped computation goes on with where it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from lth_engine.core.artifact import Array
from lth_engine.core.saving import Saving, State
from lth_engine.core.workbench import Workbench

_FORM = "curve 1"

Choice = Callable[[Array, Array], int | None]
"""From the values (places x columns) and which places are measured: the next place, None at the end."""


def in_order(values: Array, measured: Array) -> int | None:
    """The first place that is not measured yet."""
    return None if measured.all() else int(measured.argmin())


class Curve:
    """Values at each of some places; NaN where they are not measured.

    Args:
        place: the places, N.
        columns: names of what is measured at each.
        bench: whose checkpoint keeps what is measured.
        beside: further arrays with a row for each place, that `measure` fills itself in the row `at`; they are kept in
            the checkpoint too. Their contents are replaced by those of the checkpoint.

    Attributes:
        measured: bool, for each place.
        at: index of the place that is being measured.
    """

    def __init__(self, place: Array, columns: Sequence[str], bench: Workbench,
                 beside: Mapping[str, Array] | None = None) -> None:
        self.place = place
        self.columns = tuple(columns)
        self.values = np.full((len(place), len(columns)), np.nan)
        self.measured = np.zeros(len(place), dtype=bool)
        self.beside = dict(beside or {})
        self.at = 0
        self._saving = Saving(bench, self._state, _FORM)
        saved = self._saving.load()
        if saved is not None and _shapes(saved[0]) == _shapes(self._arrays()):
            for name, array in self._arrays().items():
                array[...] = saved[0][name]

    @property
    def done(self) -> int:
        """Number of measured places."""
        return int(self.measured.sum())

    def fill(self, measure: Callable[[float], Sequence[float]], choose: Choice = in_order) -> None:
        """Measure one place after the other; what is measured is in the checkpoint if this is stopped.

        Args:
            measure: place -> one value a column.
            choose: which place is next.
        """
        with self._saving as saving:
            while (at := choose(self.values, self.measured)) is not None:
                self.at = at
                self.values[at] = measure(float(self.place[at]))
                self.measured[at] = True
                saving.now_and_then()

    def arrays(self) -> dict[str, Array]:
        """Column -> one value for each measured place."""
        return {name: self.values[self.measured, i] for i, name in enumerate(self.columns)}

    def _arrays(self) -> dict[str, Array]:
        return {"curve": self.values, "measured": self.measured} | self.beside

    def _state(self) -> State:
        return self._arrays() | {"place": self.place}, {"done": self.done}


def _shapes(arrays: Mapping[str, Array]) -> dict[str, tuple[int, ...]]:
    return {name: array.shape for name, array in arrays.items() if name != "place"}

"""What an unfinished answer of several parts has found so far, kept in its checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lth_engine.core.saving import Saving, State
from lth_engine.core.workbench import Workbench


class Notes:
    """Arrays and scalars by name; a part that goes on after a stop finds there what it wrote.

    Args:
        bench: whose checkpoint they are kept in.
        form: of the notes; those of another form are left alone.
    """

    def __init__(self, bench: Workbench, form: str) -> None:
        self._part: Callable[[], State] = lambda: ({}, {})
        self._saving = Saving(bench, self._noted, form)
        self.arrays, self.scalars = self._saving.load() or ({}, {})

    @contextmanager
    def kept(self, state: Callable[[], State]) -> Iterator[Callable[[], None]]:
        """Run a part of the work: gives what it calls often, which saves now and then; saved too if it is cancelled,
        and noted when it ends.

        Args:
            state: what to note of the part at this moment.
        """
        self._part = state
        with self._saving:
            yield self._saving.now_and_then
        self._noted()

    def _noted(self) -> State:
        """Everything, with what the part has found by now."""
        arrays, scalars = self._part()
        self.arrays |= arrays
        self.scalars |= scalars
        return self.arrays, self.scalars

"""What an unfinished answer of several parts has found so far, kept in its checkpoint."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from lth_engine.core.artifact import Array, Scalar
from lth_engine.core.errors import Cancelled
from lth_engine.core.workbench import Workbench

State = tuple[Mapping[str, Array], Mapping[str, Scalar]]


class Notes:
    """Arrays and scalars by name; a part that goes on after a stop finds there what it wrote.

    Args:
        bench: whose checkpoint they are kept in.
        form: of the notes; those of another form are left alone.
    """

    def __init__(self, bench: Workbench, form: int) -> None:
        saved = bench.checkpoint.load()
        fits = saved is not None and saved[1].get("form") == form
        self.arrays: dict[str, Array] = dict(saved[0]) if saved is not None and fits else {}
        self.scalars: dict[str, Scalar] = dict(saved[1]) if saved is not None and fits else {"form": form}
        self._bench = bench
        self._saved = time.perf_counter()

    @contextmanager
    def kept(self, state: Callable[[], State]) -> Iterator[Callable[[], None]]:
        """Run a part of the work: gives what it calls often, which saves now and then; saved too if it is cancelled,
        and noted when it ends.

        Args:
            state: what to note of the part at this moment.
        """
        def save() -> None:
            self._note(state())
            self._bench.checkpoint.save(self.arrays, self.scalars)
            self._saved = time.perf_counter()

        def tick() -> None:
            if time.perf_counter() - self._saved > self._bench.checkpoint_seconds:
                save()

        try:
            yield tick
        except Cancelled:
            save()
            raise
        self._note(state())

    def _note(self, state: State) -> None:
        self.arrays |= state[0]
        self.scalars |= state[1]

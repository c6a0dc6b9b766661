"""What the pretend GPU is doing now, and who waited for it."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_OURS = (str(_HERE.parent.parent / "lth_engine"), str(_HERE.parent))
_MACHINERY = tuple(str(_HERE / f"{name}.py") for name in ("state", "tensors", "calls", "runtime", "conftest"))


@dataclass
class State:
    """Of the one device; :meth:`clear` makes it new.

    Attributes:
        waits: "what path:line function" -> how often Python waited there for the device.
        recording: the operations of the graph that is being recorded; None if none is.
        places: (memory pool, stream) of each graph that was recorded.
        pools: how many pools were made.
        inside: how many calls of torch on tensors of the device are under way: what they make is there, too.
    """

    waits: Counter[str] = field(default_factory=Counter)
    recording: list[tuple[Any, Any, Any, Any]] | None = None
    places: list[tuple[Any, Any]] = field(default_factory=list)
    pools: int = 0
    inside: int = 0

    def clear(self) -> None:
        """As before anything was done."""
        self.waits.clear()
        self.places.clear()
        self.recording, self.pools, self.inside = None, 0, 0

    def new_pool(self) -> tuple[int, int]:
        """Name of another pool of memory for graphs."""
        self.pools += 1
        return 0, self.pools

    def wait(self, what: str) -> None:
        """Count a wait for the device.

        Raises:
            RuntimeError: a graph is being recorded.
        """
        if self.recording is not None:
            raise RuntimeError(f"operation not permitted when stream is capturing: {what} at {_line()}")
        self.waits[f"{what} {_line()}"] += 1


STATE = State()


def _line() -> str:
    """The innermost line of the lab or of a test."""
    frame = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(_OURS) and name not in _MACHINERY:
            return f"{Path(name).relative_to(_HERE.parent.parent)}:{frame.f_lineno} {frame.f_code.co_name}"
        frame = frame.f_back
    return "?"

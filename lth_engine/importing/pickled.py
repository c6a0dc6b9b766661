"""What a pickle says, as plain data: nothing here is ever called, imported or compared by the file's own rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class Global:
    """A class or function by its name; it is not looked up."""

    __slots__ = ("module", "name")

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    @property
    def full(self) -> str:
        """The name with its module, as "torch._utils._rebuild_tensor_v2"."""
        return f"{self.module}.{self.name}"


class Call:
    """What would have been an object: a callee, its arguments, and what was put into the object afterwards.

    Attributes:
        callee: mostly a Global; anything in a hostile file.
        args: its arguments.
        state: what BUILD would have handed to the object, None before.
        items: what would have been appended to it.
        pairs: what would have been set in it by key.
    """

    __slots__ = ("args", "callee", "items", "pairs", "state")

    def __init__(self, callee: Any, args: tuple[Any, ...]) -> None:
        self.callee, self.args = callee, args
        self.state: Any = None
        self.items: list[Any] = []
        self.pairs: list[tuple[Any, Any]] = []

    @property
    def full(self) -> str:
        """Name of the callee, "" if it has none."""
        return self.callee.full if isinstance(self.callee, Global) else ""


class Pairs:
    """A dict as the list of its pairs: keys are never hashed, so that nested keys cost nothing."""

    __slots__ = ("pairs",)

    def __init__(self) -> None:
        self.pairs: list[tuple[Any, Any]] = []

    def named(self) -> Iterator[tuple[str, Any]]:
        """The pairs whose keys are texts."""
        return ((key, value) for key, value in self.pairs if isinstance(key, str))


class Persistent:
    """A reference to something outside the pickle: torch's storages."""

    __slots__ = ("pid",)

    def __init__(self, pid: Any) -> None:
        self.pid = pid

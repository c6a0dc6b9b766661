"""A nest of containers to flat paths: tensors, facts and what is ignored; each container is visited once.

A walk with its own stack and a memory of what it saw: 1e10 aliases of one list cost one visit, and nothing recurses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import torch

from lth_engine.core import sizes
from lth_engine.core.errors import FileRefused
from lth_engine.importing.contents import Fact
from lth_engine.importing.pickled import Call, Global, Pairs, Persistent
from lth_engine.importing.sound import LONGEST_NAME, MOST_DEPTH, MOST_TENSORS

MOST_VISITS = 1_000_000
"""Entries of containers that are looked at."""

MOST_FACTS, LONGEST_TEXT, LONGEST_SERIES = 1000, 200, 20
"""Facts that are kept, characters of a text, and the length from which a list of numbers is a curve, not facts."""

MOST_KINDS = 200
"""Kinds of ignored objects that are told apart."""

_MAPPINGS = {"collections.OrderedDict", "collections.defaultdict", "collections.Counter"}
_SILENT = _MAPPINGS | {"torch.Size", "torch.device", "builtins.set", "builtins.frozenset", "builtins.list",
                       "builtins.dict", "builtins.tuple", "builtins.bytearray"}
"""Callees that are no objects of somebody's program."""


@dataclass
class Flat:
    """What a walk found; the fields are those of Contents."""

    tensors: dict[str, torch.Tensor] = field(default_factory=dict)
    parameters: set[str] = field(default_factory=set)
    facts: dict[str, Fact] = field(default_factory=dict)
    ignored: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _times: dict[str, int] = field(default_factory=dict)

    def ignore(self, kind: str) -> None:
        """Count an object that is left unread."""
        kind = "".join(c if c.isprintable() else "?" for c in kind[:LONGEST_NAME])
        if kind in self.ignored or len(self.ignored) < MOST_KINDS:
            self.ignored[kind] = self.ignored.get(kind, 0) + 1

    def fact(self, path: str, value: Any) -> None:
        """Keep a number or a short text."""
        if len(self.facts) >= MOST_FACTS or len(path) > LONGEST_NAME or not path.isprintable():
            return
        small = not isinstance(value, str) or (len(value) <= LONGEST_TEXT and value.isprintable())
        if small and not (isinstance(value, int) and abs(value) >= 1 << 63):
            self.facts[path] = value

    def tensor(self, path: str, tensor: torch.Tensor, parameter: bool) -> None:
        """Keep a tensor; a second one of the same path gets a number."""
        unique = path
        while unique in self.tensors:
            self._times[path] = self._times.get(path, 1) + 1
            unique = f"{path} ({self._times[path]})"
        self.tensors[unique] = tensor
        if parameter:
            self.parameters.add(unique)
        if len(self.tensors) > MOST_TENSORS:
            raise FileRefused(f"Refused: the file holds more than {sizes.number(MOST_TENSORS)} tensors. Save the "
                              "state dict of the network alone.")


@dataclass(frozen=True)
class _Entry:
    path: str
    value: Any
    depth: int
    joint: str = "/"


Revive = Callable[[Call], Any]
"""What a call stands for: a tensor, a number, a text, a list; None if it is to be left a record."""


class Walk:
    """One walk over what a file describes."""

    def __init__(self, revive: Revive) -> None:
        self.flat = Flat()
        self._revive = revive
        self._seen: dict[int, str] = {}
        self._stack: list[_Entry] = []
        self._visits = 0

    def run(self, root: Any, name: str = "tensor") -> Flat:
        """Everything below `root`. A lone tensor gets the path `name`. Raises FileRefused on what costs too much."""
        self._stack.append(_Entry("", root, 0))
        while self._stack:
            entry = self._stack.pop()
            self._visits += 1
            if self._visits > MOST_VISITS:
                raise FileRefused(f"Refused: the file holds more than {sizes.number(MOST_VISITS)} objects. Save the "
                                  "state dict of the network alone.")
            self._visit(entry, entry.path or name)
        return self.flat

    def _visit(self, entry: _Entry, path: str) -> None:
        value, parameter = entry.value, False
        for _ in range(3):  # an array of one object that is an array of one object
            revived = self._revive(value) if isinstance(value, Call) else None
            if revived is None:
                break
            parameter = value.full.startswith("torch._utils._rebuild_parameter")
            if not isinstance(revived, torch.Tensor):
                self.flat.ignore(kind_of(value))
            value = revived
        if isinstance(value, torch.Tensor):
            self.flat.tensor(path, value, parameter or isinstance(value, torch.nn.Parameter))
        elif isinstance(value, bool | int | float | str):
            if entry.joint == "/":
                self.flat.fact(path, value)
        elif isinstance(value, Global):
            self.flat.ignore(value.full)
        elif isinstance(value, dict | list | tuple | set | frozenset | Pairs | Call):
            self._enter(entry, value)
        elif isinstance(value, Persistent):
            self.flat.ignore("torch storage")

    def _enter(self, entry: _Entry, value: Any) -> None:
        before = self._seen.get(id(value))
        if before is not None:
            if before and entry.path and not isinstance(value, tuple) and len(self.flat.notes) < 3 and before != "/":
                self._alias(entry.path, before)
            return
        self._seen[id(value)] = entry.path or "/"
        if entry.depth >= MOST_DEPTH:
            raise FileRefused(f"Refused: the file nests its contents more than {MOST_DEPTH} deep. Save the state dict "
                              "of the network alone.")
        below = list(self._children(entry, value))
        self._stack.extend(reversed(below))

    def _alias(self, path: str, before: str) -> None:
        if all(p.isprintable() and len(p) < 100 for p in (path, before)) and not self.flat.notes:
            self.flat.notes.append(f"`{path}` is the same object as `{before}` and is listed once.")

    def _children(self, entry: _Entry, value: Any) -> Iterator[_Entry]:
        if isinstance(value, Call):
            yield from self._parts(entry, value)
        elif isinstance(value, Pairs):
            yield from self._named(entry, value.pairs)
        elif isinstance(value, dict):
            yield from self._named(entry, value.items())
        else:
            yield from self._listed(entry, value)

    def _named(self, entry: _Entry, pairs: Any) -> Iterator[_Entry]:
        for key, value in pairs:
            if isinstance(key, str | int | float):
                yield _Entry(_join(entry.path, str(key), entry.joint), value, entry.depth + 1, entry.joint)
            else:
                self.flat.ignore("entry whose key is no text or number")

    def _listed(self, entry: _Entry, values: Any) -> Iterator[_Entry]:
        curve = len(values) > LONGEST_SERIES
        for index, value in enumerate(values):
            if not (curve and isinstance(value, bool | int | float | str)):
                yield _Entry(_join(entry.path, str(index), entry.joint), value, entry.depth + 1, entry.joint)

    def _parts(self, entry: _Entry, call: Call) -> Iterator[_Entry]:
        """What lies in an object that was not made."""
        if call.full not in _SILENT:
            self.flat.ignore(kind_of(call))
        if call.full.startswith("pathlib."):
            self.flat.fact(entry.path, str(PurePosixPath(*(p for p in call.args if isinstance(p, str)))))
            return
        state = call.state if isinstance(call.state, tuple) else (call.state,)
        fields = [pair for part in state if isinstance(part, Pairs) for pair in part.pairs]
        if any(key == "_modules" for key, _ in fields) and any(key == "_parameters" for key, _ in fields):
            yield from self._module(entry, fields)
            return
        yield from self._named(entry, call.pairs)
        yield from self._listed(entry, call.items)
        if call.full not in _MAPPINGS:
            yield from self._named(entry, fields)
            for index, inner in enumerate(a for a in call.args if isinstance(a, list | tuple | Pairs | Call)):
                path = entry.path if call.full in _SILENT else _join(entry.path, str(index), entry.joint)
                yield _Entry(path, inner, entry.depth + 1, entry.joint)
        else:
            yield from self._named(entry, [pair for a in call.args for pair in pairs_of(a)])

    def _module(self, entry: _Entry, fields: list[tuple[Any, Any]]) -> Iterator[_Entry]:
        """The tensors of an nn.Module by the names of its state dict; `joint` is "." below a module."""
        parts: dict[Any, Any] = {key: value for key, value in fields if isinstance(key, str)}
        prefix = entry.path + ("" if not entry.path else "." if entry.joint == "." else "/")
        for key in ("_parameters", "_buffers", "_modules"):
            for name, value in pairs_of(parts.get(key)):
                if isinstance(name, str) and value is not None:
                    yield _Entry(prefix + name, value, entry.depth + 1, ".")
        for key, value in parts.items():
            if not key.startswith("_") and isinstance(value, Call):
                yield _Entry(prefix + key, value, entry.depth + 1, ".")


def kind_of(call: Call) -> str:
    """What a call makes, as the card names it."""
    name = call.full
    if name.startswith("numpy"):
        return {"scalar": "numpy scalar", "dtype": "numpy dtype"}.get(name.rsplit(".", 1)[-1], "numpy array")
    return name or "object"


def _join(path: str, key: str, joint: str) -> str:
    return f"{path}{joint}{key}" if path else key


def pairs_of(value: Any) -> list[tuple[Any, Any]]:
    """The pairs of a dict, an ordered dict, or a list of pairs (as Python 2 wrote ordered dicts)."""
    if isinstance(value, Pairs):
        return value.pairs
    if isinstance(value, Call):
        return value.pairs + (pairs_of(value.args[0]) if value.args and isinstance(value.args[0], list) else [])
    if isinstance(value, list):
        return [(pair[0], pair[1]) for pair in value if isinstance(pair, tuple | list) and len(pair) == 2]
    return []

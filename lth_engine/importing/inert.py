"""The inert pickle reader: a pickle's instructions carried out on plain data, so that nothing can be run.

Why not a subclass of pickle.Unpickler whose find_class answers with placeholders: that machine calls what it finds
(REDUCE, BUILD, NEWOBJ), hashes keys (a nested tuple of 60 levels never ends), and its C memo is an array as
long as the largest index that a file names (32 GB from nine bytes). Here every call is a :class:`Call`, a record of
what was asked; every dict is a list of pairs; the memo is a dict; and each instruction adds at most a constant and the
bytes that it consumed, but for two that copy what they are given (NEWOBJ_EX its arguments, `_codecs.encode` its text),
which the memory limit of the child bounds. Instructions are counted, nothing recurses, buffers outside the file and
the extension registry are refused. Objects are made from the records later, by code that knows a short list of names
(`revive`).

The instructions are those of protocols 0 to 5 as in Python's `pickletools`.
"""

from __future__ import annotations

import struct
from typing import Any

from lth_engine.core import sizes
from lth_engine.core.errors import FileRefused, FileUnreadable
from lth_engine.importing import forbidden
from lth_engine.importing.instructions import DO, STOP
from lth_engine.importing.pickled import Call, Global, Pairs, Persistent

MOST_INSTRUCTIONS = 4_000_000
"""More are refused: some 5 s of reading. A state dict has about 30 a tensor."""

_LONGEST_INT = 1024
"""Bytes of an integer; longer ones are no number of a training."""

_PLAIN_KEYS = (str, int, float, bytes, type(None))


class _Mark:
    __slots__ = ()


_MARK = _Mark()


class Machine:
    """Reads one pickle out of a buffer.

    Attributes:
        at: where in the buffer the next instruction is.
        calls: every call that was asked for, in order.
        persistent: every reference to something outside, as torch's storages.
        odd_keys: whether a dict has keys other than texts, numbers, bytes and None.
    """

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data, self.at = data, at
        self.calls: list[Call] = []
        self._globals: dict[str, Global] = {}
        self.persistent: list[Persistent] = []
        self.odd_keys = False
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def load(self) -> Any:
        """What the pickle describes: numbers, texts, bytes, lists, tuples, Pairs, Call, Global, Persistent.

        Raises:
            FileRefused: it names what is never run, or costs too much.
            FileUnreadable: it is no pickle, or cut short.
        """
        try:
            for _ in range(MOST_INSTRUCTIONS):
                code = self.data[self.at]
                self.at += 1
                if code == STOP:
                    return self.pop()
                DO[code](self)
        except (IndexError, struct.error):
            raise FileUnreadable("The file stops early or is damaged: its pickle has no end. Copy it again."
                                 ) from None
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise FileUnreadable("The file is damaged: its pickle makes no sense. Copy it again.") from error
        raise FileRefused(f"Refused: the file's pickle has more than {sizes.number(MOST_INSTRUCTIONS)} instructions. "
                          "Save the state dict alone.")

    def take(self, count: int) -> bytes:
        """The next bytes."""
        end = self.at + count
        if count < 0 or end > len(self.data):
            raise IndexError
        taken = self.data[self.at:end]
        self.at = end
        return taken

    def line(self) -> bytes:
        """The bytes up to the end of the line."""
        end = self.data.index(b"\n", self.at)
        taken = self.data[self.at:end]
        self.at = end + 1
        return taken

    def unsigned(self, count: int) -> int:
        """The next bytes as an unsigned number."""
        return int.from_bytes(self.take(count), "little")

    def push(self, value: Any) -> None:
        """Put a value on the stack."""
        self._stack.append(value)

    def pop(self) -> Any:
        """Take the last value."""
        value = self._stack.pop()
        if value is _MARK:
            raise ValueError("a mark where a value was expected")
        return value

    def top(self) -> Any:
        """The last value, left where it is."""
        if self._stack[-1] is _MARK:
            raise ValueError("a mark where a value was expected")
        return self._stack[-1]

    def since_mark(self) -> list[Any]:
        """Take the values back to the last mark, and the mark."""
        found = []
        while (value := self._stack.pop()) is not _MARK:
            found.append(value)
        return found[::-1]

    def name(self, module: Any, name: Any) -> None:
        """Put a class or function by its name. Raises FileRefused for those that are never run."""
        if not isinstance(module, str) or not isinstance(name, str):
            raise ValueError("a name that is no text")
        module = forbidden.today(module)
        forbidden.check_named(module, name)
        self.push(self._globals.setdefault(f"{module}.{name}", Global(module, name)))

    def call(self, callee: Any, args: Any) -> None:
        """Put the record of a call. Raises FileRefused as :meth:`name`."""
        if not isinstance(args, tuple):
            raise ValueError("arguments that are no tuple")
        if isinstance(callee, Global):
            forbidden.check_called(callee.module, callee.name)
            if callee.full == "_codecs.encode" and len(args) == 2 and args[1] in ("latin1", "latin-1"):
                self.push(args[0].encode("latin1"))  # how protocols 0 to 2 write bytes
                return
            if callee.full == "copyreg._reconstructor" and args:  # how protocols 0 and 1 write objects
                callee, args = args[0], ()
                self.call(callee, args)
                return
        made = Call(callee, args)
        self.calls.append(made)
        self.push(made)

    def append(self, values: list[Any]) -> None:
        """Add values to the list on top."""
        top = self.top()
        if isinstance(top, list):
            top.extend(values)
        elif isinstance(top, Call):
            top.items.extend(values)
        else:
            raise ValueError("appended to what is no list")

    def set_pairs(self, flat: list[Any]) -> None:
        """Add keys and values, in turn, to the dict on top."""
        top = self.top()
        if len(flat) % 2 or not isinstance(top, Pairs | Call):
            raise ValueError("set in what is no dict")
        keys = flat[::2]
        self.odd_keys = self.odd_keys or not all(isinstance(key, _PLAIN_KEYS) for key in keys)
        top.pairs.extend(zip(keys, flat[1::2], strict=True))

    def build(self, state: Any) -> None:
        """Give a state to the object on top."""
        top = self.top()
        if isinstance(top, Call):
            top.state = state
        elif not isinstance(top, Pairs | Persistent):
            raise ValueError("a state for what has none")

    def persist(self, pid: Any) -> None:
        """Put a reference to something outside of the pickle."""
        self.persistent.append(Persistent(pid))
        self.push(self.persistent[-1])

    def long(self, count: int) -> None:
        """Put an integer of so many bytes; None for what no training counts."""
        raw = self.take(count)
        self.push(int.from_bytes(raw, "little", signed=True) if count <= _LONGEST_INT else None)

    def remember(self, index: int) -> None:
        """Note the value on top under an index."""
        self._memo[index] = self.top()

    def drop(self) -> None:
        """Take the last value or mark."""
        self._stack.pop()

    def recall(self, index: int) -> Any:
        """The value noted under an index."""
        return self._memo[index]

    def remembered(self) -> int:
        """How many values are noted."""
        return len(self._memo)

    def mark(self) -> None:
        """Put a mark."""
        self._stack.append(_MARK)

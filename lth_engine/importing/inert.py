"""The inert pickle reader: a pickle's instructions carried out on plain data, so that nothing can be run.

Why not a subclass of pickle.Unpickler whose find_class answers with placeholders: that machine calls what it finds
(REDUCE, BUILD, NEWOBJ), hashes keys (a nested tuple of 60 levels never ends), and its C memo is an array as
long as the largest index that a file names (32 GB from nine bytes). Here every call is a :class:`Call`, a record of
what was asked; every dict is a list of pairs; the memo is a dict; and each instruction adds at most
a constant and the bytes that it consumed. Instructions are counted, nothing recurses, buffers outside
the file and the extension registry are refused. Objects are made from the records later, by code that knows
a short list of names (`revive`).

The instructions are those of protocols 0 to 5 as in Python's `pickletools`.
"""

from __future__ import annotations

import codecs
import pickle
import struct
from collections.abc import Callable
from typing import Any

from lth_engine.core.errors import FileRefused, FileUnreadable
from lth_engine.importing import forbidden, words
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
        globals: full names of what was named, called or not.
        storages: every persistent id.
        odd_keys: whether a dict has keys other than texts, numbers, bytes and None.
    """

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data, self.at = data, at
        self.calls: list[Call] = []
        self.globals: dict[str, Global] = {}
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
                if code == _STOP:
                    return self._pop()
                _DO[code](self)
        except (IndexError, struct.error):
            raise FileUnreadable("The file stops early or is damaged: its pickle has no end. Copy it again."
                                 ) from None
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise FileUnreadable("The file is damaged: its pickle makes no sense. Copy it again.") from error
        raise FileRefused(f"Refused: the file's pickle has more than {words.number(MOST_INSTRUCTIONS)} instructions. "
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

    def _pop(self) -> Any:
        value = self._stack.pop()
        if value is _MARK:
            raise ValueError("a mark where a value was expected")
        return value

    def _top(self) -> Any:
        if self._stack[-1] is _MARK:
            raise ValueError("a mark where a value was expected")
        return self._stack[-1]

    def _since_mark(self) -> list[Any]:
        found = []
        while (value := self._stack.pop()) is not _MARK:
            found.append(value)
        return found[::-1]

    def _name(self, module: Any, name: Any) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise ValueError("a name that is no text")
        module = forbidden.today(module)
        forbidden.check_named(module, name)
        self.push(self.globals.setdefault(f"{module}.{name}", Global(module, name)))

    def _call(self, callee: Any, args: Any) -> None:
        if not isinstance(args, tuple):
            raise ValueError("arguments that are no tuple")
        if isinstance(callee, Global):
            forbidden.check_called(callee.module, callee.name)
            if callee.full == "_codecs.encode" and len(args) == 2 and args[1] in ("latin1", "latin-1"):
                self.push(args[0].encode("latin1"))  # how protocols 0 to 2 write bytes
                return
            if callee.full == "copyreg._reconstructor" and args:  # how protocols 0 and 1 write objects
                callee, args = args[0], ()
                self._call(callee, args)
                return
        made = Call(callee, args)
        self.calls.append(made)
        self.push(made)

    def _append(self, values: list[Any]) -> None:
        top = self._top()
        if isinstance(top, list):
            top.extend(values)
        elif isinstance(top, Call):
            top.items.extend(values)
        else:
            raise ValueError("appended to what is no list")

    def _set(self, flat: list[Any]) -> None:
        top = self._top()
        if len(flat) % 2 or not isinstance(top, Pairs | Call):
            raise ValueError("set in what is no dict")
        keys = flat[::2]
        self.odd_keys = self.odd_keys or not all(isinstance(key, _PLAIN_KEYS) for key in keys)
        top.pairs.extend(zip(keys, flat[1::2], strict=True))

    def _build(self, state: Any) -> None:
        top = self._top()
        if isinstance(top, Call):
            top.state = state
        elif not isinstance(top, Pairs | Persistent):
            raise ValueError("a state for what has none")

    def _persist(self, pid: Any) -> None:
        self.persistent.append(Persistent(pid))
        self.push(self.persistent[-1])

    def _long(self, count: int) -> None:
        raw = self.take(count)
        self.push(int.from_bytes(raw, "little", signed=True) if count <= _LONGEST_INT else None)

    def _remember(self, index: int) -> None:
        self._memo[index] = self._top()

    def _pop_top(self) -> None:
        self._stack.pop()


def _extension(machine: Machine) -> None:
    raise FileRefused("Refused: this file names classes by numbers of a registry that only its own program has. "
                      "Save `model.state_dict()` with torch.save and upload that.")


def _outside(machine: Machine) -> None:
    raise FileUnreadable("This pickle keeps its data outside of the file. Save it without out-of-band buffers.")


def _integer(m: Machine) -> None:
    raw = m.line()
    m.push({b"00": False, b"01": True}[raw] if raw in (b"00", b"01") else int(raw))


def _text(m: Machine, raw: bytes) -> None:
    m.push(str(raw, "utf-8", "surrogatepass"))


def _old_text(m: Machine, raw: bytes) -> None:
    try:
        m.push(raw.decode("utf-8"))
    except UnicodeDecodeError:
        m.push(raw)  # Python 2 wrote bytes as texts


def _quoted(m: Machine) -> None:
    raw = m.line().strip()
    if len(raw) < 2 or raw[:1] != raw[-1:] or raw[:1] not in (b"'", b'"'):
        raise ValueError("a text without quotes")
    _old_text(m, codecs.escape_decode(raw[1:-1])[0])  # type: ignore[attr-defined]


def _protocol(m: Machine) -> None:
    if m.unsigned(1) > pickle.HIGHEST_PROTOCOL:
        raise ValueError("an unknown protocol")


def _new(m: Machine) -> None:
    args = m._pop()
    m._call(m._pop(), args)


def _new_with_names(m: Machine) -> None:
    named, args, callee = m._pop(), m._pop(), m._pop()
    m._call(callee, (*args, named))


def _instance(m: Machine) -> None:
    module, name = m.line().decode(), m.line().decode()
    args = tuple(m._since_mark())
    m._name(module, name)
    m._call(m._pop(), args)


def _object(m: Machine) -> None:
    callee, *args = m._since_mark()
    m._call(callee, tuple(args))


def _stack_global(m: Machine) -> None:
    name = m._pop()
    m._name(m._pop(), name)


def _dict(m: Machine) -> None:
    flat = m._since_mark()
    m.push(Pairs())
    m._set(flat)


def _set_item(m: Machine) -> None:
    value, key = m._pop(), m._pop()
    m._set([key, value])


def _tuple_of(count: int) -> Callable[[Machine], None]:
    def make(m: Machine) -> None:
        parts = tuple(m._pop() for _ in range(count))
        m.push(parts[::-1])
    return make


_STOP = pickle.STOP[0]
_DO: dict[int, Callable[[Machine], Any]] = {code[0]: do for code, do in {
    pickle.PROTO: _protocol, pickle.FRAME: lambda m: m.take(8), pickle.MARK: lambda m: m.push(_MARK),
    pickle.POP: Machine._pop_top, pickle.POP_MARK: Machine._since_mark, pickle.DUP: lambda m: m.push(m._top()),
    pickle.NONE: lambda m: m.push(None), pickle.NEWTRUE: lambda m: m.push(True),
    pickle.NEWFALSE: lambda m: m.push(False), pickle.INT: _integer, pickle.LONG: lambda m: m.push(int(m.line()[:-1])),
    pickle.BININT: lambda m: m.push(int.from_bytes(m.take(4), "little", signed=True)),
    pickle.BININT1: lambda m: m.push(m.unsigned(1)), pickle.BININT2: lambda m: m.push(m.unsigned(2)),
    pickle.LONG1: lambda m: m._long(m.unsigned(1)), pickle.LONG4: lambda m: m._long(m.unsigned(4)),
    pickle.FLOAT: lambda m: m.push(float(m.line())),
    pickle.BINFLOAT: lambda m: m.push(struct.unpack(">d", m.take(8))[0]),
    pickle.STRING: _quoted, pickle.BINSTRING: lambda m: _old_text(m, m.take(m.unsigned(4))),
    pickle.SHORT_BINSTRING: lambda m: _old_text(m, m.take(m.unsigned(1))),
    pickle.UNICODE: lambda m: m.push(m.line().decode("raw-unicode-escape")),
    pickle.BINUNICODE: lambda m: _text(m, m.take(m.unsigned(4))),
    pickle.SHORT_BINUNICODE: lambda m: _text(m, m.take(m.unsigned(1))),
    pickle.BINUNICODE8: lambda m: _text(m, m.take(m.unsigned(8))),
    pickle.BINBYTES: lambda m: m.push(m.take(m.unsigned(4))),
    pickle.SHORT_BINBYTES: lambda m: m.push(m.take(m.unsigned(1))),
    pickle.BINBYTES8: lambda m: m.push(m.take(m.unsigned(8))),
    pickle.BYTEARRAY8: lambda m: m.push(m.take(m.unsigned(8))),
    pickle.EMPTY_LIST: lambda m: m.push([]), pickle.EMPTY_TUPLE: lambda m: m.push(()),
    pickle.EMPTY_DICT: lambda m: m.push(Pairs()), pickle.EMPTY_SET: lambda m: m.push([]),
    pickle.LIST: lambda m: m.push(m._since_mark()), pickle.TUPLE: lambda m: m.push(tuple(m._since_mark())),
    pickle.FROZENSET: lambda m: m.push(m._since_mark()),
    pickle.DICT: _dict,
    pickle.TUPLE1: _tuple_of(1), pickle.TUPLE2: _tuple_of(2), pickle.TUPLE3: _tuple_of(3),
    pickle.APPEND: lambda m: m._append([m._pop()]), pickle.APPENDS: lambda m: m._append(m._since_mark()),
    pickle.ADDITEMS: lambda m: m._append(m._since_mark()),
    pickle.SETITEM: _set_item, pickle.SETITEMS: lambda m: m._set(m._since_mark()),
    pickle.GLOBAL: lambda m: m._name(m.line().decode(), m.line().decode()), pickle.STACK_GLOBAL: _stack_global,
    pickle.REDUCE: _new, pickle.NEWOBJ: _new, pickle.NEWOBJ_EX: _new_with_names,
    pickle.INST: _instance, pickle.OBJ: _object, pickle.BUILD: lambda m: m._build(m._pop()),
    pickle.PERSID: lambda m: m._persist(m.line().decode()), pickle.BINPERSID: lambda m: m._persist(m._pop()),
    pickle.PUT: lambda m: m._remember(int(m.line())), pickle.BINPUT: lambda m: m._remember(m.unsigned(1)),
    pickle.LONG_BINPUT: lambda m: m._remember(m.unsigned(4)), pickle.MEMOIZE: lambda m: m._remember(len(m._memo)),
    pickle.GET: lambda m: m.push(m._memo[int(m.line())]), pickle.BINGET: lambda m: m.push(m._memo[m.unsigned(1)]),
    pickle.LONG_BINGET: lambda m: m.push(m._memo[m.unsigned(4)]),
    pickle.EXT1: _extension, pickle.EXT2: _extension, pickle.EXT4: _extension,
    pickle.NEXT_BUFFER: _outside, pickle.READONLY_BUFFER: _outside,
}.items()}
"""Instruction -> what it does."""

"""The instructions of a pickle, protocols 0 to 5 as in `pickletools`, and what each does to the inert machine."""

from __future__ import annotations

import codecs
import pickle
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lth_engine.core.errors import FileRefused, FileUnreadable
from lth_engine.importing.pickled import Pairs

if TYPE_CHECKING:
    from lth_engine.importing.inert import Machine


def _extension(m: Machine) -> None:
    raise FileRefused("Refused: this file names classes by numbers of a registry that only its own program has. "
                      "Save `model.state_dict()` with torch.save and upload that.")


def _outside(m: Machine) -> None:
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
    args = m.pop()
    m.call(m.pop(), args)


def _new_with_names(m: Machine) -> None:
    named, args, callee = m.pop(), m.pop(), m.pop()
    m.call(callee, (*args, named))


def _instance(m: Machine) -> None:
    module, name = m.line().decode(), m.line().decode()
    args = tuple(m.since_mark())
    m.name(module, name)
    m.call(m.pop(), args)


def _object(m: Machine) -> None:
    callee, *args = m.since_mark()
    m.call(callee, tuple(args))


def _stack_global(m: Machine) -> None:
    name = m.pop()
    m.name(m.pop(), name)


def _dict(m: Machine) -> None:
    flat = m.since_mark()
    m.push(Pairs())
    m.set_pairs(flat)


def _set_item(m: Machine) -> None:
    value, key = m.pop(), m.pop()
    m.set_pairs([key, value])


def _tuple_of(count: int) -> Callable[[Machine], None]:
    def make(m: Machine) -> None:
        parts = tuple(m.pop() for _ in range(count))
        m.push(parts[::-1])
    return make


STOP = pickle.STOP[0]
DO: dict[int, Callable[[Machine], Any]] = {code[0]: do for code, do in {
    pickle.PROTO: _protocol, pickle.FRAME: lambda m: m.take(8), pickle.MARK: lambda m: m.mark(),
    pickle.POP: lambda m: m.drop(), pickle.POP_MARK: lambda m: m.since_mark(), pickle.DUP: lambda m: m.push(m.top()),
    pickle.NONE: lambda m: m.push(None), pickle.NEWTRUE: lambda m: m.push(True),
    pickle.NEWFALSE: lambda m: m.push(False), pickle.INT: _integer, pickle.LONG: lambda m: m.push(int(m.line()[:-1])),
    pickle.BININT: lambda m: m.push(int.from_bytes(m.take(4), "little", signed=True)),
    pickle.BININT1: lambda m: m.push(m.unsigned(1)), pickle.BININT2: lambda m: m.push(m.unsigned(2)),
    pickle.LONG1: lambda m: m.long(m.unsigned(1)), pickle.LONG4: lambda m: m.long(m.unsigned(4)),
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
    pickle.LIST: lambda m: m.push(m.since_mark()), pickle.TUPLE: lambda m: m.push(tuple(m.since_mark())),
    pickle.FROZENSET: lambda m: m.push(m.since_mark()),
    pickle.DICT: _dict,
    pickle.TUPLE1: _tuple_of(1), pickle.TUPLE2: _tuple_of(2), pickle.TUPLE3: _tuple_of(3),
    pickle.APPEND: lambda m: m.append([m.pop()]), pickle.APPENDS: lambda m: m.append(m.since_mark()),
    pickle.ADDITEMS: lambda m: m.append(m.since_mark()),
    pickle.SETITEM: _set_item, pickle.SETITEMS: lambda m: m.set_pairs(m.since_mark()),
    pickle.GLOBAL: lambda m: m.name(m.line().decode(), m.line().decode()), pickle.STACK_GLOBAL: _stack_global,
    pickle.REDUCE: _new, pickle.NEWOBJ: _new, pickle.NEWOBJ_EX: _new_with_names,
    pickle.INST: _instance, pickle.OBJ: _object, pickle.BUILD: lambda m: m.build(m.pop()),
    pickle.PERSID: lambda m: m.persist(m.line().decode()), pickle.BINPERSID: lambda m: m.persist(m.pop()),
    pickle.PUT: lambda m: m.remember(int(m.line())), pickle.BINPUT: lambda m: m.remember(m.unsigned(1)),
    pickle.LONG_BINPUT: lambda m: m.remember(m.unsigned(4)), pickle.MEMOIZE: lambda m: m.remember(m.remembered()),
    pickle.GET: lambda m: m.push(m.recall(int(m.line()))), pickle.BINGET: lambda m: m.push(m.recall(m.unsigned(1))),
    pickle.LONG_BINGET: lambda m: m.push(m.recall(m.unsigned(4))),
    pickle.EXT1: _extension, pickle.EXT2: _extension, pickle.EXT4: _extension,
    pickle.NEXT_BUFFER: _outside, pickle.READONLY_BUFFER: _outside,
}.items()}
"""Instruction -> what it does."""

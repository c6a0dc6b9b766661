"""How long a file of torch.save was, told from its beginning: for files that were cut short.

The pickle comes first and names every storage with its type and length; the storages follow in order, each aligned to
64 bytes. The pickle is only listed (pickletools), never run.
"""

from __future__ import annotations

import io
import itertools
import pickletools
import struct
from typing import Any, BinaryIO

_LOCAL = struct.Struct("<4s5H3L2H")
PICKLE_BYTES = 1_000_000
"""Bytes of a pickle that are listed."""

STEPS = 60_000
"""Instructions of a pickle that are listed, some 50 ms: about 2,000 tensors."""

ALIGNED, DESCRIPTOR, ENTRY = 64, 16, 46
"""Alignment of a storage; bytes behind its data, and of its entry in the directory, beside the name."""

TAIL = 400
"""What else follows the storages, about: two small members and the end of the directory."""

EACH = {"Double": 8, "Long": 8, "ComplexFloat": 8, "ComplexDouble": 16, "Float": 4, "Int": 4, "Half": 2, "BFloat16": 2,
        "Short": 2, "Char": 1, "Byte": 1, "Bool": 1, "Untyped": 1}
"""Bytes of a value by the name of its storage's class, less "Storage"."""

_MEMO_IN = ("BINPUT", "LONG_BINPUT", "PUT")
_MEMO_OUT = ("BINGET", "LONG_BINGET", "GET")


def whole_length(file: BinaryIO, total: int) -> int | None:
    """Bytes that the file had, within some tens; None where it does not begin as torch.save writes.

    Args:
        file: read by position.
        total: bytes that are there.
    """
    file.seek(0)
    head = file.read(_LOCAL.size)
    if len(head) < _LOCAL.size:
        return None
    name_length, extra_length = _LOCAL.unpack(head)[-2:]
    name = file.read(name_length)
    if not name.endswith(b"/data.pkl"):
        return None
    start = _LOCAL.size + name_length + extra_length
    file.seek(start)
    said = file.read(PICKLE_BYTES)
    storages, end = _storages(said)
    if not end:
        return None
    folder = name_length - len("data.pkl")
    return _laid_out(start + end + DESCRIPTOR, folder, storages)


def _laid_out(at: int, folder: int, storages: dict[str, int]) -> int:
    """Where the file ends when storages of these lengths follow from `at` on."""
    at += 3 * ALIGNED + 2 * DESCRIPTOR  # .format_version, .storage_alignment, byteorder
    directory = 8 * (ENTRY + folder)
    for key, length in storages.items():
        name = folder + len("data/") + len(key)
        at = -(-(at + _LOCAL.size + name) // ALIGNED) * ALIGNED + length + DESCRIPTOR
        directory += ENTRY + name
    return at + directory + TAIL


def _storages(pickled: bytes) -> tuple[dict[str, int], int]:
    """Key -> bytes of every storage that a pickle names, and where the pickle ends (0 where it does not)."""
    memo: dict[Any, Any] = {}
    last: list[Any] = []
    found: dict[str, int] = {}
    try:
        for op, value, place in itertools.islice(pickletools.genops(io.BytesIO(pickled)), STEPS):
            if op.name == "STOP":
                return found, int(place or 0) + 1
            if op.name in _MEMO_IN:
                memo[value] = last[-1] if last else None
            elif op.name == "BINPERSID":
                _note(last[-5:], found)
            elif op.name in _MEMO_OUT:
                last.append(memo.get(value))
            elif value is not None:
                last.append(value)
            del last[:-8]
    except (ValueError, IndexError, OverflowError, MemoryError, DeprecationWarning):
        return found, 0  # the last of them of an odd escape in a name, where warnings are errors
    return found, 0


def _note(values: list[Any], found: dict[str, int]) -> None:
    """Take ("storage", "torch FloatStorage", key, location, length)."""
    if len(values) < 5 or values[0] != "storage" or not isinstance(values[4], int):
        return
    kind = str(values[1]).rsplit(" ", 1)[-1].removesuffix("Storage")
    if kind in EACH and isinstance(values[2], str) and 0 <= values[4] < 2**48:
        found[values[2]] = values[4] * EACH[kind]

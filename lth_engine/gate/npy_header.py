"""What the header of a .npy array declares, without numpy and without reading the array.

Layout: numpy.lib.format, versions 1.0 to 3.0.
"""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass

from lth_engine.core.errors import FileUnreadable

MAGIC = b"\x93NUMPY"
HEADER_BYTES = 10_000
"""Longest header that is read, as numpy's own limit (max_header_size)."""
LONGEST = 12 + HEADER_BYTES
"""Bytes from the beginning of a .npy that hold every header that is read."""

_DTYPE = re.compile(r"[<>|=]([bifuc])(1|2|4|8|16|32)")


@dataclass(frozen=True)
class Declared:
    """What a header says.

    Attributes:
        header: its own bytes.
        values: number of values.
        each: bytes of a value, or 0 where they are no plain numbers, and so of no size that is known here.
    """

    header: int
    values: int
    each: int

    @property
    def array(self) -> int:
        """Bytes of all values."""
        return self.values * self.each


def declared(head: bytes, what: str) -> Declared:
    """Read a header.

    Args:
        head: the first bytes of the .npy, up to `LONGEST`.
        what: the array in words, as "array `w`", for the error.

    Raises:
        FileUnreadable: there is no header, or none that numpy writes.
    """
    wide = 4 if head[6:7] in (b"\x02", b"\x03") else 2
    start = 8 + wide
    length = int.from_bytes(head[8:start], "little")
    if not head.startswith(MAGIC) or head[6:7] not in (b"\x01", b"\x02", b"\x03") or length > HEADER_BYTES \
            or len(head) < start + length:
        raise FileUnreadable(f"The file is damaged: {what} has no header of a NumPy array.")
    try:
        said = ast.literal_eval(head[start:start + length].decode("latin-1").strip())
        shape, dtype = said["shape"], said["descr"]
    except (ValueError, SyntaxError, TypeError, KeyError, RecursionError, MemoryError) as error:
        raise FileUnreadable(f"The file is damaged: the header of {what} cannot be read.") from error
    match = _DTYPE.fullmatch(dtype) if isinstance(dtype, str) else None
    if not isinstance(shape, tuple) or not all(type(n) is int and 0 <= n < 2**63 for n in shape) or len(shape) > 64:
        raise FileUnreadable(f"The file is damaged: {what} has no sound shape.")
    return Declared(start + length, math.prod(shape), int(match[2]) if match else 0)

"""What the header of a .npy array declares, without numpy and without reading the array.

Only headers as numpy writes them for plain numbers are understood, by one regular expression: this runs in the process
of the web pages. What is written otherwise is left to the reader in the child. Layout: numpy.lib.format, versions 1.0
to 3.0.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

MAGIC = b"\x93NUMPY"
LONGEST = 640
"""Bytes from the beginning of a .npy that are looked at; numpy's header of an array of eight axes has 200."""

_PLAIN = re.compile(rb"\{'descr': '[<>|=][bifuc](1|2|4|8|16|32)', 'fortran_order': (?:True|False), "
                    rb"'shape': \(([0-9, ]{0,400})\), \} *\n?")
_AXES = re.compile(rb"|\d{1,19},|\d{1,19}(?:, ?\d{1,19})+")


@dataclass(frozen=True)
class Declared:
    """What a header says.

    Attributes:
        header: its own bytes.
        values: number of values.
        each: bytes of a value.
    """

    header: int
    values: int
    each: int

    @property
    def array(self) -> int:
        """Bytes of all values."""
        return self.values * self.each


def declared(head: bytes) -> Declared | None:
    """Read a header; None where it is not that of plain numbers, or not as numpy writes it.

    Args:
        head: the first bytes of the .npy, up to `LONGEST`.
    """
    wide = 4 if head[6:7] in (b"\x02", b"\x03") else 2
    start = 8 + wide
    end = start + int.from_bytes(head[8:start], "little")
    if not head.startswith(MAGIC) or head[6:7] not in (b"\x01", b"\x02", b"\x03") or not start < end <= len(head):
        return None
    said = _PLAIN.fullmatch(head, start, end)
    if said is None or not _AXES.fullmatch(said[2]):
        return None
    return Declared(end, math.prod(int(n) for n in said[2].split(b",") if n.strip()), int(said[1]))

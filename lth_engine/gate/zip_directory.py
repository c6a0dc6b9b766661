"""The directory of a zip, read strictly and without unpacking anything.

A file that any two readers could understand differently (bytes before the archive, two directories, members that
overlap) is turned away. Layout: PKWARE's APPNOTE 6.3, sections 4.3.12 to 4.3.16 and 4.5.3.
"""

from __future__ import annotations

import struct
from typing import BinaryIO, NamedTuple

from lth_engine.core.errors import FileRefused, FileUnreadable
from lth_engine.core.sizes import part, size
from lth_engine.gate.torch_extent import whole_length

MEMBERS = 20_000
"""Members that are read at most (users-and-security 7.3)."""

DIRECTORY_BYTES = 16_000_000
"""Bytes of a directory at most: 20,000 members with 800 bytes of name and extras each."""

STORED, DEFLATED = 0, 8

_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_MOST16, _MOST32 = 0xFFFF, 0xFFFFFFFF

DAMAGED = "The file is damaged: its zip directory does not fit its contents. Copy or save it again."


class Member(NamedTuple):
    """One entry of the directory.

    Attributes:
        name: as stored; only to be compared and shown, never a path.
        method: 0 stored, 8 deflated.
        encrypted: whether it needs a password.
        packed, size: bytes in the file, bytes unpacked, as declared.
        start: where its local header is.
    """

    name: str
    method: int
    encrypted: bool
    packed: int
    size: int
    start: int


def members(file: BinaryIO, total: int) -> list[Member]:
    """All members in the order of the directory.

    Args:
        file: the zip; it is read by position.
        total: its size in bytes.

    Raises:
        FileRefused: it has too many members, or two that overlap or are called the same.
        FileUnreadable: it is damaged or cut short.
    """
    count, length, start = _end(file, total)
    if count > MEMBERS or length > DIRECTORY_BYTES:
        raise FileRefused(f"Refused: the zip has {count:,} members; at most {MEMBERS:,} are read. Save "
                          "the state dict of the network alone.")
    file.seek(start)
    found = _entries(file.read(length), count)
    _apart(found, start)
    return found


def _end(file: BinaryIO, total: int) -> tuple[int, int, int]:
    """Number of members, length and start of the directory."""
    tail_start = max(0, total - _END.size - _MOST16)
    file.seek(tail_start)
    tail = file.read(total - tail_start)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + _END.size > len(tail):
        raise FileUnreadable(_stops_early(file, total))
    _, disk, first_disk, here, count, length, start, comment = _END.unpack_from(tail, at)
    if disk or first_disk or here != count or at + _END.size + comment != len(tail):
        raise FileUnreadable(DAMAGED)
    end = tail_start + at
    located = end - _LOCATOR.size
    if located >= 0:
        file.seek(located)
        magic, _, end64, _ = _LOCATOR.unpack(file.read(_LOCATOR.size))
        if magic == b"PK\x06\x07":
            count, length, start = _end64(file, end64, located, (count, length, start))
            end = end64
    if start + length != end:
        raise FileUnreadable(DAMAGED)
    return count, length, start


def _end64(file: BinaryIO, at: int, located: int, short: tuple[int, int, int]) -> tuple[int, int, int]:
    if at + _END64.size > located:
        raise FileUnreadable(DAMAGED)
    file.seek(at)
    magic, more, _, _, disk, first_disk, here, count, length, start = _END64.unpack(file.read(_END64.size))
    agree = all(s in (v, most) for s, v, most in
                zip(short, (count, length, start), (_MOST16, _MOST32, _MOST32), strict=True))
    if magic != b"PK\x06\x06" or at + 12 + more != located or disk or first_disk or here != count or not agree:
        raise FileUnreadable(DAMAGED)
    return count, length, start


def _entries(directory: bytes, count: int) -> list[Member]:
    found: list[Member] = []
    at = 0
    for _ in range(count):
        if at + _ENTRY.size > len(directory):
            raise FileUnreadable(DAMAGED)
        (magic, _, _, flags, method, _, _, _, packed, size, name_length, extra_length, comment_length, disk, _, _,
         start) = _ENTRY.unpack_from(directory, at)
        name_end = at + _ENTRY.size + name_length
        extra_end = name_end + extra_length
        if magic != b"PK\x01\x02" or extra_end + comment_length > len(directory) or disk not in (0, _MOST16):
            raise FileUnreadable(DAMAGED)
        size, packed, start = _long(directory[name_end:extra_end], size, packed, start)
        name = directory[at + _ENTRY.size:name_end].decode("utf-8" if flags & 0x800 else "cp437", "replace")
        found.append(Member(name, method, bool(flags & 1), packed, size, start))
        at = extra_end + comment_length
    if at != len(directory):
        raise FileUnreadable(DAMAGED)
    return found


def _long(extra: bytes, *values: int) -> tuple[int, int, int]:
    """Size, packed size and start of a member, from the zip64 extra field where the short ones are full."""
    wanted = [i for i, value in enumerate(values) if value == _MOST32]
    whole = list(values)
    while wanted and len(extra) >= 4:
        kind, length = struct.unpack_from("<2H", extra)
        if kind == 1:
            if length < 8 * len(wanted) or len(extra) < 4 + length:
                raise FileUnreadable(DAMAGED)
            for i, value in zip(wanted, struct.unpack_from(f"<{len(wanted)}Q", extra, 4), strict=True):
                whole[i] = value
            break
        extra = extra[4 + length:]
    return whole[0], whole[1], whole[2]


def _apart(found: list[Member], end: int) -> None:
    """Members lie one after the other before the directory, each under its own name."""
    names = {member.name for member in found}
    if len(names) != len(found):
        raise FileRefused("Refused: two members of the zip have the same name, so readers could see different files; "
                          "save it again.")
    free = 0
    for member in sorted(found, key=lambda m: m.start):
        if member.start < free:
            raise FileRefused("Refused: members of the zip overlap, so it describes more than it holds; save it "
                              "again.")
        free = member.start + _LOCAL.size + member.packed
    if free > end:
        raise FileUnreadable(DAMAGED)


def data_start(file: BinaryIO, member: Member) -> int:
    """Where the bytes of a member begin, after its local header.

    Raises:
        FileUnreadable: there is no local header.
    """
    file.seek(member.start)
    head = file.read(_LOCAL.size)
    if len(head) < _LOCAL.size or head[:4] != b"PK\x03\x04":
        raise FileUnreadable(DAMAGED)
    name_length, extra_length = _LOCAL.unpack(head)[-2:]
    return member.start + _LOCAL.size + int(name_length) + int(extra_length)


def _stops_early(file: BinaryIO, total: int) -> str:
    """What is known of the whole from its beginning, when the directory at the end is missing."""
    whole = whole_length(file, total)
    if whole is not None and whole > total:
        return f"The file stops early ({part(total, whole)})."
    at = 0
    for _ in range(MEMBERS):
        file.seek(at)
        head = file.read(_LOCAL.size)
        if len(head) < _LOCAL.size or head[:4] != b"PK\x03\x04":
            break
        _, _, flags, _, _, _, _, packed, _, name_length, extra_length = _LOCAL.unpack(head)
        if flags & 8 or packed == _MOST32:
            break
        at += _LOCAL.size + name_length + extra_length + packed
    if at > total:
        return f"The file stops early ({part(total, at).replace(' of ', ' of at least ')})."
    return f"The file stops early (after {size(total)})."

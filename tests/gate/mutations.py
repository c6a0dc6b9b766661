"""Damaged and twisted files: flipped bytes, cuts, splices, and edits where the formats keep their numbers."""

from __future__ import annotations

import io
import random
import re
import struct
import zipfile
from collections.abc import Callable

Draw = random.Random

LARGE = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**40, 2**62, 2**63 - 1, 2**64 - 1)
"""Numbers that readers trip over."""

TOKENS = (b"[", b"]", b"{", b"}", b'"', b"\\", b"-1", b"1e999", b"NaN", b"\x00" * 8, b"\xff" * 8, b"PK\x03\x04",
          b"PK\x01\x02", b"PK\x05\x06", b"cos\nsystem\n", b"cposix\nsystem\n", b"\x8c\x02os\x8c\x06system\x93", b"R",
          b".", b"\x80\x02", b"data.pkl", b"../../x", b"F64", b"'|O'", b"'<f8'", b"TREE", b"SNOD", b"HEAP", b"OHDR",
          b"\x89HDF")


def flipped(data: bytes, draw: Draw) -> bytes:
    """Some bits of some bytes."""
    found = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 8, 40))):
        found[draw.randrange(len(found))] ^= 1 << draw.randrange(8)
    return bytes(found)


def cut(data: bytes, draw: Draw) -> bytes:
    """Less at the end, at the beginning, or in the middle."""
    start, end = sorted((draw.randrange(len(data) + 1), draw.randrange(len(data) + 1)))
    return draw.choice((data[:end], data[start:], data[:start] + data[end:]))


def spliced(data: bytes, draw: Draw) -> bytes:
    """A part of it put into another place."""
    start, end = sorted((draw.randrange(len(data) + 1), draw.randrange(len(data) + 1)))
    place = draw.randrange(len(data) + 1)
    return data[:place] + data[start:end] * draw.choice((1, 1, 2, 30)) + data[place:]


def numbered(data: bytes, draw: Draw) -> bytes:
    """A binary number set to one at the border of its range."""
    found, wide = bytearray(data), draw.choice((1, 2, 4, 8))
    place = draw.randrange(max(1, min(len(data), draw.choice((64, 512, len(data))))))
    found[place:place + wide] = struct.pack("<Q", draw.choice(LARGE))[:wide]
    return bytes(found)


def tokened(data: bytes, draw: Draw) -> bytes:
    """A word of one of the formats somewhere, over what was there or between."""
    token, place = draw.choice(TOKENS), draw.randrange(len(data) + 1)
    return data[:place] + token + data[place + draw.choice((0, len(token))):]


def digits(data: bytes, draw: Draw) -> bytes:
    """A number written in digits changed, as in the headers of safetensors and npy."""
    places = list(re.finditer(rb"\d+", data))
    if not places:
        return flipped(data, draw)
    found = draw.choice(places)
    return data[:found.start()] + str(draw.choice((*LARGE, -1))).encode() + data[found.end():]


def member(data: bytes, draw: Draw) -> bytes:
    """One member of a zip twisted, in an archive that is sound: the damage lies deeper."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = {info.filename: archive.read(info) for info in archive.infolist()}
    except Exception:
        parts = {}
    if not parts:
        return flipped(data, draw)
    name = draw.choice([n for n in parts if n.endswith(("data.pkl", ".npy"))] or list(parts))
    if parts[name]:
        parts[name] = draw.choice((flipped, cut, spliced, numbered, tokened, digits))(parts[name], draw)
    file = io.BytesIO()
    packing = draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with zipfile.ZipFile(file, "w", packing) as out:
        for name, part in parts.items():
            out.writestr(name, part)
    return file.getvalue()


MUTATIONS: tuple[Callable[[bytes, Draw], bytes], ...] = (
    flipped, cut, spliced, numbered, tokened, digits, member, member)
"""Ways to twist a file; zips are twisted inside twice as often."""


def mutated(data: bytes, seed: int) -> bytes:
    """A file twisted once to three times, the same for the same seed."""
    draw = random.Random(seed)
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        data = draw.choice(MUTATIONS)(data, draw) or b"\0"
        data = data[:200_000]
    return data

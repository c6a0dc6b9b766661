"""Stage 0: what a file is by its bytes, and whether it may go on to a child (users-and-security 7.3.1).

Nothing is unpacked and nothing is believed: sizes, names and headers are looked at, and the SHA-256 is taken. The
ending of the name does not matter.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lth_engine.core.errors import FileRefused, FileUnreadable
from lth_engine.core.sizes import size
from lth_engine.gate.binary_kinds import binary_kind

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

CAP = 200_000_000
"""Bytes of a file that is read at all, unless the caller says otherwise (users-and-security 7.3)."""

CHUNK = 1 << 18


@dataclass(frozen=True)
class Kind:
    """What a file is.

    Attributes:
        kind: "torch zip", "torch legacy", "safetensors", "npz", "npy", "hdf5" or "pickle".
        sha256: of all its bytes, in hexadecimal.
        bytes: its size.
    """

    kind: str
    sha256: str
    bytes: int


def sniff(path: Path, cap: int = CAP) -> Kind:
    """Look at a file.

    Args:
        path: a regular file; a link to one is followed.
        cap: bytes that are read at most.

    Raises:
        FileRefused: it is too large, breaks a rule, or is no set of weights.
        FileUnreadable: it is empty, damaged, cut short, or of no known kind.
    """
    with opened(path) as file:
        total = length(file, cap)
        return Kind(kind(file, total, cap), digest(file), total)


@contextmanager
def opened(path: Path, inside: str = "") -> Iterator[BinaryIO]:
    """A regular file, open for reading without a buffer; nothing waits for a pipe or a device.

    Args:
        path: the file.
        inside: a folder without links in its name; what was opened must really lie in it, wherever links lead by now.

    Raises:
        FileRefused: it is no regular file, or lies elsewhere.
        FileUnreadable: it is not there, or may not be read.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # asked first: opening a device may already do something
            raise FileRefused("Refused: this is a folder, a pipe or a device; bring a file.")
        number = os.open(path, flags)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name cannot be used"
        raise FileUnreadable(f"The file cannot be opened ({reason}).") from error
    with open(number, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise FileRefused("Refused: this is a folder, a pipe or a device; bring a file.")
        if inside and not _lies_in(number, inside):
            raise FileRefused("Refused: the folder was changed while it was read, and this file now lies outside of "
                              "it; bring the folder again when nothing writes into it.")
        yield file


def _lies_in(number: int, folder: str) -> bool:
    """Whether an open file lies in a folder, by the name that the system has for it."""
    if sys.platform == "darwin":
        real = os.fsdecode(fcntl.fcntl(number, fcntl.F_GETPATH, bytes(1024)).split(b"\0")[0])
    else:
        real = os.readlink(f"/proc/self/fd/{number}")
    return os.path.commonpath([folder, real]) == folder


def length(file: BinaryIO, cap: int) -> int:
    """Size of an open file in bytes.

    Raises:
        FileRefused: it is over the cap.
        FileUnreadable: it is empty.
    """
    total = os.fstat(file.fileno()).st_size
    if not total:
        raise FileUnreadable("The file is empty.")
    if total > cap:
        raise FileRefused(f"Refused: the file is {size(total)}; at most {size(cap)} are read. Save the state dict "
                          "of the network alone.")
    return total


def digest(file: BinaryIO) -> str:
    """SHA-256 of an open file, in hexadecimal; memory stays where it is."""
    found = hashlib.sha256()
    file.seek(0)
    while chunk := file.read(CHUNK):
        found.update(chunk)
    return found.hexdigest()


def kind(file: BinaryIO, total: int, cap: int = CAP) -> str:
    """Which kind an open file is, after all checks of its raw bytes.

    Raises:
        FileRefused: it breaks a rule, or is no set of weights.
        FileUnreadable: it is damaged, cut short, or of no known kind.
    """
    try:
        return binary_kind(file, total, cap)
    except OSError as error:
        raise FileUnreadable(f"The file cannot be read to its end ({error.strerror}).") from error

"""A file appears whole or not at all: written beside its place under a hidden name, then renamed.

The hidden name, .NAME.HOST.PID.RAND.tmp, says who is writing, so that what a killed process left
behind can be told from what a living one is about to finish.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lth_engine.core.errors import StoreError

FULL = (errno.ENOSPC, errno.EDQUOT)

_mine: set[Path] = set()
"""Temporary files that this process is writing now."""


def replace_file(path: Path, content: bytes | memoryview, *, durable: bool) -> None:
    """Put `content` at `path`, replacing what was there.

    With `durable` the file survives a power cut once this returns (fsync of file and folder).

    Raises:
        StoreError: the disk is full or cannot be written; `path` is as it was before.
    """
    with temporary(path, len(content)) as temp:
        with temp.open("xb") as raw:
            raw.write(content)
            raw.flush()
            if durable:
                os.fsync(raw.fileno())
        temp.replace(path)
        if durable:
            sync_folder(path.parent)


@contextmanager
def temporary(path: Path, size: int) -> Iterator[Path]:
    """A hidden name beside `path`; whatever is left under it is removed at the end.

    Raises:
        StoreError: instead of an OSError of the body; `size` is the number of bytes for its text.
    """
    temp = path.parent / f".{path.name}.{_host()}.{os.getpid()}.{secrets.token_hex(4)}.tmp"
    _mine.add(temp)
    try:
        yield temp
    except OSError as error:
        raise _sentence(path, size, error) from error
    finally:
        with suppress(OSError):  # if even that is refused, the next opening sweeps it
            temp.unlink(missing_ok=True)
        _mine.discard(temp)


def sync_folder(folder: Path) -> None:
    """Make renames and removals in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(folder: Path) -> int:
    """Remove what dead processes of this host left half-written; the number of files removed."""
    removed = 0
    for path in folder.glob(".*.tmp"):
        if _abandoned(path):
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def _host() -> str:
    return socket.gethostname().replace("/", "_")


def _abandoned(path: Path) -> bool:
    parts = path.name.rsplit(".", 3)
    if len(parts) != 4 or not parts[0].endswith(f".{_host()}") or not parts[1].isdigit():
        return False
    pid = int(parts[1])
    if pid == os.getpid():
        return path not in _mine
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _sentence(path: Path, size: int, error: OSError) -> StoreError:
    if error.errno in FULL:
        free = shutil.disk_usage(path.parent).free
        return StoreError(f"The disk is full: {path} needs {size:,} bytes and {free:,} are free. "
                          "Free some space, then resume; nothing that was stored is lost.")
    return StoreError(f"{path} could not be written ({error.strerror or error}). "
                      "Check the folder and its permissions, then resume.")

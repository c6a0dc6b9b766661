"""One process and one thread at a time: a kernel lock on a file, held for the length of a block.

A POSIX record lock vanishes with its process, so a killed holder frees it at once and no clock or
process number has to be trusted. It does not keep threads of one process apart (and closing any
handle of the file drops it), so threads take turns at a lock in memory first.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lth_engine.core.errors import StoreError

POLL_SECONDS = 0.1

_threads: dict[str, threading.Lock] = {}
_HELD = (errno.EACCES, errno.EAGAIN)


def nothing() -> None:
    """A poll that does nothing."""


@contextmanager
def claimed(path: Path, poll: Callable[[], None] = nothing, every: float = POLL_SECONDS) -> Iterator[None]:
    """Hold the lock file `path` for the block; `poll` is called each `every` seconds of waiting, and may raise.

    Not re-entrant: a thread that claims twice waits for itself.

    Raises:
        StoreError: the file system has no locks, or the lock file cannot be made.
    """
    lock = _threads.setdefault(os.path.realpath(path), threading.Lock())
    while not lock.acquire(timeout=every):
        poll()
    try:
        handle = _open(path)
        try:
            while not _try_lock(handle, path):
                poll()
                time.sleep(every)
            yield
        finally:
            os.close(handle)  # drops the kernel lock
    finally:
        lock.release()


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise StoreError(f"The lock file {path} could not be opened ({error.strerror}). "
                         "Check the folder and its permissions.") from error


def _try_lock(handle: int, path: Path) -> bool:
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            return False
        raise StoreError(f"{path} could not be locked ({error.strerror}). "
                         "Put the store on a file system with POSIX locks, best a local one.") from error
    return True

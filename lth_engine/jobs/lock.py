"""Who lives is asked of the kernel: a POSIX record lock held for life, gone with the process.

No heartbeat, clock or pid file: the lock ends with the process however it ends, its holder's pid is
the kernel's own, and children made by fork() do not inherit it. POSIX drops the lock when the
process closes *any* descriptor of the file, so a process never opens a lock file that it holds:
:func:`holder` looks into the table of locks held here first.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lth_engine.core.errors import StoreError

_held: dict[Path, tuple[int, int]] = {}
_guard = threading.Lock()

# struct flock: (format, position of l_type, position of l_pid)
_FLOCK = ("hhqqi4x", 0, 4) if sys.platform.startswith("linux") else ("qqihh", 3, 2)


class RecordLock:
    """An exclusive kernel lock on the file `path`, held until :meth:`release` or the process's end.

    Raises (from acquire and keep): StoreError if the file cannot be made or locked.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._descriptor: int | None = None

    def acquire(self, wait_seconds: float = 0.0) -> bool:
        """Take the lock, trying for `wait_seconds`; False if another process holds it."""
        deadline = time.monotonic() + wait_seconds
        while not self._try():
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        return True

    def release(self) -> None:
        """Give the lock back."""
        with _guard:
            if self._descriptor is not None:
                _held.pop(self.path, None)
                os.close(self._descriptor)
                self._descriptor = None

    def keep(self) -> bool:
        """Whether others still see the lock; takes it anew if its file was deleted meanwhile."""
        if self._descriptor is not None and _same_file(self._descriptor, self.path):
            return True
        self.release()
        return self.path.parent.is_dir() and self._try()

    def _try(self) -> bool:
        with _guard:
            if self._descriptor is not None:
                return True
            if _held_here(self.path):
                return False
            descriptor = _made(self.path)
            try:
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                os.close(descriptor)
                if isinstance(error, BlockingIOError | PermissionError):
                    return False
                raise refused(self.path, error) from error
            if not _same_file(descriptor, self.path):
                os.close(descriptor)
                return False
            self._descriptor = descriptor
            _held[self.path] = (os.getpid(), descriptor)
            return True


def holder(path: Path) -> int | None:
    """Process id of the lock's holder (0 if it runs in another pid namespace), or None.

    Raises:
        StoreError: the lock file cannot be opened.
    """
    path = path.absolute()
    with _guard:
        if _held_here(path):
            return os.getpid()
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise refused(path, error) from error
        try:
            return _ask_kernel(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """A short critical section among threads and processes (flock, so threads exclude each other too).

    Raises:
        StoreError: the file cannot be made or locked.
    """
    make_folder(path.parent)
    descriptor = _made(path)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            raise refused(path, error) from error
        yield
    finally:
        os.close(descriptor)


def make_folder(path: Path) -> None:
    """Make a folder of the store, with those above it, unless it is there.

    Raises:
        StoreError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refused(path, error) from error


def refused(path: Path, error: OSError) -> StoreError:
    """What the system refused about a file or folder of the store, in a sentence."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreError(f"The disk is full, so {path} cannot be written. Free some space.")
    for folder in (path, path.parent):
        if error.errno in (errno.ENOTDIR, errno.EEXIST) and folder.exists() and not folder.is_dir():
            return StoreError(f"{folder} must be a folder and is a file. Move it away and try again.")
    return StoreError(f"{path} cannot be used ({error.strerror or error}). Check its permissions and the disk.")


def _made(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise refused(path, error) from error


def _held_here(path: Path) -> bool:
    return _held.get(path, (0, 0))[0] == os.getpid()


def _same_file(descriptor: int, path: Path) -> bool:
    try:
        there = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    here = os.fstat(descriptor)
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)


def _ask_kernel(descriptor: int) -> int | None:
    layout, type_at, pid_at = _FLOCK
    fields = [0, 0, 0, 0, 0]
    fields[type_at] = fcntl.F_WRLCK
    answer = struct.unpack(layout, fcntl.fcntl(descriptor, fcntl.F_GETLK, struct.pack(layout, *fields)))
    return None if answer[type_at] == fcntl.F_UNLCK else int(answer[pid_at])

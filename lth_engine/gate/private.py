"""A visitor's private folder: mode 0700, random names, a quota, and deletion with the visit or by a timer."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
import tempfile
import threading
import time
import weakref
from collections.abc import Iterable
from pathlib import Path

from lth_engine.core.errors import FileRefused
from lth_engine.core.sizes import size
from lth_engine.gate.raw import CAP

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

PREFIX = "lottery-lab-"
QUOTA = 2_000_000_000
"""Bytes of one folder."""

STALE_SECONDS = 2 * 3600.0
"""A folder that nobody used for so long is emptied."""

SWEEP_SECONDS = 600.0

YOUNG_SECONDS = 60.0
"""A folder of another process is left alone for so long: it may be about to take its lock."""

_folders: weakref.WeakSet[Folder] = weakref.WeakSet()
_timer = threading.Lock()


class Folder:
    """One visitor's files; all go when it is closed, forgotten, or left alone for long.

    Args:
        root: where it is made; the system's folder of temporary files unless said.
        quota: bytes that it may hold.
    """

    def __init__(self, root: Path | None = None, quota: int = QUOTA) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))  # mkdtemp makes it 0700
        self.quota, self.used_at = quota, time.monotonic()
        self._lock = os.open(self.path / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
        if fcntl is not None:
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._end = weakref.finalize(self, _remove, self.path, self._lock, os.getpid())
        _folders.add(self)
        _start_timer()

    def new(self, ending: str = "") -> Path:
        """A path for a new file under a random name; `ending` is ours, never a visitor's."""
        self.used_at = time.monotonic()
        return self.path / (secrets.token_hex(16) + (f".{ending}" if ending else ""))

    def save(self, chunks: Iterable[bytes], cap: int = CAP) -> Path:
        """Write a file that comes in chunks.

        Raises:
            FileRefused: it is larger than the cap, or the quota is used up; nothing is left of it.
        """
        path, written, room = self.new(), 0, self.room()
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                for chunk in chunks:
                    written += len(chunk)
                    if written > cap:
                        raise FileRefused(f"Refused: the file is larger than {size(cap)}, the most that is read.")
                    if written > room:
                        raise FileRefused(f"Refused: your files would be more than {size(self.quota)} together; take "
                                          "one away first.")
                    file.write(chunk)
        except BaseException:
            self.delete(path)
            raise
        return path

    def new_folder(self) -> Path:
        """A new folder in it under a random name, for the clean copies of a directory."""
        path = self.new()
        path.mkdir(mode=0o700)
        return path

    def used(self) -> int:
        """Bytes of all files, those in folders of it too."""
        total = 0
        for inside, _, names in os.walk(self.path):
            for name in names:
                with contextlib.suppress(OSError):  # it may go meanwhile
                    total += os.lstat(os.path.join(inside, name)).st_size
        return total

    def room(self) -> int:
        """Bytes that are left of the quota."""
        return max(0, self.quota - self.used())

    def delete(self, path: Path) -> None:
        """Delete one of its files, or a folder of it with all that is in it; what is elsewhere stays."""
        path = Path(path)
        if path.parent != self.path:
            return
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """Delete it with all that is in it."""
        self._end()


def sweep(root: Path | None = None, stale: float = STALE_SECONDS) -> None:
    """Delete folders that nobody used for `stale` seconds, and those of processes that are gone."""
    now = time.monotonic()
    for folder in list(_folders):
        if now - folder.used_at > stale:
            folder.close()
    if fcntl is None:
        return
    for path in Path(root or tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            status = path.lstat()
            if stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() \
                    and time.time() - status.st_mtime > YOUNG_SECONDS:
                _remove_if_left(path)


def _remove_if_left(path: Path) -> None:
    """Delete a folder whose lock nobody holds."""
    lock = os.open(path / ".lock", os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return
    _remove(path, lock, os.getpid())


def _remove(path: Path, lock: int, owner: int) -> None:
    if os.getpid() == owner:  # a fork of the owner leaves it alone
        shutil.rmtree(path, ignore_errors=True)
    os.close(lock)


def _start_timer() -> None:
    """One thread that sweeps now and then, for as long as the process lives."""
    if _timer.acquire(blocking=False):
        threading.Thread(target=_keep_sweeping, name="sweep private folders", daemon=True).start()


def _keep_sweeping() -> None:
    while True:
        sweep()
        time.sleep(SWEEP_SECONDS)

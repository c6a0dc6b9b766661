"""The queue's SQLite file: opened for each operation, created when missing, set aside when damaged.

WAL with synchronous=FULL loses nothing in a power cut. Connections are short-lived, so that threads
share none, a deleted file is noticed at once, and the log is merged whenever nobody is looking
(which is what lets a read-only copy be read with immutable=1).
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from lth_engine.core.errors import NewerStore, ReadOnlyStore, StoreError
from lth_engine.jobs.lock import exclusive

T = TypeVar("T")

SCHEMA_VERSION = 1

TRIES = 4
"""Rounds of an operation on a file that is damaged or replaced meanwhile."""

_SCHEMA = """
CREATE TABLE job (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE, key TEXT NOT NULL, kind TEXT NOT NULL, spec TEXT NOT NULL,
    quick INTEGER NOT NULL, state TEXT NOT NULL, attempt INTEGER NOT NULL DEFAULT 0,
    submitted REAL NOT NULL, started REAL, ended REAL, error TEXT NOT NULL DEFAULT '', pid INTEGER,
    losses INTEGER NOT NULL DEFAULT 0, stored INTEGER NOT NULL DEFAULT 0,
    done REAL NOT NULL DEFAULT 0, total REAL NOT NULL DEFAULT 0, message TEXT NOT NULL DEFAULT '',
    images_per_second REAL NOT NULL DEFAULT 0, metrics TEXT NOT NULL DEFAULT '{}', eta_seconds REAL
);
CREATE UNIQUE INDEX one_live_job_a_key ON job (key) WHERE state IN ('queued', 'running', 'cancelling');
CREATE INDEX job_key ON job (key);
CREATE INDEX job_state ON job (state);
CREATE TABLE about (stamp INTEGER NOT NULL, notice TEXT NOT NULL);
CREATE TRIGGER job_added AFTER INSERT ON job BEGIN UPDATE about SET stamp = stamp + 1; END;
CREATE TRIGGER job_changed AFTER UPDATE ON job BEGIN UPDATE about SET stamp = stamp + 1; END;
CREATE TRIGGER job_removed AFTER DELETE ON job BEGIN UPDATE about SET stamp = stamp + 1; END;
"""

_SAFE = ("Nothing that is stored is affected, and a running job enters itself again; submit what was waiting once "
         "more: what is stored is not computed again.")


class Database:
    """STORE/queue.sqlite.

    Every method raises StoreError (or ReadOnlyStore, NewerStore) in words.
    """

    def __init__(self, store_root: Path) -> None:
        self.root = store_root.absolute()
        self.path = self.root / "queue.sqlite"
        self._files = (str(self.path), f"{self.path}-wal")

    @property
    def writable(self) -> bool:
        """Whether jobs can be submitted here."""
        there = next(p for p in (self.root, *self.root.parents) if p.exists())
        # Asked twice, because another process may be setting a damaged file aside just now.
        return os.access(there, os.W_OK) and (
            os.access(self.path, os.W_OK) or not self.path.exists() or os.access(self.path, os.W_OK))

    def read(self, action: Callable[[sqlite3.Connection], T]) -> T:
        """The result of `action` on a connection. Creates nothing: a missing file reads as an empty one."""
        if self.writable and self.path.exists():
            return self._repairing(action)
        try:
            with closing(self._connect_immutable()) as connection:
                return action(connection)
        except sqlite3.Error as error:
            raise StoreError(f"{self.path} cannot be read ({error}). The jobs are not shown; the store is.") from error

    def write(self, action: Callable[[sqlite3.Connection], T], *, make_folder: bool = False) -> T:
        """The result of `action` in one transaction that begins with the write lock.

        A store that was deleted is not made again by those who still worked on it: only with
        `make_folder` is a folder made.
        """
        if not make_folder and not self.root.is_dir():
            raise StoreError(f"The store {self.root} is gone, so none of its jobs can be changed.")
        if not self.writable:
            raise ReadOnlyStore(f"The store {self.root} cannot be written to, so no job can be added or changed. "
                                "Name a folder of your own with --store or LTH_STORE.")

        def transaction(connection: sqlite3.Connection) -> T:
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                return action(connection)
        return self._repairing(transaction)

    def signature(self) -> tuple[int, ...]:
        """Changes with every write, for a few microseconds; may also change without one."""
        found: list[int] = []
        for name in self._files:
            try:
                status = os.stat(name)
            except FileNotFoundError:
                continue
            if status.st_size:
                found += [status.st_ino, status.st_size, status.st_mtime_ns]
        return tuple(found)

    def _repairing(self, action: Callable[[sqlite3.Connection], T]) -> T:
        for left in reversed(range(TRIES)):
            inode = self._inode()
            try:
                with closing(self._connect()) as connection:
                    return action(connection)
            except sqlite3.Error as error:
                replaced = self._inode() != inode  # set aside by another while it was open here
                if not (left and (replaced or _damaged(error))):
                    raise StoreError(_in_words(self.path, error)) from error
            if not replaced:
                self._set_aside(inode)
        raise AssertionError("the last round returns or raises")

    def _connect(self) -> sqlite3.Connection:
        if not self.path.exists():
            self._create()
        connection = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        try:
            connection.row_factory = sqlite3.Row
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                self._create()
            elif version > SCHEMA_VERSION:
                raise NewerStore(f"{self.path} was written by a later version of the lab (schema {version}; this one "
                                 f"reads up to {SCHEMA_VERSION}). Update the lab.")
            connection.execute("PRAGMA synchronous = FULL")
        except BaseException:
            connection.close()
            raise
        return connection

    def _connect_immutable(self) -> sqlite3.Connection:
        if not self.path.exists():
            connection = sqlite3.connect(":memory:", isolation_level=None)
            connection.executescript(_SCHEMA)
            connection.execute("INSERT INTO about VALUES (0, ?)", (self._missing(),))
        else:
            connection = sqlite3.connect(f"{self.path.as_uri()}?immutable=1", uri=True, isolation_level=None)
        connection.row_factory = sqlite3.Row
        return connection

    def _create(self, notice: str = "") -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        with exclusive(self.root / "locks" / "queue"):
            self._create_locked(notice)

    def _create_locked(self, notice: str) -> None:
        with closing(sqlite3.connect(self.path, timeout=30, isolation_level=None)) as connection:
            if connection.execute("PRAGMA user_version").fetchone()[0]:
                return
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION};")
            connection.execute("INSERT INTO about VALUES (?, ?)", (time.time_ns(), notice or self._missing()))
            connection.execute("COMMIT")

    def _set_aside(self, inode: int | None) -> None:
        """Rename the damaged file, unless another process has just done so."""
        with exclusive(self.root / "locks" / "queue"):
            if inode is None or self._inode() != inode:
                return
            aside = f"{self.path.name}.corrupt-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}"
            for tail in ("", "-wal", "-shm"):
                name = self.path.with_name(self.path.name + tail)
                if name.exists():
                    name.rename(self.path.with_name(aside + tail))
            self._create_locked(f"The list of jobs was damaged; it was kept as {aside} and begun anew. {_SAFE}")

    def _missing(self) -> str:
        if not any(self.root.glob("logs/????????.log")):
            return ""
        return f"The list of jobs ({self.path.name}) was missing and was begun anew. {_SAFE}"

    def _inode(self) -> int | None:
        try:
            return self.path.stat().st_ino
        except FileNotFoundError:
            return None


def _damaged(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _in_words(path: Path, error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return f"The disk of {path.parent} is full, so the list of jobs cannot be changed. Free some space."
    if code == sqlite3.SQLITE_BUSY:
        return f"Another process held {path} for 30 seconds. Try again; if it stays, look for a process that hangs."
    return f"{path} cannot be used ({error}). Check the folder's permissions and its disk."

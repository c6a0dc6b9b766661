"""The index: one sqlite table that can be rebuilt from the files at any time.

The files are the truth. Whatever is wrong with the index (missing, damaged, of another version,
lacking a row) is put right from them; nothing is lost with it. A store that can only be looked at
has its index in memory.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Protocol, TypeVar

from lth_engine.core.errors import StoreError
from lth_engine.store.row import Row, Rows

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_Raw = tuple[str, str, str, str, float, float, int, str]

INDEX_VERSION = 1
PARSED_ROWS = 4096

_TABLE = """create table if not exists artifact (
    key text primary key, kind text, spec text, summary text, created real, seconds real, bytes integer, device text);
create index if not exists newest on artifact (created desc, key)"""
_COLUMNS = "key, kind, spec, summary, created, seconds, bytes, device"
_TEMPORARY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY,
              sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)


class Files(Protocol):
    """What the index is rebuilt from."""

    def stored_keys(self) -> set[str]:
        """Keys of the artifacts on the disk."""

    def load_row(self, key: str) -> Row | None:
        """The row of one artifact, read from its file; None if there is no readable one."""


class Index:
    """Rows by key. Threads take turns; processes are kept apart by sqlite.

    Args:
        path: the sqlite file.
        files: what it is rebuilt from.
        guard: makes a lock that keeps other processes from opening or rebuilding the index
            meanwhile; None for a store that can only be looked at.
    """

    def __init__(self, path: Path, files: Files, guard: Callable[[], AbstractContextManager[None]] | None) -> None:
        self._path, self._files, self._guard = path, files, guard
        self._turn = threading.RLock()
        self._open: sqlite3.Connection | None = None
        self._identity: tuple[int, int] = (0, 0)
        self._parsed: dict[str, tuple[_Raw, Row]] = {}
        self._in_memory = guard is None
        self._ask(lambda db: None)

    def rows(self, keys: Iterable[str]) -> dict[str, Row]:
        """The rows of those keys that are there: one query."""
        text = json.dumps(list(keys))
        query = f"select {_COLUMNS} from artifact where key in (select value from json_each(?))"
        return {row.key: row for row in self._ask(lambda db: self._rows(db.execute(query, (text,))))}

    def list(self, kind: str | None, limit: int | None) -> Rows:
        """Rows, newest first."""
        if self._in_memory:
            self._ask(self._synchronise)
        query = (f"select {_COLUMNS} from artifact where ?1 is null or kind = ?1 "
                 "order by created desc, key limit ?2")
        values = (kind, -1 if limit is None else limit)
        return self._ask(lambda db: self._rows(db.execute(query, values)))

    def add(self, rows: Iterable[Row]) -> None:
        """Insert or replace rows. A refusal is only logged: the row is read from its file later."""
        given = [_values(row) for row in rows]
        try:
            self._ask(lambda db: _insert(db, given))
        except StoreError as error:
            _log.warning("The index could not be updated: %s", error)

    def drop(self, key: str) -> None:
        """Remove a row, if it is there. A refusal is only logged."""
        try:
            self._ask(lambda db: _delete(db, [key]))
        except StoreError as error:
            _log.warning("The index could not be updated: %s", error)

    def rebuild(self) -> int:
        """Read every file anew; the number of rows."""
        with self._turn:
            self._close()
            self._connect(fresh=True)
            return self._ask(lambda db: int(db.execute("select count(*) from artifact").fetchone()[0]))

    def _rows(self, found: Iterable[_Raw]) -> Rows:
        """Rows with their JSON parsed; pages ask for the same ones every second, so they are kept."""
        rows = []
        for raw in found:
            kept = self._parsed.get(raw[0])
            if kept is None or kept[0] != raw:
                if len(self._parsed) >= PARSED_ROWS:
                    self._parsed.clear()
                kept = self._parsed[raw[0]] = raw, _row(raw)
            rows.append(kept[1])
        return rows

    def _ask(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Run `work`; if the index turns out to be damaged, rebuild it and run it once more."""
        with self._turn:
            for last in (False, True):
                try:
                    return work(self._current())
                except (sqlite3.Error, ValueError) as error:  # ValueError: a row's JSON
                    moved = not self._in_memory and self._identity != _identity(self._path)
                    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
                    if last or (code in _TEMPORARY and not moved):
                        raise StoreError(f"The index {self._path} could not be used ({error}). Try again; if it "
                                         "persists, remove it: it is rebuilt from the stored files.") from error
                    self._close()
                    if not moved:
                        _log.warning("The index %s is damaged (%s); rebuilding it.", self._path, error)
                        self._connect(fresh=True)
        raise AssertionError("unreachable")

    def _current(self) -> sqlite3.Connection:
        if self._open is not None and not self._in_memory and self._identity != _identity(self._path):
            self._close()  # removed or rebuilt by someone else, or this is a forked child
        return self._open or self._connect(fresh=False)

    def _connect(self, *, fresh: bool) -> sqlite3.Connection:
        db = self._connect_in_memory(fresh) if self._guard is None else self._connect_on_disk(self._guard, fresh)
        self._open = db
        return db

    def _connect_on_disk(self, guard: Callable[[], AbstractContextManager[None]], fresh: bool) -> sqlite3.Connection:
        with guard():
            try:
                if fresh:
                    self._remove()
                try:
                    db = _opened(self._path)
                except sqlite3.DatabaseError as error:
                    if getattr(error, "sqlite_errorcode", 0) & 0xFF in _TEMPORARY:
                        raise
                    self._remove()
                    db = _opened(self._path)
                self._synchronise(db)
                self._in_memory, self._identity = False, _identity(self._path)
            except (sqlite3.Error, OSError) as error:
                _log.warning("No index can be kept at %s (%s); using one in memory.", self._path, error)
                self._in_memory = True
                return self._connect_in_memory(fresh=True)
        return db

    def _connect_in_memory(self, fresh: bool) -> sqlite3.Connection:
        db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        if not fresh and self._path.exists():
            try:  # immutable: sqlite needs no lock and no file beside it, so a read-only folder will do
                address = f"{self._path.absolute().as_uri()}?mode=ro&immutable=1"
                with closing(sqlite3.connect(address, uri=True)) as source:
                    source.backup(db)
                if db.execute("pragma user_version").fetchone()[0] != INDEX_VERSION:
                    raise sqlite3.DatabaseError("other version")
            except sqlite3.Error as error:
                _log.info("The index %s is not usable for viewing (%s); reading the files.", self._path, error)
                db.close()
                return self._connect_in_memory(fresh=True)
        db.executescript(_TABLE)
        self._synchronise(db)
        return db

    def _synchronise(self, db: sqlite3.Connection) -> None:
        """Add the rows of files that have none, drop the rows of files that are gone."""
        indexed = {key for (key,) in db.execute("select key from artifact")}
        stored = self._files.stored_keys()
        _delete(db, indexed - stored)
        _insert(db, [_values(row) for row in map(self._files.load_row, stored - indexed) if row is not None])

    def _close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def _remove(self) -> None:
        for ending in ("-wal", "-shm", ""):
            Path(f"{self._path}{ending}").unlink(missing_ok=True)


def _opened(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=10, check_same_thread=False, isolation_level=None)
    try:
        db.execute("pragma journal_mode=wal")
        db.execute("pragma synchronous=normal")
        version = db.execute("pragma user_version").fetchone()[0]
        if version not in (0, INDEX_VERSION):
            raise sqlite3.DatabaseError(f"version {version}")
        db.executescript(_TABLE)
        db.execute(f"select {_COLUMNS} from artifact limit 1").fetchone()
        if version != INDEX_VERSION:
            db.execute(f"pragma user_version={INDEX_VERSION}")
    except BaseException:
        db.close()
        raise
    return db


def _insert(db: sqlite3.Connection, rows: list[tuple[object, ...]]) -> None:
    if rows:
        with _transaction(db):
            db.executemany(f"insert or replace into artifact ({_COLUMNS}) values (?,?,?,?,?,?,?,?)", rows)


def _delete(db: sqlite3.Connection, keys: Iterable[str]) -> None:
    gone = [(key,) for key in keys]
    if gone:
        with _transaction(db):
            db.executemany("delete from artifact where key = ?", gone)


class _transaction:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("begin immediate")

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if self._db.in_transaction:
            self._db.execute("commit" if kind is None else "rollback")


def _row(values: _Raw) -> Row:
    key, kind, spec, summary, created, seconds, size, device = values
    return Row(key, kind, json.loads(spec), json.loads(summary), created, seconds, size, device)


def _values(row: Row) -> tuple[object, ...]:
    return (row.key, row.kind, json.dumps(row.spec), json.dumps(row.summary), row.created, row.seconds, row.bytes,
            row.device)


def _identity(path: Path) -> tuple[int, int]:
    """Which file lies at a path, and which process asks."""
    try:
        return path.stat().st_ino, os.getpid()
    except FileNotFoundError:
        return 0, os.getpid()

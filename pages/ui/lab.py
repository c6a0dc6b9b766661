"""The lab that this server shows: which store, which data folder, and whether it can be used."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from pathlib import Path

from lth_engine.core.errors import LotteryError
from lth_engine.core.spec import Spec
from lth_engine.jobs.local import ensure_supervisor
from lth_engine.jobs.lock import RecordLock, holder
from lth_engine.jobs.queue import Job, Queue
from lth_engine.store.store import Store


@dataclass(frozen=True)
class Lab:
    """A store with its queue and data folder."""

    store: Store
    queue: Queue
    data_root: Path


def store_root() -> Path:
    """The store's folder: $LTH_STORE, or "lab" where the server was started."""
    return Path(os.environ.get("LTH_STORE") or "lab").absolute()


def data_root() -> Path:
    """The folder of data sets: $LTH_DATA, or "data" where the server was started."""
    return Path(os.environ.get("LTH_DATA") or "data").absolute()


def lab() -> Lab:
    """The open lab. Raises StoreError if its store cannot be read."""
    return _open(store_root(), data_root())


@functools.lru_cache(maxsize=4)
def _open(store: Path, data: Path) -> Lab:
    return Lab(Store(store), Queue(store), data)


def submit(question: Spec) -> Job:
    """Put a question on the queue and see to it that somebody works on it.

    Raises:
        LotteryError: the store cannot be written.
    """
    here = lab()
    job = here.queue.submit(question)
    ensure_supervisor(here.store.root, here.data_root)
    return job


def wake() -> None:
    """See to it that somebody works on the queue (after a resume)."""
    ensure_supervisor(lab().store.root, lab().data_root)


_server_locks: dict[Path, RecordLock] = {}


def start() -> None:
    """At the server's start: open the store, take the server lock, notice dead jobs.

    A store that cannot be used is no reason not to serve: the pages say what is wrong.
    """
    try:
        here = lab()
        if here.store.writable:
            lock = RecordLock(_lock_path())
            lock.acquire()
            _server_locks[here.store.root] = lock
            if here.queue.live():
                wake()
    except LotteryError:
        return


def other_server() -> int | None:
    """Process id of another server on this store (0 if it cannot be named), or None."""
    if not _lock_path().exists():
        return None
    pid = holder(_lock_path())
    return None if pid in (None, os.getpid()) else pid


def _lock_path() -> Path:
    return store_root() / "locks" / "server"

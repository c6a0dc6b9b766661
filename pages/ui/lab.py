"""The lab that this server shows: which store, which data folder, and whether it can be used."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from pathlib import Path

from lth_engine.core.errors import LotteryError
from lth_engine.core.spec import Spec
from lth_engine.jobs.local import ensure_supervisor
from lth_engine.jobs.queue import Job, Queue
from lth_engine.jobs.server import claim_server
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


def start() -> None:
    """At the server's start: open the store and notice the jobs whose workers died.

    A store that cannot be used is no reason not to serve: the pages say what is wrong.
    """
    try:
        here = lab()
        claim_server(here.store.root)
        if here.store.writable and here.queue.live():
            wake()
    except LotteryError:
        return


def second_server() -> str | None:
    """A sentence if another web server is on the same store."""
    return claim_server(store_root())

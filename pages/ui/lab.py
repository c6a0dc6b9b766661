"""The lab that this server shows: which store, which data folder, and whether it can be used."""

from __future__ import annotations

import functools
import logging
import os
import threading
from dataclasses import dataclass
from pathlib import Path

from lth_engine.core.errors import LotteryError, StoreError
from lth_engine.core.spec import Spec
from lth_engine.jobs.local import ensure_supervisor
from lth_engine.jobs.queue import Job, Queue
from lth_engine.jobs.server import claim_server
from lth_engine.specs.examples import FOLDER
from lth_engine.store.store import Store

_log = logging.getLogger(__name__)

first_page_drawn = threading.Event()
"""Set once a page has been drawn since the server's start."""


@dataclass(frozen=True)
class Lab:
    """A store with its queue and data folder; `folder` is which folder was opened, see :func:`_identity`."""

    store: Store
    queue: Queue
    data_root: Path
    folder: tuple[int, int] | None


def store_root() -> Path:
    """The store's folder: $LTH_STORE, or "lab" where the server was started."""
    return Path(os.environ.get("LTH_STORE") or "lab").absolute()


def data_root() -> Path:
    """The folder of data sets: $LTH_DATA, or "data" where the server was started."""
    return Path(os.environ.get("LTH_DATA") or "data").absolute()


def lab() -> Lab:
    """The open lab; opened anew if its folder was made anew meanwhile.

    Raises:
        LotteryError: the store cannot be read, or its folder was deleted while the server runs.
        OSError: the system refuses.
    """
    root, data = store_root(), data_root()
    here = _open(root, data)
    if _identity(root) == here.folder:
        return here
    if not root.is_dir():
        raise StoreError(f"The store {root} is gone; put the folder back, or restart the server to begin an empty "
                         "one.")
    _open.cache_clear()
    return _open(root, data)


@functools.lru_cache(maxsize=4)
def _open(store: Path, data: Path) -> Lab:
    return Lab(Store(store), Queue(store), data, _identity(store))


def _identity(store: Path) -> tuple[int, int] | None:
    """Which folder of artifacts lies there; None if there is none."""
    try:
        found = (store / "artifacts").stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


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
    """See to it that somebody works on the queue (while jobs are watched, and after a resume).

    Costs some ten microseconds while a supervisor lives.
    """
    ensure_supervisor(lab().store.root, lab().data_root)


def start() -> None:
    """At the server's start: open the store, note whether it is empty, and notice the jobs whose workers died.

    A store that cannot be used is no reason not to serve: the pages say what is wrong.
    """
    try:
        here = lab()
        claim_server(here.store.root)
        if here.store.writable and not here.store.stored_keys():
            _without_examples.add(here.store.root)
        if here.store.writable and here.queue.live():
            wake()
    except (LotteryError, OSError) as error:
        _log.warning("Serving nevertheless: %s", error)


def lay_examples() -> None:
    """Lay the examples into the store if it was empty at the server's start; does so once, and others wait for it."""
    with _laying:
        here = lab()
        if here.store.root in _without_examples:
            _without_examples.discard(here.store.root)
            here.store.adopt(sorted(FOLDER.glob("*.h5")))


_laying = threading.Lock()
_without_examples: set[Path] = set()
"""Stores that were empty when the server started."""


def second_server() -> str | None:
    """A sentence if another web server is on the same store."""
    return claim_server(store_root())

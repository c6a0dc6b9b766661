"""Notices a second web server on the same store; a kernel lock held by each for life says who."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from pathlib import Path

from lth_engine.jobs.database import Database
from lth_engine.jobs.lock import RecordLock, holder, make_folder

_claims: dict[Path, RecordLock] = {}
_guard = threading.Lock()


def claim_server(store_root: Path) -> str | None:
    """Claim a store for this web server's life. May be called from every session.

    Returns:
        None, or a sentence for the banner if another process serves the store.

    Raises:
        StoreError: the lock cannot be made.
    """
    path = Path(store_root).absolute() / "locks" / "server"
    if not Database(store_root).writable:
        return None
    with _guard:
        if path in _claims:
            return None
        make_folder(path.parent)
        lock = RecordLock(path)
        if lock.acquire():
            _claims[path] = lock
            with suppress(OSError):  # a word in the other server's banner, no more
                path.with_name("server-started").write_text(time.strftime("%Y-%m-%d %H:%M"))
            return None
    started = _started(path.with_name("server-started"))
    since = f", started {started}" if started else ""
    return (f"Another server (process {holder(path)}{since}) already serves this store; both show the same jobs and "
            "nothing is lost. Close one, or give this one another folder with LTH_STORE.")


def _started(path: Path) -> str:
    """When the other server started; empty if it could not write that down."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()[:16]
    except OSError:
        return ""

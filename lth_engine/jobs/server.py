"""Notices a second web server on the same store; a kernel lock held by each for life says who."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from lth_engine.jobs.database import Database
from lth_engine.jobs.lock import RecordLock, holder

_claims: dict[Path, RecordLock] = {}
_guard = threading.Lock()


def claim_server(store_root: Path) -> str | None:
    """Claim a store for this web server's life. May be called from every session.

    Returns:
        None, or a sentence for the banner if another process serves the store.
    """
    path = Path(store_root).absolute() / "locks" / "server"
    if not Database(store_root).writable:
        return None
    with _guard:
        if path in _claims:
            return None
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = RecordLock(path)
        if lock.acquire():
            path.with_name("server-started").write_text(time.strftime("%Y-%m-%d %H:%M"))
            _claims[path] = lock
            return None
    started = path.with_name("server-started")
    since = f", started {started.read_text()}" if started.exists() else ""
    return (f"Another server (process {holder(path)}{since}) already serves this store; both show the same jobs and "
            "nothing is lost. Close one, or give this one another folder with LTH_STORE.")

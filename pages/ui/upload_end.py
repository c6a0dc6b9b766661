"""The end of a visit: what a visitor brought is deleted once the browser has been gone for a while.

Streamlit frees a session that was left only when another one begins, so somebody else has to look.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable

from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from lth_engine.gate.private import Folder

AWAY = 60.0
"""Seconds that a browser may be gone (a reload, a lost connection) before its files are deleted."""

EVERY = 10.0
"""Seconds between two looks."""

_folders: dict[str, weakref.ref[Folder]] = {}
_gone: dict[str, float] = {}
_lock = threading.Lock()
_started = threading.Lock()


def watch(folder: Folder) -> None:
    """Delete a folder when the session that the page is drawn for ends."""
    context = get_script_run_ctx()
    if context is None or not runtime.exists():
        return
    with _lock:
        _folders[context.session_id] = weakref.ref(folder)
    if _started.acquire(blocking=False):
        threading.Thread(target=_keep_looking, name="ends of visits", daemon=True).start()


def _keep_looking() -> None:
    while True:
        time.sleep(EVERY)
        if runtime.exists():
            close_left(runtime.get_instance().is_active_session, time.monotonic())


def close_left(active: Callable[[str], bool], now: float) -> None:
    """Delete the folders of sessions that have not been active for :data:`AWAY` seconds.

    Args:
        active: whether a browser is connected to a session.
        now: seconds of a clock that only goes forward.
    """
    with _lock:
        for session, held in list(_folders.items()):
            folder = held()
            if folder is None or not folder.path.is_dir():
                del _folders[session]
                _gone.pop(session, None)
            elif active(session):
                folder.used_at = now
                _gone.pop(session, None)
            elif now - _gone.setdefault(session, now) >= AWAY:
                folder.close()
                del _folders[session], _gone[session]

"""A download that shows its progress, can be cancelled, and never hangs."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from lth_engine.data.raw import Report

CONNECT_SECONDS = 8.0
"""Longest silence of one connection."""
STALL_SECONDS = 20.0
"""Longest time without a new byte on the disk."""
_POLL_SECONDS = 0.2


class DownloadFailed(Exception):
    """A download ended without its files; the text says why."""


def watch(fetch: Callable[[], object], files: Sequence[Path], title: str, report: Report) -> None:
    """Run `fetch`, which downloads `files`, and report the megabytes that arrive.

    `fetch` runs in a daemon thread, so that a name server that does not answer cannot hold the
    caller; what it leaves half done is recognised by its checksum the next time.

    Raises:
        DownloadFailed: `fetch` failed, or nothing arrived for STALL_SECONDS.
    """
    failures: list[Exception] = []

    def run() -> None:
        try:
            fetch()
        except Exception as error:  # whatever the library raises, it is reported below
            failures.append(error)

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(CONNECT_SECONDS)
    try:
        thread = threading.Thread(target=run, name=f"download {title}", daemon=True)
        thread.start()
        _follow(thread, files, title, report)
    finally:
        socket.setdefaulttimeout(before)
    if failures:
        raise DownloadFailed(str(failures[0]) or type(failures[0]).__name__) from failures[0]


def _follow(thread: threading.Thread, files: Sequence[Path], title: str, report: Report) -> None:
    start = seen = _bytes(files)
    changed = time.monotonic()
    while thread.is_alive():
        thread.join(_POLL_SECONDS)
        size = _bytes(files)
        if size != seen:
            seen, changed = size, time.monotonic()
        elif time.monotonic() - changed > STALL_SECONDS:
            raise DownloadFailed(f"nothing arrived for {STALL_SECONDS:g} s")
        report(f"Fetching {title}: {(size - start) / 1e6:.1f} MB so far.")


def _bytes(files: Sequence[Path]) -> int:
    """Size of the files so far; one that is not there yet counts 0."""
    return sum(path.stat().st_size for path in files if path.exists())

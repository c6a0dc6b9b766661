"""The warm server that children are forked from: it loads torch and the entries once, and never opens a foreign file.

Started by :mod:`lth_engine.gate.server` with an environment of few variables and one end of a socket. A request comes
with open files; a fork answers it and ends. The server watches the clock, kills a child's whole process group when its
time is over or when nobody waits for it any more, kills what a child left behind, and ends with its parent.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lth_engine.gate import frames, landlock
from lth_engine.gate.inside import Entry, run

IDLE_SECONDS = 1800.0
"""Without a request for so long the server ends; the next request starts another."""

LOOK_SECONDS = 0.2
"""How often memory is looked at where the system cannot limit it."""

MOST_FILES = 32
"""Open files that come with a request."""

PR_SET_CHILD_SUBREAPER = 36
"""linux/prctl.h."""


@dataclass
class _Child:
    """A child that lives: the line to the one who asked, the end of its time, its memory, why it was killed."""

    line: socket.socket
    deadline: float
    memory: int
    why: str = ""


class Forks:
    """The loop of the server.

    Args:
        line: our end of the socket that requests come by.
        table: entries by name.
    """

    def __init__(self, line: socket.socket, table: Mapping[str, Entry]) -> None:
        self.line, self.table = line, table
        self.children: dict[int, _Child] = {}
        self.linux = sys.platform == "linux"
        self.libc = ctypes.CDLL(None) if self.linux else None
        self.pid = os.getpid()
        self.selector = selectors.DefaultSelector()
        self.selector.register(line, selectors.EVENT_READ)
        self.woken, waker = os.pipe()
        os.set_blocking(self.woken, False)
        os.set_blocking(waker, False)
        self.selector.register(self.woken, selectors.EVENT_READ)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        if self.libc is not None:
            self.libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def serve(self) -> None:
        """Answer until the parent is gone."""
        busy = time.monotonic()
        while True:
            for key, _ in self.selector.select(self._patience()):
                if key.fileobj is self.line:
                    busy = time.monotonic()
                    if not self._request():
                        return self._end()
                elif key.fd == self.woken:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self.woken, 4096)
                else:
                    self._kill(int(key.data), "unwanted")
            self._reap()
            self._watch()
            if not self.children and time.monotonic() - busy > IDLE_SECONDS:
                return self._end()

    def _patience(self) -> float:
        soonest = min((child.deadline for child in self.children.values()), default=float("inf")) - time.monotonic()
        return max(0.0, min(soonest, 60.0 if self.linux else LOOK_SECONDS))

    def _request(self) -> bool:
        """Take one request; False when the parent is gone."""
        try:
            found = frames.receive(self.line, MOST_FILES)
        except (frames.BadFrame, OSError):
            return False
        if found is None:
            return False
        request, descriptors = found
        line = socket.socket(fileno=descriptors[0])
        try:
            self._fork(request, line, descriptors[1:])
        except OSError as error:
            with contextlib.suppress(OSError):
                frames.send(line, {"ended": None, "why": f"fork: {error.strerror}"}, [])
            line.close()
        for number in descriptors[1:]:
            os.close(number)
        return True

    def _fork(self, request: dict[str, Any], line: socket.socket, descriptors: list[int]) -> None:
        pid = os.fork()
        if not pid:
            run(request, descriptors, self.table, self.pid, self.libc)
        limits = request["limits"]
        self.children[pid] = _Child(line, time.monotonic() + limits["seconds"], limits["memory"])
        line.setblocking(False)
        self.selector.register(line, selectors.EVENT_READ, pid)

    def _reap(self) -> None:
        """Kill what a child that ended left behind, and tell of its end."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            child = self.children.pop(pid, None)
            if child is not None:
                _kill_group(pid)
            self._sweep()
            if child is not None:
                self._tell(child, os.waitstatus_to_exitcode(status))

    def _tell(self, child: _Child, ended: int) -> None:
        with contextlib.suppress(KeyError):
            self.selector.unregister(child.line)
        with contextlib.suppress(OSError):
            frames.send(child.line, {"ended": ended, "why": child.why}, [])
        child.line.close()

    def _sweep(self) -> None:
        """Kill processes that a child forked and that left its group: orphans come to the server on Linux."""
        with contextlib.suppress(OSError), open(f"/proc/self/task/{self.pid}/children", "rb") as listed:
            for pid in map(int, listed.read().split()):
                if pid not in self.children:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)

    def _watch(self) -> None:
        now = time.monotonic()
        for pid, child in self.children.items():
            if now >= child.deadline and not child.why:
                self._kill(pid, "time")
            elif not self.linux and not child.why and _resident(pid) > child.memory + _resident(self.pid):
                self._kill(pid, "memory")

    def _kill(self, pid: int, why: str) -> None:
        child = self.children.get(pid)
        if child is None:
            return
        if not child.why:
            child.why = why
            child.deadline = float("inf")
        _kill_group(pid)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        if why == "unwanted":  # the line has ended, and would be ready for ever
            with contextlib.suppress(KeyError):
                self.selector.unregister(child.line)

    def _end(self) -> None:
        for pid in list(self.children):
            self._kill(pid, "the server ends")
        for pid in self.children:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
        self._sweep()


def _kill_group(pid: int) -> None:
    """Kill the group of a child; it has none before it called setsid, and none when all of it is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _resident(pid: int) -> int:
    """Resident bytes of a process by ps, for systems without a limit of address space."""
    said = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return int(said) * 1024 if said.strip().isdigit() else 0


def main(descriptor: int, table: str) -> None:
    """Entry of the server.

    Args:
        descriptor: our end of the socket.
        table: module that has the entries in `ENTRIES`, and in `WARM` what is to be done once before all forks.
    """
    line = socket.socket(fileno=descriptor)
    try:
        module = importlib.import_module(table)
        entries: Mapping[str, Entry] = module.ENTRIES
        getattr(module, "WARM", lambda: None)()
    except Exception as error:
        frames.send(line, {"failed": f"{type(error).__name__}: {error}"[:500]}, [])
        return
    gc.collect()
    gc.freeze()
    version = landlock.abi(ctypes.CDLL(None)) if sys.platform == "linux" else 0
    frames.send(line, {"ready": os.getpid(), "landlock": version}, [])
    Forks(line, entries).serve()


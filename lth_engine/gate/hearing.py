"""Hearing one child out: its messages, the bytes of its copy, and the word of the server on how it ended."""

from __future__ import annotations

import io
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lth_engine.core.errors import LotteryError
from lth_engine.gate import frames
from lth_engine.gate.limits import Limits

GRACE_SECONDS = 10.0
"""How long over a child's own time before the server itself is taken for stuck."""

DRAIN_SECONDS = 1.0
"""How long what a dead child left in its pipes may take."""

TICK_SECONDS = 0.5
"""How often the one who asked is given the chance to stop."""

CHUNK = 1 << 18
LONG_COPY = "long copy"

Copy = Callable[[bytes], object]
Heard = Callable[[dict[str, Any]], object]


class Stopped(LotteryError):
    """Whoever asked wants no answer any more: for `heard` to raise."""

    def __init__(self) -> None:
        super().__init__("Stopped: the file was not read to its end; bring it again if you want it read.")


class Gone(Exception):
    """The server died in the midst of a question."""


@dataclass(frozen=True)
class Ended:
    """How a child ended.

    Attributes:
        result: what the entry returned, or None.
        error: name of the error in core.errors that it raised, or "".
        text: its sentence.
        why: "" after a result or an error, else "memory", "time", "crash", "too much" (it said more than it may),
            "long copy" (it copied more than it may), "failed" (an exception that nobody foresaw) or "no child" (none
            could be forked).
        detail: for the log alone: exit status, or a traceback.
    """

    result: dict[str, Any] | None = None
    error: str = ""
    text: str = ""
    why: str = ""
    detail: str = ""


class Hearing:
    """One child, heard by the thread that asked.

    Args:
        status: line to the server; closing it kills the child.
        messages: the child's messages.
        bulk: the bytes of the clean copy, if one is wanted.
        limits: of the child.
        copy: takes the bytes of the copy.
        heard: takes what the child emits, and {} every half second; what it raises ends the child.
    """

    def __init__(self, status: socket.socket, messages: io.FileIO, bulk: io.FileIO | None, limits: Limits,
                 copy: Copy | None, heard: Heard | None) -> None:
        self.status, self.limits, self.copy, self.heard = status, limits, copy, heard
        self.messages, self.bulk = messages, bulk
        self.stream, self.room = frames.Stream(), limits.copy
        self.last: dict[str, Any] = {}
        self.bad = ""
        self.next_tick = time.monotonic() + TICK_SECONDS
        self.word: dict[str, Any] | None = None

    def ended(self) -> Ended:
        """Listen to the end.

        Raises:
            Gone: the server died.
            TimeoutError: the server does not end the child.
        """
        deadline = time.monotonic() + self.limits.seconds + GRACE_SECONDS
        with selectors.DefaultSelector() as selector:
            for source in (self.status, self.messages, self.bulk):
                if source is not None:
                    selector.register(source, selectors.EVENT_READ)
            while selector.get_map():
                ready = selector.select(max(0.0, min(TICK_SECONDS, deadline - time.monotonic())))
                self._tick()
                if not ready and time.monotonic() >= deadline:
                    if self.word is not None:
                        break  # a stranger holds the pipe of a child that has ended
                    raise TimeoutError
                for key, _ in ready:
                    if not self._hear(key.fileobj):
                        selector.unregister(key.fileobj)
                        if key.fileobj is self.status:
                            deadline = time.monotonic() + DRAIN_SECONDS
        return self._outcome()

    def _tick(self) -> None:
        if self.heard is not None and time.monotonic() >= self.next_tick:
            self.next_tick = time.monotonic() + TICK_SECONDS
            self.heard({})

    def _hear(self, source: Any) -> bool:
        """Take what came; False when nothing more will."""
        if source is self.status:
            try:
                found = frames.receive(self.status)
            except (OSError, frames.BadFrame) as error:
                raise Gone from error
            if found is None:
                raise Gone
            self.word = found[0]
            return False
        data = os.read(source.fileno(), CHUNK)
        if data and not self.bad:
            if source is self.bulk:
                self._copied(data)
            else:
                self._said(data)
        return bool(data)

    def _said(self, data: bytes) -> None:
        try:
            for message in self.stream.feed(data):
                if "emit" not in message:
                    self.last = message
                elif self.heard is not None and isinstance(message["emit"], dict):
                    self.heard(message["emit"])
        except frames.BadFrame as error:
            self._enough(str(error))

    def _copied(self, data: bytes) -> None:
        self.room -= len(data)
        if self.room < 0:
            self._enough(LONG_COPY)
        elif self.copy is not None:
            self.copy(data)

    def _enough(self, why: str) -> None:
        """Nothing more is believed of this child: the server kills it when our side of the line closes."""
        self.bad = why
        self.status.shutdown(socket.SHUT_WR)

    def _outcome(self) -> Ended:
        word = self.word or {}
        status, why = word.get("ended"), str(word.get("why", ""))
        detail = f"exit status {status} {why} {self.bad}".strip()
        if why.startswith("fork"):
            return Ended(why="no child", detail=detail)
        if self.bad:
            return Ended(why=LONG_COPY if self.bad == LONG_COPY else "too much", detail=detail)
        if why in ("time", "memory"):
            return Ended(why=why, detail=detail)
        if status == -signal.SIGXCPU:
            return Ended(why="time", detail=detail)
        if status == -signal.SIGKILL:  # by none of us: the system was out of memory
            return Ended(why="memory", detail=detail)
        return self._said_last(detail) if status == 0 else Ended(why="crash", detail=detail)

    def _said_last(self, detail: str) -> Ended:
        last = self.last
        if isinstance(last.get("result"), dict):
            return Ended(result=last["result"])
        if "error" in last:
            return Ended(error=str(last["error"]), text=str(last.get("text", "")))
        if last.get("stopped") == "memory":
            return Ended(why="memory", detail=detail)
        if "failed" in last:
            return Ended(why="failed", text=str(last["failed"])[:80], detail=str(last.get("trace", "")))
        return Ended(why="crash", detail=detail)

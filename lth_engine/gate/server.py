"""The parent's side: starts the server that children are forked from, sends it questions, and hears the children out.

Whatever a child does, a call ends with an :class:`Ended`: it never raises for what a file holds. A server that died is
started again. May be used from many threads.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lth_engine.core.errors import FileRefused, LotteryError
from lth_engine.gate import frames
from lth_engine.gate.hearing import TICK_SECONDS, Copy, Ended, Gone, Heard, Hearing
from lth_engine.gate.limits import Limits, clean_environment

log = logging.getLogger(__name__)

AT_ONCE = 2
"""Children that live at a time (users-and-security 7.3); the others wait."""

START_SECONDS = 60.0
"""How long the server may take to load torch: 4 s on an idle machine, 20 s from a cold disk."""

NO_ROOM = "The machine has no room for a process to read the file in ({}); close other programs and try again."

BOOT = ("import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
        "from lth_engine.gate.child import main; main(int(sys.argv[2]), sys.argv[3])")
"""Started with -I, Python takes nothing from the environment or the working folder; the path is said here."""

TABLE = "lth_engine.diagnosis.entries"
"""Module of the entries; only its name is known here."""


class Server:
    """A warm server of children, started when it is first needed.

    Args:
        table: module of the entries.
        at_once: children that live at a time.
    """

    def __init__(self, table: str = TABLE, at_once: int = AT_ONCE) -> None:
        self.table = table
        self._room = threading.BoundedSemaphore(at_once)
        self._questions = threading.BoundedSemaphore(max(1, at_once - 1))
        self._starting, self._sending = threading.Lock(), threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self._owner, self._told = os.getpid(), False

    @property
    def pid(self) -> int | None:
        """Process id of the server, None when none lives."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def warm(self) -> None:
        """Start the server, unless it lives; returns when torch is loaded.

        Raises:
            LotteryError: it does not start.
        """
        with self._starting:
            if self._owner != os.getpid():  # after a fork the line belongs to the other process
                self._process, self._line, self._owner = None, None, os.getpid()
            if self.pid is None:
                self._stop()
                self._start()

    def close(self) -> None:
        """End the server and all its children."""
        with self._starting:
            if self._owner == os.getpid():
                self._stop()

    def call(self, entry: str, files: Sequence[int], arguments: Mapping[str, Any], limits: Limits | None = None,
             copy: Copy | None = None, heard: Heard | None = None, *, question: bool = False) -> Ended:
        """Ask one question of a child.

        Args:
            entry: name in the table.
            files: open files, handed over as they are.
            arguments: plain JSON.
            limits: what the child may use.
            copy: takes the bytes of the clean copy as they come, and b"" when they begin anew.
            heard: takes what the child emits on its way, and {} every half second; what it raises ends the child.
            question: it is one of those that may take minutes, and leaves a place to others.

        Raises:
            LotteryError: the server does not start, or there is no room for a child.
            FileRefused: the arguments are too long.
            OSError: `copy` could not write.
        """
        with contextlib.ExitStack() as places:
            for place in (self._questions, self._room) if question else (self._room,):
                _wait(place, heard)
                places.callback(place.release)
            for _ in range(2):
                self.warm()
                process = self._process
                if copy is not None:
                    copy(b"")
                try:
                    return self._ask(entry, files, arguments, limits or Limits(), copy, heard)
                except (Gone, TimeoutError):
                    self._give_up(process)
        return Ended(why="crash", detail="the server died twice")

    def _start(self) -> None:
        if not hasattr(os, "fork") or not hasattr(socket, "send_fds"):
            raise LotteryError("Files are read in a process of their own with limits, which needs Linux or macOS.")
        root = str(Path(__file__).resolve().parents[2])
        places = [root, *(p for p in sys.path if p and p != root and os.path.isabs(p))]
        try:
            ours, theirs = socket.socketpair()
        except OSError as error:
            raise LotteryError(NO_ROOM.format(error.strerror)) from error
        command = [sys.executable, "-I", "-X", "utf8", "-c", BOOT, json.dumps(places), str(theirs.fileno()),
                   self.table]
        try:
            with theirs:
                process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
                    env=clean_environment(os.environ), pass_fds=[theirs.fileno()], start_new_session=True)
        except OSError as error:
            ours.close()
            raise LotteryError(f"The process that reads files cannot be started ({error.strerror}); close other "
                               "programs and try again.") from error
        self._process, self._line = process, ours
        said, why = self._first_word(ours)
        if "ready" not in said:
            process.kill()
            self._stop()
            raise LotteryError(f"The process that reads foreign files did not start ({said.get('failed', why)}). "
                               "Close other programs and try again; if it stays so, install the lab anew.")
        self._tell_lock(said.get("landlock"))

    def _tell_lock(self, version: object) -> None:
        """Log once what children are bound by beside their limits."""
        if self._told:
            return
        self._told = True
        if isinstance(version, int) and version:
            log.info("Foreign files are read under Landlock (version %d) and limits", version)
        else:
            log.warning("This system has no Landlock: foreign files are read under limits of time, memory and files "
                        "alone")

    @staticmethod
    def _first_word(line: socket.socket) -> tuple[dict[str, Any], str]:
        """What a server says when it has loaded all; else nothing, and why. It has `START_SECONDS` in all."""
        line.settimeout(START_SECONDS)
        try:
            found = frames.receive(line)
        except TimeoutError:
            return {}, f"within {START_SECONDS:g} s: the machine is busy, or its disk slow"
        except (OSError, frames.BadFrame) as error:
            return {}, f"it said nothing: {type(error).__name__}"
        finally:
            line.settimeout(None)
        return (found[0], "it said nothing") if found else ({}, "it ended at once")

    def _give_up(self, process: subprocess.Popen[bytes] | None) -> None:
        """Bury a server that died or is stuck, unless another thread has done so."""
        with self._starting:
            if process is not None and process is self._process:
                process.kill()
                self._stop()

    def _stop(self) -> None:
        if self._line is not None:
            self._line.close()
        if self._process is not None:
            try:
                self._process.wait(2)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = self._line = None

    def _ask(self, entry: str, files: Sequence[int], arguments: Mapping[str, Any], limits: Limits,
             copy: Copy | None, heard: Heard | None) -> Ended:
        request = {"entry": entry, "arguments": dict(arguments), "limits": limits.as_json(), "out": copy is not None}
        with contextlib.ExitStack() as stack:
            try:
                status, theirs = [stack.enter_context(end) for end in socket.socketpair()]
                messages, to_messages = _pipe(stack)
                bulk, to_bulk = _pipe(stack) if copy is not None else (None, None)
            except OSError as error:
                raise LotteryError(NO_ROOM.format(error.strerror)) from error
            given = [source for source in (theirs, to_messages, to_bulk) if source is not None]
            try:
                self._send(request, [source.fileno() for source in given] + list(files))
            finally:
                for source in given:
                    source.close()
            return Hearing(status, messages, bulk, limits, copy, heard).ended()

    def _send(self, request: dict[str, Any], descriptors: list[int]) -> None:
        with self._sending:
            if self._line is None:
                raise Gone
            try:
                frames.send(self._line, request, descriptors)
            except frames.TooLong as error:
                raise FileRefused("Refused: there are too many names, or too long ones, to be read; bring the folder "
                                  "of one experiment.") from error
            except OSError as error:
                raise Gone from error


def _wait(place: threading.Semaphore, heard: Heard | None) -> None:
    """Take a place when one is free; meanwhile the one who waits may raise."""
    while not place.acquire(timeout=TICK_SECONDS):
        if heard is not None:
            heard({})


def _pipe(stack: contextlib.ExitStack) -> tuple[io.FileIO, io.FileIO]:
    """A pipe whose ends close once, however often they are closed."""
    read, write = os.pipe()
    return stack.enter_context(io.FileIO(read, "r")), stack.enter_context(io.FileIO(write, "w"))

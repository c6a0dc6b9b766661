"""What happens in the forked child: it cuts itself off, binds itself, and answers one question."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from lth_engine.core.errors import LotteryError
from lth_engine.gate.frames import packed
from lth_engine.gate.landlock import lock
from lth_engine.gate.limits import Limits, apply

Entry = Callable[[list[Path], Mapping[str, Any], Callable[[dict[str, Any]], None], "BinaryIO | None"], dict[str, Any]]

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
"""linux/prctl.h."""

MOST_DESCRIPTORS = 2**20
"""Descriptors are closed up to this one; where the number of open files is not limited, the system's answer is -1."""

TRACE = 8000
"""Characters of a traceback that the parent may log."""


def run(request: Mapping[str, Any], descriptors: list[int], table: Mapping[str, Entry], server: int,
        libc: ctypes.CDLL | None) -> NoReturn:
    """Answer in this freshly forked process and end it.

    Args:
        request: "entry", "arguments", "limits", "out" (whether a clean copy is wanted).
        descriptors: where messages go, where the copy goes if it is wanted, the files.
        table: entries by name.
        server: process id of the one that forked.
        libc: for prctl, where it is Linux.
    """
    status = 1
    try:
        _cut_off(server, libc)
        frames, *files = _alone(descriptors)
        out = os.fdopen(files.pop(0), "wb", buffering=1 << 16, closefd=False) if request["out"] else None
        limits = Limits(**request["limits"])
        try:
            apply(limits)
            if libc is not None:
                lock(libc, files)
        except LotteryError as error:
            _write(frames, packed({"error": type(error).__name__, "text": str(error)}))
            os._exit(0)
        _write(frames, _answer(request, [_path(n) for n in files], table, out, frames))
        status = 0
    except BaseException:
        status = 1
    finally:
        os._exit(status)


def _cut_off(server: int, libc: ctypes.CDLL | None) -> None:
    """A session of its own, that ends with the server; no handlers, no more rights than now."""
    os.setsid()
    if libc is not None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != server:
        os._exit(1)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)


def _alone(descriptors: list[int]) -> list[int]:
    """Close all that is open but these and the null device at 0 to 2."""
    last = 2
    for number in sorted(descriptors):
        os.closerange(last + 1, number)
        last = number
    os.closerange(last + 1, MOST_DESCRIPTORS)
    return descriptors


def _path(number: int) -> Path:
    """An open file by a name that a library can open."""
    os.lseek(number, 0, os.SEEK_SET)  # where the name is the same open file, and not another of its own
    return Path(f"/proc/self/fd/{number}" if sys.platform == "linux" else f"/dev/fd/{number}")


def _answer(request: Mapping[str, Any], files: list[Path], table: Mapping[str, Entry], out: BinaryIO | None,
            frames: int) -> bytes:
    """The message that says how it ended."""
    def emit(message: dict[str, Any]) -> None:
        _write(frames, packed({"emit": message}))

    try:
        result = table[request["entry"]](files, request["arguments"], emit, out)
        if out is not None:
            out.flush()
        return packed({"result": result})
    except LotteryError as error:
        return packed({"error": type(error).__name__, "text": str(error)})
    except MemoryError:
        return packed({"stopped": "memory"})
    except BaseException as error:
        if "DefaultCPUAllocator" in str(error) or "bad_alloc" in str(error):  # torch has no MemoryError of its own
            return packed({"stopped": "memory"})
        return packed({"failed": type(error).__name__, "trace": traceback.format_exc()[-TRACE:]})


def _write(number: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(number, view):]

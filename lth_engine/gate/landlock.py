"""Landlock, Linux's own sandbox: from here on this process creates, changes, removes and starts nothing.

It reads nothing but Python, the libraries of the system, the lab itself and the files that it was given, so that
nothing else that its user may read can get into an answer. It also opens no TCP connection and signals nobody outside.
What the kernel does not know is left out; where it knows none of it, the limits of :mod:`lth_engine.gate.limits` stand
alone. Numbers: linux/landlock.h, and Landlock's documentation for user space.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Sequence
from pathlib import Path

from lth_engine.core.errors import LotteryError

CREATE, ADD, RESTRICT = 444, 445, 446
"""Numbers of the system calls, the same on all architectures."""

EXECUTE, WRITE, READ, LIST = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_AND_MAKE = sum(1 << n for n in range(4, 13))
"""Removing directories and files; making devices, directories, files, sockets, pipes and links."""
REFER, TRUNCATE = 1 << 13, 1 << 14
TCP = 0b11
"""Binding to and connecting to a port."""
SCOPES = 0b11
"""Abstract Unix sockets, and signals, of processes outside."""


FAILED = ("The process that reads files could not lock itself (Landlock), so nothing was read: start the lab outside "
          "of other sandboxes.")

BENEATH = 1
"""Kind of a rule: what is allowed below a folder, or for one file."""

READABLE = ("/usr", "/lib", "/lib64", "/bin", "/nix/store", "/proc/self", "/proc/cpuinfo", "/proc/meminfo",
            "/sys/devices/system", "/sys/fs/cgroup", "/dev/null", "/dev/urandom", "/etc/ld.so.cache", "/etc/localtime")
"""Beside Python and the lab: libraries, and what torch and the C library look up."""


def abi(libc: ctypes.CDLL) -> int:
    """Version of Landlock that the kernel speaks; 0 where it has none or it is off."""
    return max(0, int(libc.syscall(CREATE, None, ctypes.c_size_t(0), 1)))


def lock(libc: ctypes.CDLL, files: Sequence[int] = ()) -> bool:
    """Bind this process for good; it must have given up new privileges. False where the kernel has no Landlock.

    Args:
        libc: for the system calls.
        files: open files that it may open anew.

    Raises:
        LotteryError: the kernel has it, and does not do it.
    """
    version = abi(libc)
    if not version:
        return False
    handled = (EXECUTE | WRITE | READ | LIST | REMOVE_AND_MAKE | (REFER if version >= 2 else 0)
               | (TRUNCATE if version >= 3 else 0))
    attributes = struct.pack("<3Q", handled, TCP if version >= 4 else 0, SCOPES if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    rules = int(libc.syscall(CREATE, attributes, ctypes.c_size_t(size), 0))
    if rules < 0:
        raise LotteryError(FAILED)
    try:
        for place in readable():
            _allow(libc, rules, place)
        for number in files:
            _add(libc, rules, number, READ)
        if libc.syscall(RESTRICT, rules, 0):
            raise LotteryError(FAILED)
        return True
    finally:
        os.close(rules)


def readable() -> list[str]:
    """Files and folders that may be read: Python with its packages, this lab's code, the system's libraries."""
    python = {sys.prefix, sys.base_prefix, sys.exec_prefix, os.path.dirname(os.__file__)}
    python |= {p for p in sys.path if os.path.basename(p) in ("site-packages", "dist-packages", "lib-dynload")}
    python |= {str(p) for name, module in list(sys.modules.items()) if "." not in name
               for p in getattr(module, "__path__", ())}  # packages that lie elsewhere
    lab = Path(__file__).resolve().parents[1]
    return [*sorted(python), str(lab), str(lab.parent / "assets"), *READABLE]


def _allow(libc: ctypes.CDLL, rules: int, place: str) -> None:
    """Let a place be read; one that is not there needs no rule."""
    try:
        number = os.open(place, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        _add(libc, rules, number, READ | (LIST if stat.S_ISDIR(os.fstat(number).st_mode) else 0))
    finally:
        os.close(number)


def _add(libc: ctypes.CDLL, rules: int, number: int, access: int) -> None:
    """A rule; where the kernel does not take it, that place stays closed."""
    libc.syscall(ADD, rules, BENEATH, struct.pack("<Qi", access, number), 0)

"""Landlock, Linux's own sandbox: from here on this process creates, changes, removes and starts nothing.

It also opens no network connection and signals nobody outside. What the kernel does not know is left out; where it
knows none of it, the limits of :mod:`lth_engine.gate.limits` stand alone. Numbers: linux/landlock.h, and Landlock's
documentation for user space.
"""

from __future__ import annotations

import ctypes
import os
import struct

CREATE, RESTRICT = 444, 446
"""Numbers of the system calls, the same on all architectures."""

EXECUTE, WRITE = 1 << 0, 1 << 1
REMOVE_AND_MAKE = sum(1 << n for n in range(4, 13))
"""Removing directories and files; making devices, directories, files, sockets, pipes and links."""
REFER, TRUNCATE = 1 << 13, 1 << 14
TCP = 0b11
"""Binding to and connecting to a port."""
SCOPES = 0b11
"""Abstract Unix sockets, and signals, of processes outside."""


def abi(libc: ctypes.CDLL) -> int:
    """Version of Landlock that the kernel speaks; 0 where it has none or it is off."""
    return max(0, int(libc.syscall(CREATE, None, ctypes.c_size_t(0), 1)))


def lock(libc: ctypes.CDLL) -> bool:
    """Bind this process for good; it must have given up new privileges. False where the kernel cannot."""
    version = abi(libc)
    if not version:
        return False
    files = EXECUTE | WRITE | REMOVE_AND_MAKE | (REFER if version >= 2 else 0) | (TRUNCATE if version >= 3 else 0)
    attributes = struct.pack("<3Q", files, TCP if version >= 4 else 0, SCOPES if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    rules = int(libc.syscall(CREATE, attributes, ctypes.c_size_t(size), 0))
    if rules < 0:
        return False
    try:
        return int(libc.syscall(RESTRICT, rules, 0)) == 0
    finally:
        os.close(rules)

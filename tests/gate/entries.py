"""Entries that do what a child must not: for tests of its limits alone, by the name of this module."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from lth_engine.core.errors import BadInput, FileRefused
from lth_engine.gate.frames import packed

Entry = Callable[[list[Path], Mapping[str, Any], Callable[[dict[str, Any]], None], "BinaryIO | None"], dict[str, Any]]
ENTRIES: dict[str, Entry] = {}


def entry(function: Entry) -> Entry:
    """Put into the table."""
    ENTRIES[function.__name__] = function
    return function


@entry
def echo(files, arguments, emit, out):
    emit({"stage": "reading"})
    if out is not None:
        for path in files:
            out.write(path.read_bytes())
    return {"arguments": dict(arguments), "sizes": [path.stat().st_size for path in files], "pid": os.getpid(),
            "starts": [path.read_bytes()[:8].hex() for path in files]}


@entry
def inspect(files, arguments, emit, out):
    if arguments.get("refuse"):
        raise FileRefused(arguments["refuse"])
    return echo(files, arguments, emit, out) | dict(arguments) | arguments.get("lies", {})


@entry
def surroundings(files, arguments, emit, out):
    numbers = sorted(int(n) for n in os.listdir("/proc/self/fd"))
    targets = {n: os.readlink(f"/proc/self/fd/{n}") for n in numbers if os.path.exists(f"/proc/self/fd/{n}")}
    return {"environment": dict(os.environ), "open": {str(n): t for n, t in targets.items()}, "path": sys.path,
            "group": os.getpgid(0), "session": os.getsid(0), "pid": os.getpid(), "parent": os.getppid(),
            "core": resource.getrlimit(resource.RLIMIT_CORE), "files": resource.getrlimit(resource.RLIMIT_NOFILE),
            "cpu": resource.getrlimit(resource.RLIMIT_CPU), "size": resource.getrlimit(resource.RLIMIT_FSIZE),
            "flags": sys.flags.isolated, "privileges": ctypes.CDLL(None).prctl(39, 0, 0, 0, 0)}


@entry
def hog(files, arguments, emit, out):
    held = []
    while True:
        held.append(bytearray(50_000_000))


@entry
def torch_hog(files, arguments, emit, out):
    import torch

    return {"values": torch.zeros(25_000_000_000).numel()}


@entry
def spin(files, arguments, emit, out):
    while True:
        pass


@entry
def sleep(files, arguments, emit, out):
    time.sleep(arguments["seconds"])
    return {"slept": True}


@entry
def stubborn(files, arguments, emit, out):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGXCPU, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while True:
        pass


@entry
def fork(files, arguments, emit, out):
    """Leave a process in a session of its own, that holds every pipe open."""
    pid = os.fork()
    if not pid:
        os.setsid()
        time.sleep(600)
    return {"left": pid}


@entry
def write_file(files, arguments, emit, out):
    with open(arguments["path"], "wb") as file:
        file.write(b"written")
    return {"wrote": True}


@entry
def read_other(files, arguments, emit, out):
    said = {}
    for path in arguments["paths"]:
        try:
            said[path] = len(os.listdir(path)) if os.path.isdir(path) else len(os.pread(os.open(path, 0), 10, 0))
        except OSError as error:
            said[path] = error.strerror
    return {"said": said, "given": [path.read_bytes().decode() for path in files]}


@entry
def write_input(files, arguments, emit, out):
    for number in range(3, 16):
        try:
            os.write(number, b"overwritten")
        except OSError:
            continue
    return {}


@entry
def open_files(files, arguments, emit, out):
    held = []
    try:
        while len(held) < 1000:
            held.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        pass
    return {"count": len(held)}


@entry
def abort(files, arguments, emit, out):
    os.abort()


@entry
def segfault(files, arguments, emit, out):
    ctypes.string_at(8)
    return {}


@entry
def leave(files, arguments, emit, out):
    os._exit(0)


@entry
def garbage(files, arguments, emit, out):
    """Write bytes that are no message to wherever it can."""
    for number in range(3, 16):
        try:
            os.write(number, arguments["text"].encode("latin-1") * 100)
        except OSError:
            continue
    time.sleep(30)
    return {}


@entry
def huge(files, arguments, emit, out):
    return {"text": "x" * 40_000_000}


@entry
def chatter(files, arguments, emit, out):
    while True:
        emit({"text": "x" * 1_000_000})


@entry
def endless_copy(files, arguments, emit, out):
    while True:
        out.write(bytes(1 << 20))


@entry
def copy(files, arguments, emit, out):
    for _ in range(arguments["megabytes"]):
        out.write(bytes(1_000_000))
    return {"status": "read"}


@entry
def misshapen(files, arguments, emit, out):
    return {"layers": 5}


@entry
def odd_error(files, arguments, emit, out):
    """Say the name of something in core.errors that is no error."""
    message = packed({"error": "annotations", "text": "annotations"})
    for number in range(3, 16):
        try:
            os.write(number, message)
            os._exit(0)
        except OSError:
            continue


@entry
def too_many_values(files, arguments, emit, out):
    return {"values": [[]] * 1_500_000}


@entry
def too_large_a_number(files, arguments, emit, out):
    for number in range(3, 16):
        try:
            os.write(number, b'\0\0\0\x16{"result":{"a":1e999}}')
            os._exit(0)
        except OSError:
            continue


@entry
def recurse(files, arguments, emit, out):
    return recurse(files, arguments, emit, out)


@entry
def unknown(files, arguments, emit, out):
    return {}["no such key"]


@entry
def infinite(files, arguments, emit, out):
    return {"value": float("inf")}


@entry
def refuse(files, arguments, emit, out):
    raise FileRefused("Refused: it asks for something.")


@entry
def bad(files, arguments, emit, out):
    raise BadInput("There is no such layer.")


@entry
def wait(files, arguments, emit, out):
    """Say that it is here, and wait for what happens."""
    emit({"here": True})
    time.sleep(30)
    return {}


@entry
def signal_server(files, arguments, emit, out):
    try:
        os.kill(os.getppid(), signal.SIGUSR2)
    except PermissionError:
        return {"sent": False}
    return {"sent": True}


@entry
def connect(files, arguments, emit, out):
    try:
        socket.create_connection(("127.0.0.1", arguments["port"]), timeout=5).close()
    except PermissionError:
        return {"connected": False}
    return {"connected": True}


@entry
def start_program(files, arguments, emit, out):
    try:
        return {"status": subprocess.run(["true"], check=False).returncode}
    except OSError:
        return {"status": None}


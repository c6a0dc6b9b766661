"""Foreign files: seconds from file to card, what the parent grows by, and what a hostile file costs.

The file is a ResNet-50 of torchvision, 102 MB. Cold: the server of children is started for it; warm: it was there. The
cost of a hostile file is the processor time and the most memory of its child beyond that of the server.
"""

from __future__ import annotations

import os
import resource
import statistics
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torchvision

from lth_engine.gate import ask
from lth_engine.gate.raw import sniff
from lth_engine.gate.server import Server
from tests.hostile import CASES

ROUNDS = 5
GOALS = {"first file": 3.0, "second file": 1.0}
"""Seconds (issue: the card of a 100 MB checkpoint within 3 s, a second file within 1 s)."""


def main(rounds: int = ROUNDS) -> None:
    """Print one line a measurement."""
    print(f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "resnet50.pt"
        torch.save(torchvision.models.resnet50().state_dict(), path)
        one_file(path, folder, rounds)
        many_members(folder)
        hostile(folder)


def one_file(path: Path, folder: Path, rounds: int) -> None:
    """A file of 100 MB: stage 0, a first reading, later ones, with and without a clean copy."""
    server = Server()
    try:
        first, _ = timed(lambda: sniff(path))
        print(f"{'stage 0 with SHA-256':38} {first:7.3f} s")
        before = resident()
        cold, _ = timed(lambda: ask.inspect(path, path.name, folder / "clean", server=server))
        print(f"{'card and clean copy, server to start':38} {cold:7.3f} s")
        copied = [timed(lambda: ask.inspect(path, path.name, folder / "clean", server=server))[0]
                  for _ in range(rounds)]
        alone = [timed(lambda: ask.inspect(path, path.name, server=server))[0] for _ in range(rounds)]
        print(f"{'card and clean copy, server warm':38} {statistics.median(copied):7.3f} s  (goals {GOALS})")
        print(f"{'card alone, server warm':38} {statistics.median(alone):7.3f} s")
        print(f"{'the parent grew by':38} {(resident() - before) / 1e6:7.1f} MB")
        print(f"{'the server holds':38} {resident(server.pid) / 1e6:7.1f} MB")
    finally:
        server.close()


def many_members(folder: Path) -> None:
    """Stage 0, in the web process, of the largest npz that it lets through: processor time."""
    path = folder / "many.npz"
    said = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)" + b" " * 9_000 + b", }\n"
    member = b"\x93NUMPY\x01\x00" + len(said).to_bytes(2, "little") + said + bytes(4)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(19_000):
            archive.writestr(f"{number}.npy", member)
    began = time.thread_time()
    found = sniff(path)
    print(f"{'stage 0 of 19,000 long headers':38} {time.thread_time() - began:7.3f} s  ({found.bytes / 1e6:.1f} MB)")


def hostile(folder: Path) -> None:
    """Every hostile file: the slowest answers, and the largest children."""
    server = Server()
    costs: list[tuple[float, int, str, str]] = []
    try:
        server.warm()
        base = anonymous(server.pid or 0)
        for name, case in CASES.items():
            inside = folder / f"case{len(costs)}"
            inside.mkdir()
            path = case.make(inside, inside / "marker")
            with Largest(server) as largest:
                seconds, reading = timed(lambda path=path: ask.inspect(path, "x", path.parent / "c", server=server))
            costs.append((seconds, max(0, largest.bytes - base), name, reading.card["status"]))
    finally:
        server.close()
    print(f"{len(costs)} hostile files; the five slowest, then the five largest:")
    for key in (0, 1):
        for seconds, grown, name, status in sorted(costs, key=lambda cost: -cost[key])[:5]:
            print(f"  {name:36} {seconds:7.3f} s {grown / 1e6:8.1f} MB  {status}")


class Largest:
    """The most resident memory of any child of a server, looked at every few milliseconds."""

    def __init__(self, server: Server) -> None:
        self.bytes, self._server, self._stop = 0, server, threading.Event()

    def __enter__(self) -> Largest:
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        pid = self._server.pid
        while not self._stop.wait(0.003):
            for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
                self.bytes = max(self.bytes, anonymous(int(child)))


def resident(pid: int | None = None) -> int:
    """Resident bytes of a process; 0 when it is gone."""
    try:
        pages = Path(f"/proc/{pid or os.getpid()}/statm").read_text().split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * resource.getpagesize()


def anonymous(pid: int) -> int:
    """Resident bytes of a process that are no file's; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:")), 0)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and what came of it."""
    began = time.perf_counter()
    found = work()
    return time.perf_counter() - began, found

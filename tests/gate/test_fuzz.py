"""Twisted files of every kind through the whole gate: an answer each, the server lives on, and nothing is left."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lth_engine.gate import ask
from lth_engine.gate.private import Folder
from lth_engine.gate.server import Server
from tests.gate.mutations import mutated
from tests.gate.samples import SAMPLES

FEW, MANY = 16, 2_000
"""Files a sample: 160 every day, 20 000 in slow runs."""


def problem(card: dict[str, object], name: str, seed: int) -> str:
    """What is wrong with an answer, if anything."""
    reason = card["reason"]
    if not isinstance(reason, str) or card["status"] not in ("read", "refused", "unreadable"):
        return f"{name} {seed}: no answer"
    if (card["status"] == "read") == bool(reason):
        return f"{name} {seed}: {card['status']} because {reason!r}"
    if any(word in reason for word in ("\n", "Traceback", "weights_only", "File \"")) or len(reason) > 600:
        return f"{name} {seed}: {reason!r}"
    return "" if not reason or reason.endswith((".", ")", " ...")) else f"{name} {seed}: {reason!r} is no sentence"


def run(count: int, real_server: Server, folder: Path, first: int) -> tuple[list[str], dict[str, int]]:
    """Twist every sample `count` times and bring the files; problems, and how often each answer came."""
    private, lock = Folder(folder), threading.Lock()
    wholes = {name: make() for name, (_, make) in SAMPLES.items()}
    found: list[str] = []
    statuses: dict[str, int] = {}

    def one(job: tuple[str, int]) -> None:
        name, seed = job
        path, clean = private.save([mutated(wholes[name], seed)]), private.new("safetensors")
        reading = ask.inspect(path, name, clean, server=real_server)
        trouble = problem(reading.card, name, seed)
        if (reading.clean is not None) != (reading.card["status"] == "read"):
            trouble = trouble or f"{name} {seed}: clean copy and status do not agree"
        private.delete(path)
        private.delete(clean)
        with lock:
            statuses[str(reading.card["status"])] = statuses.get(str(reading.card["status"]), 0) + 1
            if trouble:
                found.append(trouble)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(one, [(name, first + seed) for seed in range(count) for name in wholes]))
    assert [entry for entry in os.listdir(private.path) if entry != ".lock"] == []
    private.close()
    return found, statuses


@pytest.mark.parametrize(("count", "first"), [(FEW, 0), pytest.param(MANY, 1_000, marks=pytest.mark.slow)])
def test_twisted_files(count: int, first: int, real_server: Server, tmp_path: Path) -> None:
    real_server.warm()
    pid = real_server.pid
    here, top = set(os.listdir(".")), set(os.listdir("/"))
    problems, statuses = run(count, real_server, tmp_path, first)
    assert not problems, problems[:10]
    assert sum(statuses.values()) == count * len(SAMPLES)
    assert statuses["read"] > 0
    assert statuses["refused"] + statuses["unreadable"] > count
    assert real_server.pid == pid
    assert set(os.listdir(".")) == here
    assert set(os.listdir("/")) == top
    assert os.listdir(tmp_path) == []
    assert Path(f"/proc/{pid}/task/{pid}/children").read_text() == ""

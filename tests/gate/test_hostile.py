"""Every row of users-and-security 7.2 through the whole gate: the right answer, in time, and nothing run or left."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from lth_engine.gate import ask
from lth_engine.gate.server import Server
from tests.hostile import CASES

LONG = {name for name, case in CASES.items() if case.slow or case.seconds > 5}


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in CASES])
def test_answered_as_the_requirements_say(name: str, real_server: Server, tmp_path: Path) -> None:
    case, marker, place = CASES[name], tmp_path / "marker", tmp_path / "clean.safetensors"
    path = case.make(tmp_path, marker)
    real_server.warm()
    pid, before, began = real_server.pid, sorted(os.listdir(tmp_path)), time.monotonic()
    reading = ask.inspect(path, path.name, place, server=real_server)
    assert time.monotonic() - began < 2 * case.seconds
    card = reading.card
    assert card["status"] == case.status, card["reason"]
    assert all(part in card["reason"] for part in case.words), card["reason"]
    assert bool(card["reason"]) == (case.status != "read")
    assert not any(word in card["reason"] for word in ("\n", "Traceback", "weights_only"))
    assert not marker.exists()
    assert sorted(os.listdir(tmp_path)) == sorted([*before, *([place.name] if case.status == "read" else [])])
    assert (reading.clean == place) == place.exists() == (case.status == "read")
    assert real_server.pid == pid

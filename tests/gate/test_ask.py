"""What a caller gets: cards that never raise, clean copies whole or not at all, errors with their sentences."""

from __future__ import annotations

import hashlib
import os
import resource
import threading
import time
from pathlib import Path

import pytest

from lth_engine.core.errors import BadInput, FileRefused, FileUnreadable, LotteryError
from lth_engine.gate import ask
from lth_engine.gate.limits import Limits
from lth_engine.gate.server import Server
from tests.gate.samples import SAMPLES


def sample(folder: Path, name: str = "zip.pt") -> Path:
    path = folder / name
    path.write_bytes(SAMPLES[name][1]())
    return path


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def test_what_we_know_ourselves_is_not_taken_from_the_child(server: Server, tmp_path: Path) -> None:
    path, place = sample(tmp_path), tmp_path / "clean"
    heard: list[dict[str, object]] = []
    reading = ask.inspect(path, "my\nfile.pt", place, server=server, heard=heard.append,
                          arguments={"epoch": 3, "lies": {"sha256": "lie", "bytes": -1, "name": "lie"}})
    assert reading.card["name"] == "my?file.pt"
    assert reading.card["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert reading.card["bytes"] == path.stat().st_size
    assert reading.card["kind"] == "torch zip"
    assert (reading.card["status"], reading.card["epoch"]) == ("read", 3)
    assert set(ask.EMPTY) <= set(reading.card)
    assert heard == [{"stage": "reading"}]
    assert reading.clean == place
    assert place.read_bytes() == path.read_bytes()
    assert reading.clean_sha256 == hashlib.sha256(place.read_bytes()).hexdigest()
    assert sorted(os.listdir(tmp_path)) == ["clean", "zip.pt"]


def test_a_reason_is_one_line_and_not_long(server: Server, tmp_path: Path) -> None:
    long = {"refuse": "It\nholds\0 " + "x" * 900}
    card = ask.inspect(sample(tmp_path), "a" * 900, server=server, arguments=long).card
    assert card["reason"].startswith("It?holds? xx")
    assert card["reason"].endswith("x ...")
    assert len(card["reason"]) == ask.REASON
    assert len(card["name"]) == ask.NAME


@pytest.mark.parametrize(("name", "status", "words"), [
    ("none.pt", "unreadable", "cannot be opened"), ("folder", "refused", "a folder, a pipe or a device"),
    ("empty.pt", "unreadable", "The file is empty."), ("long.pt", "refused", "at most 100 KB are read"),
    ("page.pt", "unreadable", "This is a web page.")])
def test_what_never_reaches_a_child(name: str, status: str, words: str, server: Server, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.pt").touch()
    (tmp_path / "long.pt").write_bytes(bytes(100_001))
    (tmp_path / "page.pt").write_bytes(b"<html>")
    reading = ask.inspect(tmp_path / name, name, tmp_path / "clean", cap=100_000, server=server)
    assert reading.card["status"] == status
    assert words in reading.card["reason"]
    assert reading.clean is None
    assert set(reading.card) == set(ask.EMPTY)
    assert server.pid is None
    assert not (tmp_path / "clean").exists()


@pytest.fixture
def instead(monkeypatch: pytest.MonkeyPatch, server: Server) -> object:
    """Another entry in place of "inspect"."""
    call = server.call
    return lambda entry: monkeypatch.setattr(server, "call", lambda _, *rest: call(entry, *rest))


@pytest.mark.parametrize(("entry", "status", "words"), [
    ("spin", "unreadable", "Reading stopped at the time limit (1 s)."),
    ("hog", "unreadable", "Reading stopped at the memory limit (100 MB)."),
    ("segfault", "unreadable", "The file is damaged: the process that read it crashed."),
    ("unknown", "unreadable", "The file could not be read: it is damaged"),
    ("huge", "unreadable", "more than it can hold"),
    ("endless_copy", "refused", "more than 1 MB together, the most that is read; save"),
    ("misshapen", "unreadable", "makes no sense"),
    ("odd_error", "unreadable", "annotations"),
    ("refuse", "refused", "Refused: it asks for something."),
])
def test_how_a_reading_can_end(entry: str, status: str, words: str, server: Server, instead: object,
                               tmp_path: Path) -> None:
    instead(entry)
    seconds, memory = (1 if entry == "spin" else 20), (100_000_000 if entry == "hog" else 10**9)
    limits = Limits(seconds, memory, copy=1_000_000)
    reading = ask.inspect(sample(tmp_path), "a.pt", tmp_path / "clean", server=server, limits=limits)
    assert reading.card["status"] == status
    assert words in reading.card["reason"]
    assert reading.clean is None
    assert os.listdir(tmp_path) == ["zip.pt"]


def test_the_parent_does_not_grow_with_the_copy(server: Server, instead: object, tmp_path: Path) -> None:
    instead("copy")
    path = sample(tmp_path)
    ask.inspect(path, "a.pt", tmp_path / "clean", server=server, arguments={"megabytes": 1})
    before = resident()
    reading = ask.inspect(path, "a.pt", tmp_path / "clean", server=server, arguments={"megabytes": 150})
    assert reading.clean is not None
    assert reading.clean.stat().st_size == 150_000_000
    assert resident() - before < 10_000_000


def test_a_copy_that_cannot_be_written(server: Server, tmp_path: Path) -> None:
    with pytest.raises(LotteryError, match="clean copy cannot be written"):
        ask.inspect(sample(tmp_path), "a.pt", tmp_path / "no such folder" / "clean", server=server)


def test_a_question_about_clean_copies(server: Server, tmp_path: Path) -> None:
    path = sample(tmp_path, "plain.safetensors")
    found = ask.ask("echo", [path, path], {"k": 3}, server=server)
    assert found["sizes"] == [path.stat().st_size] * 2
    with pytest.raises(BadInput, match="no such layer"):
        ask.ask("bad", [path], {}, server=server)
    with pytest.raises(FileRefused):
        ask.ask("refuse", [path], {}, server=server)
    with pytest.raises(FileUnreadable, match="cannot be opened"):
        ask.ask("echo", [tmp_path / "gone"], {}, server=server)
    with pytest.raises(FileUnreadable, match="crashed"):
        ask.ask("abort", [path], {}, server=server)


@pytest.mark.parametrize("field", [{"layers": [{"name": 3}]}, {"notes": "x"}, {"tensors": None}, {"density": "1"},
                                   {"architecture": {}}, {"findings": [None]}, {"classes": True}])
def test_a_card_of_another_shape(field: dict[str, object], server: Server, tmp_path: Path) -> None:
    card = ask.inspect(sample(tmp_path), "a.pt", server=server, arguments={"lies": field}).card
    assert card["status"] == "unreadable"
    assert "makes no sense" in card["reason"]
    assert set(card) == set(ask.EMPTY)


def test_a_clean_copy_has_the_room_that_is_left(server: Server, tmp_path: Path) -> None:
    path = sample(tmp_path)
    total = path.stat().st_size
    reading = ask.inspect(path, "a.pt", tmp_path / "clean", server=server, room=total - 1)
    assert reading.card["status"] == "refused"
    assert "take one away first" in reading.card["reason"]
    assert os.listdir(tmp_path) == ["zip.pt"]
    assert ask.inspect(path, "a.pt", tmp_path / "clean", server=server, room=total).clean is not None


def test_stopping_ends_the_child_and_frees_its_place(server: Server, instead: object, tmp_path: Path) -> None:
    instead("wait")
    began, calls = time.monotonic(), []

    def stop(said: dict[str, object]) -> None:
        calls.append(said)
        if not said:  # nothing comes from the child any more
            raise ask.Stopped

    server.warm()
    for _ in range(3):
        with pytest.raises(ask.Stopped):
            ask.inspect(sample(tmp_path), "a.pt", tmp_path / "clean", server=server, heard=stop)
    assert calls == [{"here": True}, {}] * 3
    assert time.monotonic() - began < 15
    assert os.listdir(tmp_path) == ["zip.pt"]
    assert server.call("wait", [], {}, Limits(seconds=1)).why == "time"  # a place is free


def test_who_waits_for_a_place_may_stop(tmp_path: Path) -> None:
    server = Server("tests.gate.entries", at_once=1)
    server.warm()
    slow = threading.Thread(target=server.call, args=("sleep", [], {"seconds": 2}))
    slow.start()
    time.sleep(0.2)

    def stop(_: object) -> None:
        raise ask.Stopped

    with pytest.raises(ask.Stopped):
        server.call("echo", [], {}, heard=stop)
    slow.join()
    assert server.call("echo", [], {}).result is not None
    server.close()


def test_questions_leave_a_place_for_files(server: Server, tmp_path: Path) -> None:
    server.warm()
    slow = [threading.Thread(target=ask.ask, args=("sleep", [], {"seconds": 1.5}), kwargs={"server": server})
            for _ in range(2)]
    began = time.monotonic()
    for thread in slow:
        thread.start()
    time.sleep(0.3)
    assert ask.inspect(sample(tmp_path), "a.pt", server=server).card["status"] == "read"
    assert time.monotonic() - began < 3
    for thread in slow:
        thread.join()
    assert time.monotonic() - began >= 3


def test_arguments_that_are_too_long_are_refused_and_the_server_lives(server: Server, tmp_path: Path) -> None:
    server.warm()
    pid = server.pid
    many = [f"{number:06}" + "x" * 210 for number in range(20_000)]
    with pytest.raises(FileRefused, match="bring the folder of one experiment"):
        server.call("echo", [], {"files": many})
    card = ask.inspect(sample(tmp_path), "a.pt", server=server, arguments={"files": many}).card
    assert (card["status"], server.pid) == ("refused", pid)


def test_ten_files_at_once(server: Server, tmp_path: Path) -> None:
    path = sample(tmp_path)
    cards: list[dict[str, object]] = []

    def read(number: int) -> None:
        cards.append(ask.inspect(path, f"{number}.pt", tmp_path / f"{number}.clean", server=server).card)

    threads = [threading.Thread(target=read, args=(n,)) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(card["name"] for card in cards) == [f"{n}.pt" for n in range(10)]
    assert {card["status"] for card in cards} == {"read"}
    assert all((tmp_path / f"{n}.clean").read_bytes() == path.read_bytes() for n in range(10))

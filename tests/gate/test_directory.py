"""Directories of other programs through the gate: nothing outside is opened, one bad file spoils no other."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lth_engine.core.errors import FileRefused
from lth_engine.gate import ask, listing, raw
from lth_engine.gate.listing import listed
from lth_engine.gate.server import Server
from tests.importing import peer_trees


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trees") / "lottery_0123"
    peer_trees.open_lth(folder, levels=3, replicates=2)
    return folder


def test_all_networks_of_a_directory(real_server: Server, tree: Path, tmp_path: Path) -> None:
    copies, clean = tmp_path / "copies", tmp_path / "clean.safetensors"
    copies.mkdir()
    heard: list[dict[str, object]] = []
    reading = ask.inspect_directory(tree, tree.name, clean, copies=copies, heard=heard.append, server=real_server)
    card = reading.card
    assert card["status"] == "read", card["reason"]
    assert card["name"] == "lottery_0123"
    assert card["directory"]["kind"] == "open_lth"
    members = card["directory"]["members"]
    cells = {(m["level"], m["replicate"]): m for m in members if m["branch"] == "main" and m["level"] >= 0}
    assert {level for level, _ in cells} >= {0, 1, 2}
    assert {replicate for _, replicate in cells} == {1, 2}
    densities = [cells[level, 1]["density"] for level in (0, 1, 2)]
    assert densities[0] == 1
    assert densities == sorted(densities, reverse=True)
    assert card["last"]["density"] == pytest.approx(cells[max(cells)[0], 1]["density"])
    assert {len(m["clean"]) for m in cells.values()} <= {2, 3, 4}
    named = {name for m in members for name in m["clean"].values()}
    assert {path.stem for path in copies.iterdir()} == named
    assert reading.clean_sha256 in named
    assert clean.exists()
    assert [said["done"] for said in heard if said] == list(range(len(members)))


def test_one_bad_file_spoils_no_other(real_server: Server, tree: Path) -> None:
    files = sorted(path for path in tree.rglob("*") if path.is_file() and path.suffix == ".pth")
    broken = next(path for path in files if "level_1" in str(path) and "mask" not in path.name)
    whole = broken.read_bytes()
    broken.write_bytes(b"<html>")
    try:
        card = ask.inspect_directory(tree, "x", server=real_server).card
    finally:
        broken.write_bytes(whole)
    assert card["status"] == "read"
    notes = [note for member in card["directory"]["members"] for note in member["notes"]]
    assert any("This is a web page." in note for note in notes)
    assert sum(member["density"] is not None for member in card["directory"]["members"]) >= 4


def test_the_copies_of_a_directory_have_the_room_that_is_left(real_server: Server, tree: Path,
                                                              tmp_path: Path) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    room = 2 * max(path.stat().st_size for path in tree.rglob("*.pth"))
    half = ask.inspect_directory(tree, "x", copies=copies, room=room, server=real_server).card
    assert half["status"] == "read"
    assert "take one away first" in half["directory"]["notes"][-1]
    assert 0 < sum(path.stat().st_size for path in copies.iterdir()) <= room
    none = ask.inspect_directory(tree, "x", copies=copies, room=10, server=real_server).card
    assert none["status"] == "unreadable"
    assert "take one away first" in none["reason"]


def test_stopping_between_networks_and_within_one(real_server: Server, tree: Path) -> None:
    for last in (3, 4):
        heard: list[object] = []

        def stop(said: object, heard: list[object] = heard, last: int = last) -> None:
            heard.append(said)
            if len(heard) == last:
                raise ask.Stopped

        with pytest.raises(ask.Stopped):
            ask.inspect_directory(tree, "x", heard=stop, server=real_server)
        assert len(heard) == last


def test_what_is_opened_lies_in_the_folder_whatever_became_of_it(tmp_path: Path) -> None:
    """A folder that was replaced by a link between the listing and the opening."""
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    (inside / "run").mkdir(parents=True)
    outside.mkdir()
    for folder in (inside / "run", outside):
        (folder / "a.pt").write_bytes(b"x")
    with raw.opened(inside / "run" / "a.pt", str(inside)) as file:
        assert file.read() == b"x"
    (inside / "run" / "a.pt").unlink()
    (inside / "run").rmdir()
    (inside / "run").symlink_to(outside)
    with pytest.raises(FileRefused, match="lies outside"), raw.opened(inside / "run" / "a.pt", str(inside)):
        pass


def test_a_file_that_goes_while_the_folder_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.pt", "b.pt"):
        (tmp_path / name).write_bytes(b"x")
    really = listing.within

    def within(root: str, name: str) -> Path | None:
        found = really(root, name)
        if name == "a.pt":
            (tmp_path / name).unlink()
        return found

    monkeypatch.setattr(listing, "within", within)
    assert listed(tmp_path) == {"b.pt": 1}


def test_a_folder_of_something_else(real_server: Server, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    card = ask.inspect_directory(tmp_path, "x", server=real_server).card
    assert card["status"] in ("refused", "unreadable")
    assert card["reason"]
    assert set(card) == set(ask.EMPTY)


def test_links_out_of_the_folder_are_passed_over(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (outside / "secret.pt").write_bytes(b"x")
    (inside / "a.pt").write_bytes(b"xyz")
    (inside / "b.pt").symlink_to("a.pt")
    (inside / "c.pt").symlink_to(outside / "secret.pt")
    (inside / "d").symlink_to(outside)
    (inside / "loop").symlink_to(inside)
    os.mkfifo(inside / "fifo")
    assert listed(inside) == {"a.pt": 3, "b.pt": 3}


def test_so_many_files_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "FILES", 5)
    deep = tmp_path / "deep"
    (deep / "/".join("abcdefghij"[:4])).mkdir(parents=True)
    assert listed(deep) == {}
    for number in range(6):
        (tmp_path / f"{number}.pt").touch()
    with pytest.raises(FileRefused, match="more than 5 files"):
        listed(tmp_path)

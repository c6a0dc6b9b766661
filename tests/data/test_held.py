"""Held photographs: the same pixels as in the files, kept once, whole or not at all, and only where they fit."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from lth_engine.core.errors import BadInput
from lth_engine.data import held
from lth_engine.data.held import Held, free_memory, hold
from lth_engine.data.image_set import load
from lth_engine.data.listed import Files
from lth_engine.data.raw import silent
from tests.data.formats import jpeg, place
from tests.data.layouts import COLOURS, WRITE

COUNT = 150
"""More than are decoded at a time."""


@pytest.fixture
def parts(tmp_path: Path) -> tuple[Files, Files]:
    """Two parts of photographs, no two alike."""
    place(tmp_path / "photographs", {f"{i}.jpg": jpeg((i, 2 * i % 256, 90), 20 + i % 7, 30 - i % 5)
                                     for i in range(COUNT)})
    names = [f"{i}.jpg" for i in range(COUNT)]
    return Files.of(tmp_path / "photographs", names[:100]), Files.of(tmp_path / "photographs", names[100:])


def stores(root: Path) -> list[Path]:
    return [path for path in (root / "cache").glob("*") if path.is_dir()]


def same(one: Files, other: Files) -> bool:
    return len(one) == len(other) and all(np.array_equal(one.pixels(i), other.pixels(i)) for i in range(len(one)))


def test_held_pixels_are_those_of_the_files(parts: tuple[Files, Files], tmp_path: Path) -> None:
    found = hold(parts, "birds", tmp_path, silent)
    assert all(isinstance(part, Held) for part in found)
    assert all(same(one, other) for one, other in zip(found, parts, strict=True))
    chosen = np.array([7, 3, 41])
    assert same(found[1].take(chosen), parts[1].take(chosen))
    assert same(pickle.loads(pickle.dumps(found[0])), parts[0]), "as a worker gets it"


def test_decoded_once(parts: tuple[Files, Files], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hold(parts, "birds", tmp_path, silent)
    monkeypatch.setattr("lth_engine.data.listed.decode", None)
    again = hold(parts, "birds", tmp_path, silent)
    assert again[0].pixels(0).shape == (30, 20, 3)
    assert len(stores(tmp_path)) == 1


def test_a_file_that_changed_is_decoded_anew(parts: tuple[Files, Files], tmp_path: Path) -> None:
    hold(parts, "birds", tmp_path, silent)
    parts[0].path(5).write_bytes(jpeg(COLOURS[0], 9, 8))
    found = hold(parts, "birds", tmp_path, silent)
    assert found[0].pixels(5).shape == (8, 9, 3)
    assert same(found[1], parts[1])


@pytest.mark.parametrize(("name", "damage"), [
    ("pixels.bin", "cut"), ("pixels.bin", "gone"), ("shapes.npy", "cut"), ("shapes.npy", "gone")])
def test_a_damaged_store_is_made_anew(
    parts: tuple[Files, Files], name: str, damage: str, tmp_path: Path,
) -> None:
    hold(parts, "birds", tmp_path, silent)
    path = stores(tmp_path)[0] / name
    content = path.read_bytes()
    path.unlink()
    if damage == "cut":
        path.write_bytes(content[:-7])
    held._mapped.cache_clear()  # as in another process
    assert same(hold(parts, "birds", tmp_path, silent)[1], parts[1])


def test_what_does_not_fit_stays_in_its_files(
    parts: tuple[Files, Files], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = sum(part.pixels(i).size for part in parts for i in range(len(part)))
    monkeypatch.setattr(held, "free_memory", lambda: 4 * whole - 4)
    assert hold(parts, "birds", tmp_path, silent) == parts
    assert not (tmp_path / "cache").exists()
    monkeypatch.setattr(held, "free_memory", lambda: 4 * whole + 4)
    assert isinstance(hold(parts, "birds", tmp_path, silent)[0], Held)


@pytest.mark.parametrize("name", ["cub200", "imagenet100"])
def test_holding_changes_no_number(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = WRITE[name](tmp_path, monkeypatch).spec
    one = load(spec, tmp_path)
    monkeypatch.setattr(held, "free_memory", lambda: 0)
    other = load(spec, tmp_path)
    for part in ("train", "validation", "test"):
        assert isinstance(getattr(one, part), Held)
        assert type(getattr(other, part)) is Files
        assert same(getattr(one, part), getattr(other, part))
        assert getattr(one, f"{part}_y").tolist() == getattr(other, f"{part}_y").tolist()


def test_a_damaged_photograph_leaves_nothing_half_done(parts: tuple[Files, Files], tmp_path: Path) -> None:
    parts[1].path(20).write_bytes(b"no image")
    with pytest.raises(BadInput, match=r"120\.jpg is not an image"):
        hold(parts, "birds", tmp_path, silent)
    assert stores(tmp_path) == []


def test_holding_reports_and_can_be_cancelled(
    parts: tuple[Files, Files], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(held, "_REPORT_SECONDS", 0)

    def report(text: str) -> None:
        assert text == "Decoding images: 0 of 150."
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hold(parts, "birds", tmp_path, report)
    assert stores(tmp_path) == []


def test_a_folder_that_cannot_be_written_still_gives_the_images(parts: tuple[Files, Files], tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")
    heard: list[str] = []
    assert hold(parts, "birds", tmp_path, heard.append) == parts
    assert "cannot be kept" in heard[0]


def test_free_memory_is_a_part_of_what_there_is() -> None:
    assert 0 < free_memory() <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")

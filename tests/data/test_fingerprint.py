"""fingerprint(): equal content, equal fingerprint."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from lth_engine.core.errors import BadInput
from lth_engine.core.fingerprint import fingerprint


def _tree(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_of_a_file_is_its_sha256(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(b"abc" * 1000)
    assert fingerprint(path) == hashlib.sha256(b"abc" * 1000).hexdigest()


def test_of_a_folder_does_not_depend_on_its_place_or_age(tmp_path: Path) -> None:
    files = {"b/1.png": b"1", "a/2.png": b"2"}
    one, two = _tree(tmp_path / "one", files), _tree(tmp_path / "two", dict(reversed(files.items())))
    os.utime(two / "a/2.png", (0, 0))
    assert fingerprint(one) == fingerprint(two)


@pytest.mark.parametrize("files", [
    {"a/1.png": b"1", "a/2.png": b"3"}, {"a/1.png": b"1", "b/2.png": b"2"}, {"a/1.png": b"1"},
    {"a/1.png": b"2", "a/2.png": b"1"}, {"a/1.png": b"12", "a/2.png": b""},
])
def test_any_change_of_content_name_or_number_changes_it(files: dict[str, bytes], tmp_path: Path) -> None:
    one = _tree(tmp_path / "one", {"a/1.png": b"1", "a/2.png": b"2"})
    assert fingerprint(_tree(tmp_path / "two", files)) != fingerprint(one)


def test_hidden_files_do_not_count(tmp_path: Path) -> None:
    folder = _tree(tmp_path / "one", {"a/1.png": b"1"})
    before = fingerprint(folder)
    left_about = (".DS_Store", "a/.hidden.png", ".git/a", "__MACOSX/a/1.png", "a/Thumbs.db")
    _tree(folder, dict.fromkeys(left_about, b"x"))
    assert fingerprint(folder) == before


def test_what_is_not_a_file_does_not_hold_it_up(tmp_path: Path) -> None:
    folder = _tree(tmp_path / "one", {"a/1.png": b"1"})
    before = fingerprint(folder)
    os.mkfifo(folder / "a/pipe")
    (folder / "a/loop").symlink_to(folder)
    assert fingerprint(folder) == before


def test_refusals_say_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.zip").touch()
    with pytest.raises(BadInput, match=r"path is empty: name the folder"):
        fingerprint(Path(""))
    with pytest.raises(BadInput, match=r"no folder or file .*missing: check own_images.path"):
        fingerprint(tmp_path / "missing")
    with pytest.raises(BadInput, match=r"holds no files: put one folder of images for each class"):
        fingerprint(tmp_path / "empty")
    with pytest.raises(BadInput, match=r"empty.zip is empty: name the folder"):
        fingerprint(tmp_path / "empty.zip")


@pytest.mark.parametrize("name", ["~nobody_has_this_name/x", "a\0b", "x" * 5000])
def test_a_name_that_is_no_path_is_told_in_words(name: str) -> None:
    with pytest.raises(BadInput, match=r"own_images\.path") as told:
        fingerprint(Path(name))
    assert len(str(told.value)) < 500

"""Clean copies are kept under the hash of their bytes, whole or not at all."""

from __future__ import annotations

import hashlib

import pytest

from lth_engine.core.clean_files import clean_path
from lth_engine.core.errors import BadInput, StoreError
from lth_engine.store.keeping import keep

BYTES = bytes(range(256)) * 9000


def test_a_copy_lies_under_its_hash(tmp_path) -> None:
    clean = tmp_path / "clean"
    clean.write_bytes(BYTES)
    found = keep(clean, tmp_path / "data")
    assert found == hashlib.sha256(BYTES).hexdigest() == keep(clean, tmp_path / "data", found)
    assert clean_path(tmp_path / "data", found).read_bytes() == BYTES
    assert [p.name for p in (tmp_path / "data" / "checkpoints").iterdir()] == [f"{found}.safetensors"]
    assert clean.exists()


def test_another_file_than_was_read_is_not_kept(tmp_path) -> None:
    clean = tmp_path / "clean"
    clean.write_bytes(BYTES)
    with pytest.raises(BadInput, match="has changed since"):
        keep(clean, tmp_path / "data", "0" * 64)
    assert not list((tmp_path / "data" / "checkpoints").iterdir())
    with pytest.raises(BadInput, match="is gone"):
        keep(tmp_path / "nothing", tmp_path / "data")


def test_a_folder_that_cannot_be_made_is_said(tmp_path) -> None:
    clean = tmp_path / "clean"
    clean.write_bytes(BYTES)
    (tmp_path / "data").write_text("a file")
    with pytest.raises(StoreError, match="cannot be made"):
        keep(clean, tmp_path / "data")


@pytest.mark.parametrize("name", ["", "x", "../" * 21 + "a", "A" * 64, "a" * 63, "a" * 64 + "\n"])
def test_no_other_name_becomes_a_path(name, tmp_path) -> None:
    with pytest.raises(BadInput, match="64 hex digits"):
        clean_path(tmp_path, name)

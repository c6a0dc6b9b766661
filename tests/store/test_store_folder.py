"""Opening folders of every kind, viewing only, and full disks."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from store_samples import answer, artifact_file, mounted, put, question, same

from lth_engine.core.artifact import Answer
from lth_engine.core.errors import BadInput, DamagedArtifact, NewerStore, ReadOnlyStore, StoreError
from lth_engine.store.store import Store


def snapshot(root: Path) -> dict[str, tuple[int, int]]:
    return {str(p): (p.stat().st_mtime_ns, p.stat().st_ino) for p in root.rglob("*")}


@pytest.fixture
def viewed(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store with three artifacts in a folder that pretends to be read-only."""
    for number in range(3):
        put(store, number, created=float(number))
    store.checkpoint(question().key).save({"w": answer().arrays["final/bias"]}, {"epoch": 2})
    monkeypatch.setattr("lth_engine.store.folder.can_write", lambda layout: False)
    return Store(store.root)


def check_every_read(viewed: Store, tmp_path: Path) -> None:
    keys = [question(n).key for n in range(3)]
    assert not viewed.writable
    assert viewed.has(keys) == set(keys)
    assert [row.key for row in viewed.list()] == keys[::-1]
    assert set(viewed.rows(keys)) == set(keys)
    assert viewed.get(keys[0]).summary == answer(0).summary
    assert len(viewed.read(keys[1], "history")) == 2
    viewed.verify(keys[2])
    assert viewed.reindex() == 3
    saved = viewed.checkpoint(keys[0]).load()
    assert saved is not None
    assert saved[1] == {"epoch": 2}
    viewed.export(keys, tmp_path / "bundle.h5")
    refused = [lambda: put(viewed), lambda: viewed.remove(keys[0]), lambda: viewed.claim(keys[0], lambda: None),
               lambda: viewed.checkpoint(keys[0]).save({}, {})]
    for action in refused:
        with pytest.raises(ReadOnlyStore):
            action()


def test_viewing_only_reads_everything_and_writes_nothing(viewed: Store, tmp_path: Path) -> None:
    before = snapshot(viewed.root)
    check_every_read(viewed, tmp_path)
    assert snapshot(viewed.root) == before


def test_viewing_a_read_only_file_system(store: Store, tmp_path: Path) -> None:
    for number in range(3):
        put(store, number, created=float(number))
    store.checkpoint(question().key).save({"w": answer().arrays["final/bias"]}, {"epoch": 2})
    with mounted(tmp_path / "view", "--bind", str(store.root)) as bound:
        if not bound:
            pytest.skip("this user may not mount")
        subprocess.run(["mount", "-o", "remount,bind,ro", str(tmp_path / "view")], check=True)
        check_every_read(Store(tmp_path / "view"), tmp_path)
        (store.root / "index.sqlite").write_bytes(b"garbage")
        assert len(Store(tmp_path / "view").list()) == 3


def test_a_viewer_sees_what_a_writer_adds(viewed: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    writer = Store(viewed.root)
    key = put(writer, 7, created=9.0).key
    assert viewed.list()[0].key == key
    other = put(writer, 8).key
    assert set(viewed.rows([other])) == {other}
    writer.remove(key)
    assert key not in {row.key for row in viewed.list()}


@pytest.mark.parametrize("content", [None, b"", b"garbage"])
def test_viewing_without_a_usable_index(viewed: Store, content: bytes | None) -> None:
    for path in viewed.root.glob("index.sqlite*"):
        path.unlink()
    if content is not None:
        (viewed.root / "index.sqlite").write_bytes(content)
    assert len(Store(viewed.root).list()) == 3
    assert not (viewed.root / "index.sqlite-wal").exists()


def test_viewing_leaves_damage_where_it_is(viewed: Store) -> None:
    key = question().key
    artifact_file(viewed, key).write_bytes(b"garbage")
    with pytest.raises(DamagedArtifact, match="can only be looked at"):
        viewed.get(key)
    assert artifact_file(viewed, key).read_bytes() == b"garbage"
    assert len(Store(viewed.root).list()) >= 2


def test_the_probe_is_a_real_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = Store(tmp_path / "store").root
    assert list((root / "artifacts").iterdir()) == []

    def refuse(code: int):
        def touch(path: Path) -> None:
            raise OSError(code, os.strerror(code))
        return touch

    for code, writable in [(errno.EROFS, False), (errno.EACCES, False), (errno.ENOSPC, True)]:
        monkeypatch.setattr(Path, "touch", refuse(code))
        assert Store(root).writable is writable


def test_a_store_of_a_newer_version_is_refused(store: Store) -> None:
    (store.root / "schema.json").write_text(json.dumps({"schema_version": 2}))
    with pytest.raises(NewerStore, match="schema 2 and this lab reads up to 1"):
        Store(store.root)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"schema_version": "x"}', "\0\0",
                                  '{"schema_version": 1e999}', "[" * 100_000])
def test_a_damaged_schema_file_is_named(store: Store, text: str) -> None:
    (store.root / "schema.json").write_text(text)
    with pytest.raises(StoreError, match=r"schema\.json should say .* Remove it"):
        Store(store.root)
    (store.root / "schema.json").unlink()
    Store(store.root)
    assert json.loads((store.root / "schema.json").read_text()) == {"schema_version": 1}


def test_a_path_that_cannot_be_a_store_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"mine")
    for path in (file, file / "below"):
        with pytest.raises(BadInput, match="The store must be a folder"):
            Store(path)
    assert file.read_bytes() == b"mine"
    with pytest.raises(BadInput, match="There is no store at"):
        Store(tmp_path / "nowhere", create=False)
    assert not (tmp_path / "nowhere").exists()


def test_a_store_that_exists_opens_without_creating(store: Store) -> None:
    key = put(store).key
    assert Store(store.root, create=False).has([key]) == {key}


def check_full(store: Store, first: int) -> None:
    """Put until the disk is full; what was put before is whole and nothing else is visible."""
    written = []
    text = r"The disk is full: .*/artifacts/\w+\.h5 needs [\d,]+ bytes and [\d,]+ are free"
    with pytest.raises(StoreError, match=text):
        written.extend(iter(lambda: put(store, first + len(written)), None))
    assert store.stored_keys() == {artifact.key for artifact in written}
    assert not list(store.root.rglob("*.tmp"))
    for artifact in written:
        assert same(store.get(artifact.key), artifact)
    assert set(store.rows([a.key for a in written])) == {a.key for a in written}


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    with mounted(tmp_path / "small", "-t", "tmpfs", "-o", "size=2m", "tmpfs") as done:
        if not done:
            pytest.skip("this user may not mount")
        store = Store(tmp_path / "small" / "store")
        check_full(store, 0)
        with pytest.raises(StoreError, match="The disk is full"):
            store.checkpoint(question().key).save({"w": answer().arrays["final/big.weight"]}, {})
        with pytest.raises(StoreError, match="The disk is full"):
            store.export(list(store.stored_keys()), tmp_path / "small" / "bundle.h5")
        assert not (tmp_path / "small" / "bundle.h5").exists()
        again = Store(store.root)
        assert again.writable
        assert {row.key for row in again.list()} == again.stored_keys()
        for key in list(again.stored_keys())[:10]:
            again.remove(key)
        key = put(again, 5000, Answer({}, {"x": 1})).key
        assert again.get(key).summary == {"x": 1}


def test_a_refused_write_leaves_the_old_file(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    written = put(store)

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="The disk is full"):
        put(store, 0, Answer({}, {"other": 1}))
    with pytest.raises(StoreError, match="The disk is full"):
        put(store, 1)
    monkeypatch.undo()
    assert same(store.get(written.key), written)
    assert store.stored_keys() == {written.key}
    assert not list(store.root.rglob("*.tmp"))


def test_a_file_in_the_place_of_a_folder_is_named(store: Store) -> None:
    shutil.rmtree(store.root / "locks")
    (store.root / "locks").write_text("mine")
    with pytest.raises(StoreError, match=r"locks must be a folder and is a file\. Move it away"):
        Store(store.root)


def test_a_store_whose_answers_were_deleted_lists_none(store: Store) -> None:
    key = put(store).key
    shutil.rmtree(store.root / "artifacts")
    assert store.stored_keys() == set()
    assert store.has([key]) == set()

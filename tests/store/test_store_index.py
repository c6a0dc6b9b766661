"""The index is only a copy: whatever happens to it, the files put it right."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from pathlib import Path

import pytest
from store_samples import answer, artifact_file, put, question

from lth_engine.core.artifact import Answer
from lth_engine.store.store import Row, Store

SMALL = Answer({}, {"test_accuracy": 0.5})


def remove_index(root: Path) -> None:
    for path in root.glob("index.sqlite*"):
        path.unlink()


def overwrite_index(root: Path) -> None:
    for path in root.glob("index.sqlite*"):
        path.write_bytes(b"garbage!" * 2000)


def other_version(root: Path) -> None:
    remove_index(root)
    db = sqlite3.connect(root / "index.sqlite")
    db.executescript("create table artifact (key text, thing text); pragma user_version=99")
    db.close()


def other_table(root: Path) -> None:
    remove_index(root)
    db = sqlite3.connect(root / "index.sqlite")
    db.executescript("create table artifact (key text, thing text); pragma user_version=1")
    db.close()


HARM = [remove_index, overwrite_index, other_version, other_table]


def test_rows_say_what_lists_need(store: Store) -> None:
    key = put(store, 3, created=5.0).key
    assert store.rows([key, "0" * 24]) == {key: Row(
        key=key, kind="dense", spec=question(3).to_dict(), summary=dict(answer(3).summary), created=5.0, seconds=1.5,
        bytes=artifact_file(store, key).stat().st_size, device="cpu")}


def test_list_is_newest_first_and_by_kind(store: Store) -> None:
    for number in range(5):
        put(store, number, SMALL, created=float(number % 3))
    assert [row.created for row in store.list()] == [2.0, 1.0, 1.0, 0.0, 0.0]
    assert len(store.list(limit=2)) == 2
    assert len(store.list("dense")) == 5
    assert store.list("run") == []


@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_index_is_rebuilt_on_opening(store: Store, harm) -> None:
    before = [put(store, number) for number in range(3)] and store.list()
    store._index._close()
    harm(store.root)
    assert Store(store.root).list() == before


@pytest.mark.parametrize("harm", [remove_index, overwrite_index])
def test_a_damaged_index_is_rebuilt_while_in_use(store: Store, harm) -> None:
    before = {put(store, number, SMALL).key for number in range(60)}
    other = Store(store.root)
    harm(store.root)
    assert set(store.rows(before)) == before
    put(store, 1000, SMALL)
    assert {row.key for row in store.list()} == before | {question(1000).key}
    assert {row.key for row in other.list()} == before | {question(1000).key}
    assert {row.key for row in Store(store.root).list()} == before | {question(1000).key}


def test_an_index_rebuilt_by_another_is_taken_up(store: Store) -> None:
    first = put(store, 0, SMALL).key
    remove_index(store.root)
    second = put(Store(store.root), 1, SMALL).key
    assert {row.key for row in store.list()} == {first, second}


def test_missing_and_stale_rows_are_put_right(store: Store) -> None:
    kept, gone, lost = (put(store, number).key for number in range(3))
    row = store.rows([lost])[lost]
    store._index.drop(lost)
    assert store.rows([kept, lost])[lost] == row
    assert row in store.list()
    store._index.drop(lost)
    artifact_file(store, gone).unlink()
    assert {row.key for row in Store(store.root).list()} == {kept, lost}


def test_reindex_reads_every_file_and_sets_damaged_ones_aside(store: Store) -> None:
    keys = [put(store, number).key for number in range(3)]
    artifact_file(store, keys[1]).write_bytes(b"garbage")
    assert store.reindex() == 2
    assert {row.key for row in store.list()} == {keys[0], keys[2]}
    assert not artifact_file(store, keys[1]).exists()


def test_a_replaced_artifact_has_its_new_row(store: Store) -> None:
    key = put(store, 0, SMALL).key
    assert store.rows([key])[key].summary == {"test_accuracy": 0.5}
    put(store, 0, Answer({}, {"test_accuracy": 0.75}))
    assert store.rows([key])[key].summary == {"test_accuracy": 0.75}


def test_a_copied_folder_is_a_store(store: Store, tmp_path: Path) -> None:
    key = put(store).key
    shutil.copytree(store.root / "artifacts", tmp_path / "copy" / "artifacts")
    assert [row.key for row in Store(tmp_path / "copy").list()] == [key]


def test_an_index_that_cannot_be_kept_on_the_disk_is_kept_in_memory(tmp_path: Path, monkeypatch) -> None:
    def refuse(path: Path) -> sqlite3.Connection:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr("lth_engine.store.index._opened", refuse)
    store = Store(tmp_path / "store")
    key = put(store).key
    assert [row.key for row in store.list()] == [key]
    assert not (store.root / "index.sqlite").exists()


def test_threads_share_a_store(store: Store) -> None:
    failures: list[BaseException] = []

    def work(start: int) -> None:
        try:
            for number in range(start, start + 10):
                key = put(store, number, SMALL).key
                assert store.rows([key])[key].summary == {"test_accuracy": 0.5}
                assert store.get(key).key == key
                store.list(limit=5)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(10 * n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(store.list()) == 60

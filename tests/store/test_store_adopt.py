"""Answers of another store are taken over whole, and only where they are missing."""

from __future__ import annotations

import shutil

import pytest

from lth_engine.core.errors import DamagedArtifact
from lth_engine.store.store import Store
from tests.store.store_samples import put, same


@pytest.fixture
def files(tmp_path):
    other = Store(tmp_path / "other")
    for number in range(3):
        put(other, number)
    return other, sorted((other.root / "artifacts").glob("*.h5"))


def test_files_become_answers(store, files):
    other, paths = files
    assert store.adopt(paths) == 3
    for row in other.list():
        assert same(store.get(row.key), other.get(row.key))
    assert sorted(row.key for row in store.list()) == sorted(row.key for row in other.list())
    assert store.adopt(paths) == 0


def test_what_is_there_is_left_as_it_is(store, files):
    _, paths = files
    put(store, 0, created=7.0)
    assert store.adopt(paths) == 2
    assert sorted(row.created for row in store.list()) == [1.0, 1.0, 7.0]


@pytest.mark.parametrize("spoil", ["cut", "renamed"])
def test_a_file_that_is_not_what_was_written_is_refused(store, files, tmp_path, spoil):
    _, paths = files
    bad = tmp_path / ("0" * 24 + ".h5") if spoil == "renamed" else paths[1]
    if spoil == "renamed":
        shutil.copy(paths[1], bad)
    else:
        bad.write_bytes(bad.read_bytes()[:-100])
    with pytest.raises(DamagedArtifact, match="good copy"):
        store.adopt([paths[0], bad, paths[2]])
    assert [row.key for row in store.list()] == [paths[0].stem]
    assert store.stored_keys() == {paths[0].stem}

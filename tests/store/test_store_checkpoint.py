"""The answer in progress: replaced as a whole, never in the way."""

from __future__ import annotations

import random

import numpy as np
import pytest
from store_samples import answer, question

from lth_engine.core.errors import StoreError
from lth_engine.core.workbench import Checkpoint
from lth_engine.store.store import Store

KEY = question().key


def test_a_checkpoint_comes_back(store: Store) -> None:
    checkpoint: Checkpoint = store.checkpoint(KEY)
    assert checkpoint.load() is None
    arrays = answer().arrays
    checkpoint.save({"old": np.ones(3)}, {"epoch": 1})
    checkpoint.save(arrays, {"epoch": np.int64(2), "name": "é"})
    loaded = store.checkpoint(KEY).load()
    assert loaded is not None
    assert loaded[1] == {"epoch": 2, "name": "é"}
    assert {n: a.tobytes() for n, a in loaded[0].items()} == {n: a.tobytes() for n, a in arrays.items()}
    assert store.list() == []
    store.checkpoint(KEY).discard()
    assert checkpoint.load() is None
    store.checkpoint(KEY).discard()


def test_onlookers_read_a_part(store: Store) -> None:
    checkpoint = store.checkpoint(KEY)
    assert checkpoint.peek("history") is None
    checkpoint.save(answer().arrays, {"epoch": 2})
    part = checkpoint.peek("history")
    assert part is not None
    assert set(part[0]) == {"step", "deep/loss"}
    assert part[1] == {"epoch": 2}


def test_a_damaged_checkpoint_is_removed_and_counts_as_none(store: Store) -> None:
    checkpoint, rng = store.checkpoint(KEY), random.Random(0)
    arrays = {"w": np.arange(3000.0), "m": np.ones(9, bool)}
    checkpoint.save(arrays, {"epoch": 2})
    file = store.root / "checkpoints" / f"{KEY}.h5"
    clean = file.read_bytes()
    for length in (0, 10, len(clean) // 2, len(clean) - 1):
        file.write_bytes(clean[:length])
        assert checkpoint.peek("w") is None
        assert file.exists()
        assert checkpoint.load() is None
        assert not file.exists()
    lost = 0
    for _ in range(50):
        flipped = bytearray(clean)
        flipped[rng.randrange(len(clean))] ^= 1 << rng.randrange(8)
        file.write_bytes(flipped)
        loaded = checkpoint.load()
        lost += loaded is None
        if loaded is not None:
            np.testing.assert_array_equal(loaded[0]["w"], arrays["w"])
            assert loaded[0]["m"].all()
            assert loaded[1] == {"epoch": 2}
    assert lost > 40


def test_a_checkpoint_that_does_not_match_its_hash_counts_as_none(store: Store, monkeypatch) -> None:
    monkeypatch.setattr("lth_engine.store.writer.content_sha256", lambda *given: "0" * 64)
    store.checkpoint(KEY).save({"w": np.ones(3)}, {"epoch": 2})
    assert store.checkpoint(KEY).load() is None


def test_what_cannot_be_saved_is_refused_and_the_last_save_stays(store: Store) -> None:
    checkpoint = store.checkpoint(KEY)
    checkpoint.save({}, {"epoch": 1})
    with pytest.raises(StoreError, match="cannot hold"):
        checkpoint.save({"a": np.array([None])}, {})
    assert checkpoint.load() == ({}, {"epoch": 1})


def test_a_checkpoint_that_may_not_be_read_is_not_taken_for_damage(store: Store) -> None:
    (store.root / "checkpoints" / f"{KEY}.h5").mkdir()
    with pytest.raises(StoreError, match="could not be read"):
        store.checkpoint(KEY).load()

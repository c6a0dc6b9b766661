"""Damage is noticed, named and moved out of the way."""

from __future__ import annotations

import random

import numpy as np
import pytest
from store_samples import answer, artifact_file, put, same

from lth_engine.core.artifact import Answer
from lth_engine.core.errors import DamagedArtifact, NewerStore
from lth_engine.store.encode import set_value
from lth_engine.store.store import Store


def corrupt(store: Store) -> list[str]:
    return [path.name for path in (store.root / "artifacts").glob("*.corrupt-*")]


def test_single_bit_flips_are_noticed_or_harmless(store: Store) -> None:
    written = put(store)
    file, rng = artifact_file(store, written.key), random.Random(0)
    clean = file.read_bytes()
    noticed = 0
    for _ in range(100):
        flipped = bytearray(clean)
        flipped[rng.randrange(len(clean))] ^= 1 << rng.randrange(8)
        file.write_bytes(flipped)
        try:
            assert same(store.get(written.key), written)
        except DamagedArtifact:
            noticed += 1
            assert not file.exists()
    assert noticed > 90


def test_bit_flips_are_noticed_by_partial_reads_too(store: Store) -> None:
    written = put(store)
    file, rng = artifact_file(store, written.key), random.Random(1)
    clean = file.read_bytes()
    expected = written.group("final")
    noticed = 0
    for _ in range(100):
        flipped = bytearray(clean)
        flipped[rng.randrange(len(clean))] ^= 1 << rng.randrange(8)
        file.write_bytes(flipped)
        try:
            part = store.read(written.key, "final")
            assert {n: a.tobytes() for n, a in part.items()} == {n: a.tobytes() for n, a in expected.items()}
        except DamagedArtifact:
            noticed += 1
    assert noticed > 50


def test_truncation_is_noticed(store: Store) -> None:
    written = put(store)
    file, rng = artifact_file(store, written.key), random.Random(2)
    clean = file.read_bytes()
    for length in [0, 1, 100, len(clean) - 1, *(rng.randrange(len(clean)) for _ in range(20))]:
        file.write_bytes(clean[:length])
        with pytest.raises(DamagedArtifact):
            store.get(written.key)


def test_a_damaged_file_is_moved_aside_and_forgotten(store: Store) -> None:
    key = put(store).key
    file = artifact_file(store, key)
    file.write_bytes(b"no HDF5 file")
    with pytest.raises(DamagedArtifact, match=rf"{key}.h5 is damaged .* moved to {key}.h5.corrupt-\d+\. Compute"):
        store.verify(key)
    assert len(corrupt(store)) == 1
    assert store.has([key]) == set()
    assert store.rows([key]) == {}
    assert store.list() == []
    with pytest.raises(KeyError):
        store.get(key)
    put(store)
    assert store.get(key).key == key


def test_a_file_under_another_key_is_damage(store: Store) -> None:
    one, two = put(store, 1).key, put(store, 2).key
    artifact_file(store, one).replace(artifact_file(store, two))
    with pytest.raises(DamagedArtifact, match=f"holds the artifact {one}"):
        store.get(two)


def test_content_that_does_not_match_its_hash_is_damage(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lth_engine.store.store.content_sha256", lambda *given: "0" * 64)
    key = put(store).key
    assert store.read(key, "history")["step"].size == 2000
    with pytest.raises(DamagedArtifact, match="does not match its hash"):
        store.get(key)


def test_a_newer_file_is_not_damage(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def newer(owner: object, name: str, value: np.ndarray) -> None:
        set_value(owner, name, np.array(2) if name == "schema_version" else value)

    monkeypatch.setattr("lth_engine.store.writer.set_value", newer)
    key = put(store).key
    with pytest.raises(NewerStore, match="schema 2 and this lab reads up to 1"):
        store.get(key)
    assert artifact_file(store, key).exists()
    assert corrupt(store) == []


def test_keys_of_another_form_are_not_there(store: Store) -> None:
    (store.root / "secret.h5").write_bytes(b"")
    for key in ("../secret", "", "x", "A" * 24, "0" * 24):
        with pytest.raises(KeyError):
            store.get(key)
        assert store.has([key]) == set()
        assert store.rows([key]) == {}


def test_remove_forgets_an_artifact(store: Store) -> None:
    key = put(store, 0, Answer(answer().arrays)).key
    store.remove(key)
    assert store.list() == []
    assert store.has([key]) == set()
    store.remove(key)

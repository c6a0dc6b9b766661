"""What is put is what comes back, and any HDF5 reader sees the same."""

from __future__ import annotations

import json
from dataclasses import replace

import h5py
import numpy as np
import pytest
from store_samples import answer, artifact_file, provenance, put, question, same

from lth_engine.core.artifact import Answer, texts
from lth_engine.core.errors import StoreError
from lth_engine.store.encode import CHUNK_BYTES, chunk_shape
from lth_engine.store.store import Store


def test_an_artifact_comes_back_to_the_last_bit(store: Store) -> None:
    given, written = answer(), put(store)
    read = store.get(written.key)
    assert same(written, read)
    assert read.spec == question().to_dict()
    assert read.kind == "dense"
    assert read.provenance == provenance()
    assert read.parents == {"a" * 24: "f" * 64}
    assert read.summary == given.summary
    for path, array in given.arrays.items():
        assert read.arrays[path].tobytes() == array.tobytes(), path
        assert (read.arrays[path].shape, read.arrays[path].dtype) == (array.shape, array.dtype), path
    assert texts(read.arrays["layers/name"]) == ["conv1", "fc.wéight"]
    assert type(read.summary["finite"]) is bool


def test_the_head_is_all_but_the_arrays(store: Store) -> None:
    written = put(store)
    assert same(store.head(written.key), replace(written, arrays={}))


def test_reading_a_part_brings_only_that_part(store: Store) -> None:
    key, given = put(store).key, answer().arrays
    assert list(store.read(key, "history")) == ["step", "deep/loss"]
    assert list(store.read(key, "history/")) == ["step", "deep/loss"]
    final = store.read(key, "final")
    assert set(final) == {"big.weight", "small.weight", "bias"}
    np.testing.assert_array_equal(final["big.weight"], given["final/big.weight"])
    assert store.read(key, "nothing") == {}
    assert store.read(key, "scalar") == {}
    assert store.read(key, "hist") == {}


def test_plain_h5py_reads_every_encoding(store: Store) -> None:
    key, given = put(store).key, answer().arrays
    with h5py.File(artifact_file(store, key), "r", locking=False) as file:
        assert json.loads(file.attrs["spec_json"]) == question().to_dict()
        assert json.loads(file.attrs["summary_json"])["name"] == "é"
        assert bytes(file.attrs["host"]).decode() == "hôst"
        assert bytes(file.attrs["key"]).decode() == key
        assert file.attrs["schema_version"] == 1
        assert file.attrs["wall_seconds"] == 1.5
        for name in ("history/step", "final/bias", "scalar", "spectrum", "layers/name"):
            np.testing.assert_array_equal(file[name][()], given[name])
        mask = np.unpackbits(file["mask/big.weight"][()])[:60_000].reshape(file["mask/big.weight"].attrs["shape"])
        np.testing.assert_array_equal(mask.astype(bool), given["mask/big.weight"])
        kept = file["final/big.weight"]
        assert bytes(kept.attrs["encoding"]).decode() == "kept"
        whole = np.zeros(kept.attrs["shape"], np.float32)
        whole[mask == 1] = kept[()]
        np.testing.assert_array_equal(whole, given["final/big.weight"])
        assert bytes(kept.attrs["mask"]).decode() == "mask/big.weight"
        assert kept.fletcher32
        assert kept.size == given["mask/big.weight"].sum()
        assert file["mask/big.weight"].compression == "gzip"


@pytest.mark.parametrize("bad", [1.0, -0.0, np.nan])
def test_a_sparse_array_with_a_value_outside_its_mask_is_refused(store: Store, bad: float) -> None:
    mask = np.array([True, False])
    with pytest.raises(StoreError, match="outside its mask m"):
        put(store, 0, Answer({"m": mask, "w": np.array([1.0, bad])}, {}, {"w": "m"}))
    assert store.list() == []


@pytest.mark.parametrize(("arrays", "sparse", "text"), [
    ({"w": np.ones(2)}, {"w": "m"}, "must be a boolean array"),
    ({"w": np.ones(2), "m": np.ones(2)}, {"w": "m"}, "must be a boolean array"),
    ({"w": np.ones(2), "m": np.ones(3, bool)}, {"w": "m"}, "must be a boolean array"),
    ({"w": np.ones(2, int), "m": np.ones(2, bool)}, {"w": "m"}, "must be a boolean array"),
    ({}, {"w": "m"}, "declared sparse but"),
    ({"a": np.ones(2), "a/b": np.ones(2)}, {}, "both an array and the folder"),
    ({"a/b": np.ones(2), "a": np.ones(2)}, {}, "both an array and the folder"),
    ({"/a": np.ones(2)}, {}, "needs a path"),
    ({"a/../b": np.ones(2)}, {}, "needs a path"),
    ({"a": np.array(["text"])}, {}, "cannot hold"),
    ({"a": np.array([None])}, {}, "cannot hold"),
])
def test_what_cannot_be_stored_is_refused(store: Store, arrays: dict, sparse: dict, text: str) -> None:
    with pytest.raises(StoreError, match=text):
        put(store, 0, Answer(arrays, {}, sparse))
    assert list((store.root / "artifacts").iterdir()) == []


def test_a_summary_holds_scalars_only(store: Store) -> None:
    written = put(store, 0, Answer({}, {"a": np.float32(0.5), "b": np.int64(3), "c": np.True_}))
    assert store.get(written.key).summary == {"a": 0.5, "b": 3, "c": True}
    with pytest.raises(StoreError, match="must be a number"):
        put(store, 1, Answer({}, {"a": np.ones(2)}))


def test_large_texts_fit(store: Store) -> None:
    parents = {f"{i:024x}": "f" * 64 for i in range(3000)}
    key = store.put(question(), Answer(), parents=parents, provenance=provenance()).key
    assert store.get(key).parents == parents


@pytest.mark.parametrize("shape", [
    (5000,), (3_000_000,), (1024, 1025), (3, 2_000_000), (10, 10, 300, 300), (1, 1, 2**20)])
def test_chunks_are_at_most_a_mebibyte_and_waste_little(shape: tuple[int, ...]) -> None:
    chunk = chunk_shape(shape, 4)
    assert 4 * np.prod(chunk) <= CHUNK_BYTES
    stored = np.prod([-(-n // c) * c for n, c in zip(shape, chunk, strict=True)])
    assert stored <= 1.1 * np.prod(shape)
    assert np.prod([-(-n // c) for n, c in zip(shape, chunk, strict=True)]) <= 4 * np.prod(shape) * 4 / CHUNK_BYTES + 1


def test_an_array_of_many_chunks_comes_back(store: Store) -> None:
    rng = np.random.default_rng(0)
    arrays = {"a": rng.normal(size=(513, 1031)), "m": rng.random((1000, 999)) < 0.5, "f": np.asfortranarray(
        rng.normal(size=(700, 300))), "be": np.arange(3000, dtype=">f8"), "view": rng.normal(size=(90, 90))[::2, ::3]}
    written = put(store, 0, Answer(arrays))
    read = store.get(written.key)
    assert same(written, read)
    for name, array in arrays.items():
        np.testing.assert_array_equal(read.arrays[name], array)

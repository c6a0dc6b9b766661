"""A bundle holds whole artifacts, as they are stored."""

from __future__ import annotations

import io
from pathlib import Path

import h5py
import numpy as np
import pytest
from store_samples import answer, artifact_file, put, question

from lth_engine.core.artifact import Answer
from lth_engine.core.errors import BadInput, DamagedArtifact
from lth_engine.store.store import Store


def test_a_bundle_is_a_copy_with_filters_and_attributes(store: Store, tmp_path: Path) -> None:
    keys = [put(store, number).key for number in range(4)]
    store.export([*keys[:3], keys[0]], tmp_path / "bundle.h5")
    assert (tmp_path / "bundle.h5").stat().st_size < 4 * sum(artifact_file(store, k).stat().st_size for k in keys)
    with h5py.File(tmp_path / "bundle.h5", "r") as bundle:
        assert set(bundle) == set(keys[:3])
        assert bytes(bundle.attrs["kind"]) == b"bundle"
        for key in keys[:3]:
            with h5py.File(io.BytesIO(artifact_file(store, key).read_bytes()), "r") as file:
                assert dict(bundle[key].attrs) == dict(file.attrs)
                names: list[str] = []
                file.visit(names.append)
                copied: list[str] = []
                bundle[key].visit(copied.append)
                assert copied == names
                for name in names:
                    if isinstance(file[name], h5py.Dataset):
                        np.testing.assert_array_equal(bundle[key][name][()], file[name][()])
                        assert bundle[key][name].fletcher32 == file[name].fletcher32
                        assert bundle[key][name].compression == file[name].compression
    assert [p.name for p in tmp_path.iterdir() if p.name.endswith(".tmp")] == []


def test_a_large_bundle_is_as_long_as_its_content(store: Store, tmp_path: Path) -> None:
    arrays = {"w": np.random.default_rng(0).normal(size=(800, 800))}
    keys = [put(store, number, Answer(arrays)).key for number in range(3)]
    store.export(keys, tmp_path / "bundle.h5")
    total = sum(artifact_file(store, key).stat().st_size for key in keys)
    assert 0.99 * total < (tmp_path / "bundle.h5").stat().st_size < 1.01 * total
    with h5py.File(tmp_path / "bundle.h5", "r") as bundle:
        for key in keys:
            np.testing.assert_array_equal(bundle[key]["w"][()], arrays["w"])


def test_a_bundle_overwrites_nothing(store: Store, tmp_path: Path) -> None:
    key, dest = put(store).key, tmp_path / "bundle.h5"
    dest.write_bytes(b"mine")
    with pytest.raises(BadInput, match="exists already"):
        store.export([key], dest)
    assert dest.read_bytes() == b"mine"
    with pytest.raises(BadInput, match="does not exist"):
        store.export([key], tmp_path / "nowhere" / "bundle.h5")


def test_missing_and_damaged_artifacts_are_not_exported(store: Store, tmp_path: Path) -> None:
    key = put(store, 0, Answer(answer().arrays)).key
    with pytest.raises(KeyError):
        store.export([key, question(1).key], tmp_path / "bundle.h5")
    artifact_file(store, key).write_bytes(b"garbage")
    with pytest.raises(DamagedArtifact):
        store.export([key], tmp_path / "bundle.h5")
    assert not (tmp_path / "bundle.h5").exists()

"""The lab's own HDF5 files, as a colleague would send them: read through the allow list, packed masks unpacked."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from lth_engine.core.artifact import Answer, Artifact, Provenance, text_array
from lth_engine.core.errors import FileUnreadable
from lth_engine.importing.read import read
from lth_engine.specs.tickets import DenseTicket
from lth_engine.store.store import Store

QUESTION = DenseTicket(init_seed=3)


def answer() -> Answer:
    """Masks packed, weights whole and as the values that a mask keeps, small and in chunks."""
    rng = np.random.default_rng(0)
    mask, small = rng.random((300, 200)) < 0.3, rng.random((7, 5)) < 0.5
    arrays = {
        "final/fc1.weight": np.where(mask, rng.normal(size=mask.shape), 0).astype(np.float32),
        "final/fc2.weight": np.where(small, rng.normal(size=small.shape), 0),
        "final/fc2.bias": rng.normal(size=7).astype(np.float16),
        "mask/fc1.weight": mask, "mask/fc2.weight": small, "mask/none": np.zeros((4, 0), np.bool_),
        "layers/name": text_array(["fc1", "fc2"])}
    sparse = {"final/fc1.weight": "mask/fc1.weight", "final/fc2.weight": "mask/fc2.weight"}
    return Answer(arrays, {"test_accuracy": 0.9}, sparse)


@pytest.fixture
def stored(tmp_path: Path) -> tuple[Store, Artifact]:
    store = Store(tmp_path / "store")
    provenance = Provenance(software={}, commit="a", host="h", device="cpu", threads=1, seconds=1.0, created=1.0)
    return store, store.put(QUESTION, answer(), parents={}, provenance=provenance)


def expected() -> dict[str, torch.Tensor]:
    return {path: torch.from_numpy(array) for path, array in answer().arrays.items() if path != "layers/name"}


def artifact_file(stored: tuple[Store, Artifact]) -> Path:
    found: list[Path] = list(stored[0].root.rglob(f"{stored[1].key}.h5"))
    return found[0]


def assert_same(found: Any, wanted: dict[str, torch.Tensor]) -> None:
    assert set(found) == set(wanted)
    for path, tensor in wanted.items():
        assert found[path].dtype == tensor.dtype
        assert torch.equal(found[path], tensor), path


def test_an_artifact(stored: tuple[Store, Artifact]) -> None:
    contents = read(artifact_file(stored), "hdf5")
    assert contents.format == "lottery lab HDF5"
    assert_same(contents.tensors, expected())
    assert contents.facts["key"] == stored[1].key
    assert contents.facts["kind"] == QUESTION.name
    assert contents.facts["spec/init_seed"] == 3
    assert contents.facts["summary/test_accuracy"] == 0.9


def test_a_bundle(stored: tuple[Store, Artifact], tmp_path: Path) -> None:
    store, artifact = stored
    store.export([artifact.key], tmp_path / "bundle.h5")
    contents = read(tmp_path / "bundle.h5", "hdf5")
    assert contents.format == "lottery lab HDF5"
    assert_same(contents.tensors, {f"{artifact.key}/{path}": tensor for path, tensor in expected().items()})


@pytest.mark.parametrize(("path", "name", "value"), [
    ("mask/fc2.weight", "shape", np.array([7, 6])), ("mask/fc2.weight", "shape", np.array([1 << 40])),
    ("mask/fc2.weight", "shape", np.array([-7, -5])), ("final/fc2.weight", "shape", np.array([35])),
    ("final/fc2.weight", "mask", np.bytes_("mask/fc1.weight")), ("final/fc2.weight", "mask", np.bytes_("../x"))])
def test_lies_in_attributes(stored: tuple[Store, Artifact], path: str, name: str, value: Any) -> None:
    raw = io.BytesIO(artifact_file(stored).read_bytes())
    with h5py.File(raw, "r+") as file:
        file[path].attrs[name] = value
    with pytest.raises(FileUnreadable, match="encoded wrongly"):
        read(raw, "hdf5")

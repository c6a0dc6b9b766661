"""A stored file whose values lie in another file is damaged: nothing outside the store is ever shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from store_samples import artifact_file, put

from lth_engine.core.errors import DamagedArtifact
from lth_engine.store.store import Store

SECRET = np.arange(4, dtype=np.float64)


def _external_storage(file: h5py.File, name: str, outside: Path) -> None:
    file.create_dataset(name, SECRET.shape, SECRET.dtype, external=[(str(outside), 0, SECRET.nbytes)])


def _external_link(file: h5py.File, name: str, outside: Path) -> None:
    with h5py.File(outside.with_suffix(".h5"), "w") as other:
        other["x"] = SECRET
    file[name] = h5py.ExternalLink(str(outside.with_suffix(".h5")), "/x")


def _virtual(file: h5py.File, name: str, outside: Path) -> None:
    with h5py.File(outside.with_suffix(".h5"), "w") as other:
        other["x"] = SECRET
    layout = h5py.VirtualLayout(SECRET.shape, SECRET.dtype)
    layout[:] = h5py.VirtualSource(str(outside.with_suffix(".h5")), "x", SECRET.shape)
    file.create_virtual_dataset(name, layout)


@pytest.mark.parametrize("put_elsewhere", [_external_storage, _external_link, _virtual])
def test_values_in_another_file(store: Store, tmp_path: Path,
                                put_elsewhere: Callable[[h5py.File, str, Path], None]) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(SECRET.tobytes())
    key = put(store).key
    path = artifact_file(store, key)
    with h5py.File(path, "r+") as file:
        del file["history/deep/loss"]
        put_elsewhere(file, "history/deep/loss", outside)
    changed = path.read_bytes()
    try:
        assert "deep/loss" not in store.read(key, "history")  # a link is not followed
    except DamagedArtifact:
        path.write_bytes(changed)  # it was set aside
    with pytest.raises(DamagedArtifact):
        store.get(key)


def test_a_mask_in_another_file(store: Store, tmp_path: Path) -> None:
    key = put(store).key
    path = artifact_file(store, key)
    with h5py.File(path, "r+") as file, h5py.File(tmp_path / "other.h5", "w") as other:
        file.copy("mask/big.weight", other, "mask")
        del file["mask/big.weight"]
        file["mask/big.weight"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/mask")
    with pytest.raises(DamagedArtifact):
        store.read(key, "final")

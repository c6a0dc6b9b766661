"""The belt around HDF5: even a reader that looks at nothing cannot reach another file."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from lth_engine.importing import hdf5_file
from lth_engine.importing.hdf5_file import no_more_files
from lth_engine.importing.read import read


@pytest.fixture
def pointing(tmp_path: Path) -> Path:
    """A file with a link to another HDF5 file and a dataset whose bytes are those of a third file."""
    (tmp_path / "secret").write_bytes(b"secret..")
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["w"] = np.ones(2)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["link"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/w")
        file.create_dataset("raw", (8,), np.uint8, external=[(str(tmp_path / "secret"), 0, 8)])
    return tmp_path / "a.h5"


def test_nothing_else_is_read_even_without_the_walker(pointing: Path) -> None:
    with pointing.open("rb") as held, h5py.File(held, "r") as file:
        with no_more_files():
            with pytest.raises(KeyError):
                file["link"][:]
            with pytest.raises(OSError, match="external"):
                file["raw"][:]
            with pytest.raises(OSError, match="Too many open files"):
                os.open("/dev/null", os.O_RDONLY)
        assert bytes(file["raw"][:]) == b"secret.."  # HDF5 would have read it


def test_a_file_is_read_within_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("w", data=np.arange(6.0), chunks=(3,), compression="gzip")
    refused: list[int] = []
    really = hdf5_file._Walk.contents

    def contents(walk: hdf5_file._Walk) -> object:
        with pytest.raises(OSError, match="Too many open files") as caught:
            os.open("/dev/null", os.O_RDONLY)
        refused.append(caught.value.errno)
        return really(walk)

    monkeypatch.setattr(hdf5_file._Walk, "contents", contents)
    assert read(tmp_path / "a.h5", "hdf5").tensors["w"].tolist() == [0, 1, 2, 3, 4, 5]
    assert len(refused) == 1

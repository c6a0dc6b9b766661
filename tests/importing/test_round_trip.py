"""Every network of the catalogue in every format: from the file to a clean copy to the lab's network, same logits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from lth_engine.gate.raw import sniff
from lth_engine.importing import clean
from lth_engine.importing.network import network
from lth_engine.importing.read import read
from lth_engine.importing.understand import understand
from lth_engine.models.build import build
from lth_engine.specs.models import ModelSpec
from tests.importing.test_wrappers import moved
from tests.models.small import cases

State = dict[str, torch.Tensor]


def _npz(state: State, path: Path) -> None:
    np.savez(path, **{name: tensor.numpy() for name, tensor in state.items()})


def _hdf5(state: State, path: Path) -> None:
    with h5py.File(path, "w") as file:
        for name, tensor in state.items():
            file.create_dataset(name, data=tensor.numpy(), compression="gzip" if 1 < tensor.numel() < 10_000 else None)


FORMATS: dict[str, Callable[[Any, Path], None]] = {
    "torch zip": lambda state, path: torch.save({"state_dict": state, "epoch": 9}, path),
    "torch legacy": lambda state, path: torch.save({"state_dict": state}, path, _use_new_zipfile_serialization=False),
    "safetensors": save_file, "npz": _npz, "HDF5": _hdf5,
}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(("spec", "side"), [pytest.param(*case.values, id=case.id, marks=(
    [pytest.mark.slow] if case.id in ("swin", "resnet") else list(case.marks))) for case in cases()])
def test_same_logits(spec: ModelSpec, side: int, format: str, tmp_path: Path) -> None:
    model = moved(build(spec, 3, side, side, 7, 1))
    path, copy = tmp_path / ("file.npz" if format == "npz" else "file"), tmp_path / "clean"
    FORMATS[format]({n: t.contiguous() for n, t in model.state_dict().items()}, path)
    contents = read(path, sniff(path, cap=1 << 30).kind)
    assert contents.format == format
    with copy.open("wb") as out:
        clean.write(contents, out)
    again, _ = clean.read_clean(copy)
    assert again.format == format
    images = torch.randn((2, 3, side, side), generator=torch.Generator().manual_seed(2))
    assert torch.equal(network(understand(again))[0](images), model(images))

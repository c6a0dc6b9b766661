"""Small sound files of every kind, made anew, for tests of the gate and as the seeds of fuzzing."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable

import h5py
import numpy as np
import safetensors.torch
import torch


def _state() -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    return {"fc1.weight": torch.randn(6, 8, generator=draw), "fc1.bias": torch.randn(6, generator=draw),
            "fc2.weight": torch.randn(3, 6, generator=draw), "fc2.bias": torch.randn(3, generator=draw)}


def _torch(legacy: bool) -> bytes:
    file = io.BytesIO()
    torch.save({"epoch": 3, "state_dict": _state()}, file, _use_new_zipfile_serialization=not legacy)
    return file.getvalue()


def _npz(save: Callable[..., None]) -> bytes:
    file = io.BytesIO()
    save(file, **{name: tensor.numpy() for name, tensor in _state().items()})
    return file.getvalue()


def _npy() -> bytes:
    file = io.BytesIO()
    np.save(file, _state()["fc1.weight"].numpy())
    return file.getvalue()


def _hdf5(**how: object) -> bytes:
    file = io.BytesIO()
    with h5py.File(file, "w", **how) as opened:
        for name, tensor in _state().items():
            opened.create_dataset(name, data=tensor.numpy(), chunks=tensor.shape, compression="gzip")
    return file.getvalue()


SAMPLES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "zip.pt": ("torch zip", lambda: _torch(legacy=False)),
    "legacy.pt": ("torch legacy", lambda: _torch(legacy=True)),
    "plain.safetensors": ("safetensors", lambda: safetensors.torch.save(_state(), {"by": "a test"})),
    "stored.npz": ("npz", lambda: _npz(np.savez)),
    "deflated.npz": ("npz", lambda: _npz(np.savez_compressed)),
    "one.npy": ("npy", _npy),
    "old.h5": ("hdf5", _hdf5),
    "new.h5": ("hdf5", lambda: _hdf5(libver="latest")),
    "block.h5": ("hdf5", lambda: _hdf5(userblock_size=512)),
    "numpy.pkl": ("pickle", lambda: pickle.dumps({name: t.numpy() for name, t in _state().items()}, protocol=2)),
}
"""Name -> (its kind, its bytes)."""

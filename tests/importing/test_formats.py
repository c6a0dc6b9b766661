"""Honest files of every format back as the same tensors, beside them what the reader says of the rest."""

from __future__ import annotations

import argparse
import contextlib
import io
import pickle
import random
import struct
from collections import Counter, OrderedDict, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import safetensors.torch
import torch

from lth_engine.core.errors import FileRefused, FileUnreadable
from lth_engine.importing.contents import Contents
from lth_engine.importing.read import read
from tests.hostile.torch_archive import Asks, Stored, archive, pickled

NUMPY = [np.float16, np.float32, np.float64, np.uint8, np.int8, np.int16, np.int32, np.int64, np.uint16, np.uint32,
         np.uint64, np.bool_]
TORCH = [torch.from_numpy(np.zeros(1, dtype)).dtype for dtype in NUMPY] + [torch.bfloat16]


def values(dtype: torch.dtype, *shape: int) -> torch.Tensor:
    """Small whole numbers and bits, exact in every type."""
    most, generator = 2 if dtype == torch.bool else 100, torch.Generator().manual_seed(3)
    return torch.randint(0, most, shape, generator=generator).to(dtype)


def of_each_type(types: list[torch.dtype]) -> dict[str, torch.Tensor]:
    """A tensor of each type, a scalar, an empty one and one of odd length before wider ones."""
    found = {str(dtype).removeprefix("torch."): values(dtype, 3, 2, 5) for dtype in types}
    return {"bool_of_three": values(torch.bool, 3), **found, "scalar": torch.tensor(7), "empty": torch.empty(0, 4)}


def torch_file(value: Any, **options: Any) -> io.BytesIO:
    out = io.BytesIO()
    torch.save(value, out, **options)
    return out


def npz(**arrays: Any) -> io.BytesIO:
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out


def hdf5(**arrays: Any) -> io.BytesIO:
    out = io.BytesIO()
    with h5py.File(out, "w", track_order=True) as file:
        for name, array in arrays.items():
            file[name] = array
    return out


def assert_same(contents: Contents, expected: dict[str, torch.Tensor]) -> None:
    """The same names in the same order, types, shapes and values; dense, and without gradients."""
    assert list(contents.tensors) == list(expected)
    for path, tensor in contents.tensors.items():
        wanted = expected[path].detach()
        assert (tensor.dtype, tensor.shape) == (wanted.dtype, wanted.shape), path
        assert torch.equal(tensor, wanted), path
        assert tensor.is_contiguous()
        assert type(tensor) is torch.Tensor
        assert not tensor.requires_grad


@pytest.mark.parametrize("kind", ["torch zip", "torch legacy"])
def test_torch_of_each_type(kind: str) -> None:
    types = [t for t in TORCH if kind == "torch zip" or t not in (torch.uint16, torch.uint32, torch.uint64)]
    contents = read(torch_file(of_each_type(types), _use_new_zipfile_serialization=kind == "torch zip"), kind)
    assert contents.format == kind
    assert contents.notes == ()
    assert_same(contents, of_each_type(types))


def test_the_inert_reader_finds_the_same_as_torch() -> None:
    state = of_each_type(TORCH)
    inert = read(torch_file({"state_dict": state, "args": argparse.Namespace(lr=0.1)}), "torch zip")
    assert inert.ignored == {"argparse.Namespace": 1}
    assert_same(inert, {f"state_dict/{name}": tensor for name, tensor in state.items()})


def test_safetensors_of_each_type() -> None:
    state = of_each_type(TORCH)
    raw = safetensors.torch.save(state, {"epoch": "3"})
    contents = read(io.BytesIO(raw), "safetensors")
    assert contents.facts == {"epoch": "3"}
    assert_same(contents, {name: state[name] for name in contents.tensors})
    assert set(contents.tensors) == set(state)


def test_npz_and_npy_of_each_type() -> None:
    state = of_each_type(TORCH[:-1])
    assert_same(read(npz(**{n: t.numpy() for n, t in state.items()}), "npz"), state)
    for tensor in state.values():
        out = io.BytesIO()
        np.save(out, tensor.numpy())
        assert_same(read(out, "npy"), {"array": tensor})


def test_npz_of_other_orders() -> None:
    matrix = np.arange(6.0).reshape(2, 3)
    contents = read(npz(turned=np.asfortranarray(matrix), big=matrix.astype(">f8"), text=np.array(["a", "b"])), "npz")
    assert_same(contents, {"turned": torch.from_numpy(matrix), "big": torch.from_numpy(matrix)})
    assert sum(contents.ignored.values()) == 1


def test_hdf5_of_each_type() -> None:
    state = of_each_type(TORCH[:-1])
    contents = read(hdf5(**{n: t.numpy() for n, t in state.items()}), "hdf5")
    assert contents.format == "HDF5"
    assert_same(contents, state)


def test_hdf5_as_others_write_it() -> None:
    out, kernel = io.BytesIO(), np.arange(12, dtype=">f4").reshape(3, 4)
    with h5py.File(out, "w") as file:
        file.attrs["keras_version"] = "3.0"
        file.create_dataset("layers/dense/vars/0", data=kernel, chunks=(2, 2), compression="gzip", shuffle=True,
                            fletcher32=True)
        file["tied"] = file["layers/dense/vars/0"]
        file["dir_file"] = "model.h5"
    contents = read(out, "hdf5")
    wanted = torch.arange(12.0).reshape(3, 4)
    assert_same(contents, {"layers/dense/vars/0": wanted, "tied": wanted})
    assert contents.shared == {"tied": "layers/dense/vars/0"}
    assert contents.ignored == {"HDF5 dataset that holds no numbers": 1}


def test_nested_containers_and_facts() -> None:
    weight = torch.randn(2, 2)
    contents = read(torch_file({
        "epoch": 160, "arch": "resnet20", "best": 0.91, "done": True, "text": "x" * 201, "huge": 1 << 80,
        "state": OrderedDict(w=weight), "layers": [weight + 1, (weight + 2,)], "losses": [0.5] * 500,
        "opt": {"state": {0: {"step": 3, "m": weight + 3}}}}), "torch zip")
    assert_same(contents, {"state/w": weight, "layers/0": weight + 1, "layers/1/0": weight + 2,
                           "opt/state/0/m": weight + 3})
    assert contents.facts == {"epoch": 160, "arch": "resnet20", "best": 0.91, "done": True, "opt/state/0/step": 3}


def test_tied_weights_and_views() -> None:
    weight, storage = torch.randn(3, 4), torch.arange(20.0)
    contents = read(torch_file({"embed": weight, "head": weight, "turned": weight.t(), "piece": storage[5:9],
                                "step": storage[::3]}), "torch zip")
    assert_same(contents, {"embed": weight, "head": weight, "turned": weight.t(), "piece": storage[5:9],
                           "step": storage[::3]})
    assert contents.shared == {"head": "embed"}
    assert contents.tensors["head"] is contents.tensors["embed"]


def test_parameters_are_told() -> None:
    contents = read(torch_file({"w": torch.nn.Parameter(torch.ones(2)), "b": torch.ones(1)}), "torch zip")
    assert contents.parameters == {"w"}


class Tied(torch.nn.Module):
    """A network of its own class, with tied weights, a buffer, an empty child and a plain tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = torch.nn.Conv2d(1, 2, 3, bias=False)
        self.block = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Identity(), torch.nn.BatchNorm1d(4))
        self.head = torch.nn.Linear(4, 4)
        self.head.weight = self.block[0].weight
        self.width = 16


@pytest.mark.parametrize("parallel", [False, True])
def test_whole_modules(parallel: bool) -> None:
    network: Any = torch.nn.DataParallel(Tied()) if parallel else Tied()
    contents = read(torch_file(network), "torch zip")
    assert_same(contents, dict(network.state_dict()))
    assert contents.parameters == {name for name, _ in network.named_parameters(remove_duplicate=False)}
    prefix = "module." if parallel else ""
    assert contents.shared == {f"{prefix}head.weight": f"{prefix}block.0.weight"}
    assert contents.ignored[f"{__name__}.Tied"] == 1
    assert contents.facts == {}
    beside = read(torch_file({"model": network, "epoch": 3}), "torch zip")
    assert list(beside.tensors) == [f"model/{name}" for name in network.state_dict()]
    assert beside.facts == {"epoch": 3}


@dataclass
class Settings:
    """A class that the reader does not know."""

    lr: float
    ema: torch.Tensor
    pair: tuple[int, int]


class Odd(dict):  # type: ignore[type-arg]
    """A dict of one's own."""


def test_objects_beside_tensors() -> None:
    average = torch.randn(3)
    contents = read(torch_file({
        "w": torch.ones(2), "args": argparse.Namespace(lr=0.1, where=Path("runs/1"), name="a"),
        "best": np.float32(0.5), "curve": np.arange(3)[::-1], "count": Counter("aab"),
        "log": defaultdict(list, loss=[1.0, 2.0]),
        "settings": Settings(0.2, average, (1, 2)), "odd": Odd(x=torch.zeros(1)), "loss": torch.nn.functional.relu,
        "kinds": {1, 2}, "dtype": np.dtype("f4")}), "torch zip")
    assert_same(contents, {"w": torch.ones(2), "curve": torch.tensor([2, 1, 0]), "settings/ema": average,
                           "odd/x": torch.zeros(1)})
    assert contents.facts == {
        "args/lr": 0.1, "args/where": "runs/1", "args/name": "a", "best": 0.5, "count/a": 2, "count/b": 1,
        "log/loss/0": 1.0, "log/loss/1": 2.0, "settings/lr": 0.2, "settings/pair/0": 1, "settings/pair/1": 2,
        "kinds/0": 1, "kinds/1": 2}
    assert contents.ignored == {
        "argparse.Namespace": 1, "pathlib.PosixPath": 1, "numpy scalar": 1, f"{__name__}.Settings": 1,
        f"{__name__}.Odd": 1, "torch.nn.functional.relu": 1, "numpy dtype": 1}


def test_the_sentence_about_objects() -> None:
    state = {f"w{i}": torch.ones(1) for i in range(62)}
    file = torch_file({"state_dict": state, "args": argparse.Namespace(), "best": np.float64(1)})
    contents = read(file, "torch zip")
    assert contents.notes == (
        "This file holds Python objects besides tensors (argparse.Namespace, numpy scalar). I read the 62 tensors and "
        "ignored the rest; nothing in the file was run.",)


@pytest.mark.parametrize("protocol", range(6))
def test_bare_pickles_of_every_protocol(protocol: int) -> None:
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.array([True, False]),
              "turned": np.asfortranarray(np.eye(3)[:2]), "best": np.float64(0.25), "big": np.arange(3, dtype=">i4")}
    raw = pickle.dumps({**arrays, "n": 10 ** 9, "long": 1 << 40, "name": "ü", "f": 0.5, "none": None, "yes": True,
                        "raw": b"\xff", "object": argparse.Namespace(k=1)}, protocol)
    contents = read(io.BytesIO(raw), "pickle")
    expected = {name: torch.from_numpy(np.ascontiguousarray(array, array.dtype.newbyteorder("=")))
                for name, array in arrays.items() if name != "best"}
    assert_same(contents, expected)
    assert contents.facts == {"best": 0.25, "n": 10 ** 9, "long": 1 << 40, "name": "ü", "f": 0.5, "yes": True,
                              "object/k": 1}


def test_tensors_in_a_bare_pickle_and_in_an_npy() -> None:
    state = {"w": torch.randn(2, 3), "b": torch.ones(2, dtype=torch.bool), "e": torch.empty(0)}
    assert_same(read(io.BytesIO(pickle.dumps(state)), "pickle"), state)
    out = io.BytesIO()
    np.save(out, {**state, "m": np.eye(2, dtype=bool)}, allow_pickle=True)  # type: ignore[arg-type]
    assert_same(read(out, "npy"), {**state, "m": torch.eye(2, dtype=torch.bool)})


def test_bools_are_zero_or_one(tmp_path: Path) -> None:
    mask = Asks(torch._utils._rebuild_tensor_v2, Stored(4, torch.BoolStorage), 0, (4,), (1,), False, OrderedDict())
    path = archive(tmp_path / "m.pt", pickled({"m": mask}), {"0": b"\x00\x01\x02\xff"})
    assert read(path, "torch zip").tensors["m"].view(torch.uint8).tolist() == [0, 1, 1, 1]


@pytest.mark.parametrize("name", ["x" * 300, "a\nb", "\u202e", "__metadata__"])
def test_names_that_cannot_be_shown(name: str) -> None:
    with pytest.raises(FileRefused, match="Rename it"):
        read(torch_file({name: torch.ones(1)}), "torch zip")


@pytest.mark.parametrize("value", [{}, {"epoch": 3}, {"args": argparse.Namespace(a=1)}])
def test_no_tensors(value: Any) -> None:
    with pytest.raises(FileRefused, match="holds no tensors"):
        read(torch_file(value), "torch zip")


def test_types_that_are_no_weights() -> None:
    with pytest.raises(FileRefused, match="ComplexFloatStorage"):
        read(torch_file({"w": torch.ones(2, dtype=torch.complex64)}), "torch zip")


def test_an_old_file_with_objects_is_refused_in_words() -> None:
    file = torch_file({"w": torch.ones(1), "a": argparse.Namespace()}, _use_new_zipfile_serialization=False)
    with pytest.raises(FileRefused, match=r"before 1.6 holds Python objects besides tensors \(argparse.Namespace\)"):
        read(file, "torch legacy")


@pytest.mark.filterwarnings("ignore")
def test_an_old_file_of_a_whole_model_is_refused_as_what_it_is() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU())
    with pytest.raises(FileRefused, match=r"is a whole model \(torch\.nn\.modules\.container\.Sequential, .*Save "
                                          r"`model\.state_dict\(\)`"):
        read(torch_file(model, _use_new_zipfile_serialization=False), "torch legacy")


@pytest.mark.parametrize("kind", ["torch zip", "torch legacy", "safetensors", "npz", "npy", "hdf5", "pickle"])
def test_no_damage_escapes_as_another_error(kind: str) -> None:
    state = {"w": torch.randn(40, 40), "b": torch.ones(3)}
    made = {"torch zip": lambda: torch_file({"s": state, "a": argparse.Namespace()}),
            "torch legacy": lambda: torch_file(state, _use_new_zipfile_serialization=False),
            "safetensors": lambda: io.BytesIO(safetensors.torch.save(state)),
            "npz": lambda: npz(w=np.ones(20)), "npy": lambda: io.BytesIO(npy_bytes()),
            "hdf5": lambda: hdf5(w=np.ones(20)), "pickle": lambda: io.BytesIO(pickle.dumps({"a": np.ones(3)}))}
    whole = made[kind]().getvalue()
    chance = random.Random(kind)
    refused = 0
    for _ in range(150):
        raw = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(min(len(raw), 1500))
            raw[at:at + 4] = struct.pack("<I", chance.choice([0, 255, 1 << 31, chance.getrandbits(32)]))
        if chance.random() < 0.3:
            del raw[chance.randrange(len(raw)):]
        with contextlib.suppress(FileRefused, FileUnreadable):
            read(io.BytesIO(bytes(raw)), kind)
            continue
        refused += 1
    assert refused > 20


def npy_bytes() -> bytes:
    out = io.BytesIO()
    np.save(out, np.ones((3, 3)))
    return out.getvalue()


@pytest.mark.parametrize("kind", ["torch zip", "torch legacy"])
def test_torch_is_asked_first_and_always_restricted(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    real = torch.load

    def load(file: Any, **options: Any) -> Any:
        asked.append(options)
        return real(file, **options)

    monkeypatch.setattr(torch, "load", load)
    read(torch_file({"w": torch.ones(2)}, _use_new_zipfile_serialization=kind == "torch zip"), kind)
    assert asked == [{"map_location": "cpu", "weights_only": True}]

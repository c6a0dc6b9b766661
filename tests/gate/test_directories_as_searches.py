"""A directory of another program, brought into the lab as a search: its tickets are those of the files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lth_engine.answer import answer
from lth_engine.core.clean_files import FOLDER
from lth_engine.gate.ask import inspect_directory
from lth_engine.gate.server import Server
from lth_engine.specs.bringing import bring
from lth_engine.specs.bringing_directories import families, files
from lth_engine.specs.data import Digits
from lth_engine.store.store import Store
from tests.importing.peer_trees import HASH, Tensors, density, masked, save, write

SIZES = (64, 12, 8, 10)
THEIRS = ("fc_layers.0", "fc_layers.1", "fc")
OURS = ("fc1", "fc2", "fc")


def lenet(seed: int) -> Tensors:
    """A LeNet of open_lth for the digits: two hidden layers of 12 and 8 units."""
    g = torch.Generator().manual_seed(seed)
    found: Tensors = {}
    for name, a, b in zip(THEIRS, SIZES, SIZES[1:], strict=False):
        found[f"{name}.weight"] = torch.randn(b, a, generator=g) / math.sqrt(a)
        found[f"{name}.bias"] = torch.randn(b, generator=g) / 10
    return found


def lenet_masks(level: int, replicate: int) -> Tensors:
    """open_lth's LeNet leaves its last layer out of pruning, and out of mask.pth."""
    g = torch.Generator().manual_seed(50 + replicate)
    return {f"{name}.weight": torch.rand(b, a, generator=g) < 0.7**level
            for name, a, b in zip(THEIRS[:2], SIZES, SIZES[1:], strict=False)}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lenets")
    for r in (1, 2):
        for level in range(3):
            here = root / f"lottery_{HASH}/replicate_{r}/level_{level}/main"
            masks = lenet_masks(level, r)
            save(masked(lenet(r), masks), here / "model_ep0_it0.pth")
            save(lenet(10 * r + level), here / "model_ep40_it0.pth")
            save({n: m.int() for n, m in masks.items()}, here / "mask.pth")
            write("test_accuracy,0,0.1\ntest_accuracy,800,0.9\n", here / "logger")
    return root


def test_levels_replicates_masks_and_starts(real_server: Server, tree: Path, tmp_path: Path) -> None:
    data, store = tmp_path / "data", Store(tmp_path / "store")
    (data / FOLDER).mkdir(parents=True)
    card = inspect_directory(tree, "lenets", copies=data / FOLDER, server=real_server).card
    family, = families(card["directory"])
    assert family == (f"lottery_{HASH}", "main")
    search = bring(card["architecture"]["spec"], Digits(), files(card["directory"], *family), "lenets")
    assert (search.levels, search.replicates) == (2, 2)
    found = answer(search, store, data_root=data)
    assert found.summary["verdict_level"] is not None
    for (level, replicate, _), run in search.runs().items():
        masks, trained = lenet_masks(level, replicate + 1), lenet(10 * (replicate + 1) + level)
        held, ticket = store.get(run.key), store.get(run.ticket.key)
        final, start = masked(trained, masks), masked(lenet(replicate + 1), masks)
        for theirs, ours in zip(THEIRS, OURS, strict=True):
            assert np.array_equal(held.group("final")[f"{ours}.weight"], final[f"{theirs}.weight"].numpy())
            assert np.array_equal(held.group("final")[f"{ours}.bias"], final[f"{theirs}.bias"].numpy())
            kept = masks.get(f"{theirs}.weight", torch.ones_like(final[f"{theirs}.weight"], dtype=torch.bool))
            assert np.array_equal(held.group("mask")[f"{ours}.weight"], kept.numpy())
            assert np.array_equal(ticket.group("start")[f"{ours}.weight"], start[f"{theirs}.weight"].numpy())
        whole = {f"{n}.weight": torch.ones(b, a) for n, a, b in zip(THEIRS, SIZES, SIZES[1:], strict=False)} | masks
        assert held.summary["density"] == pytest.approx(density(whole))


def member(level: int | None, kept: float, replicate: int | None = None, branch: str = "main",
           **clean: str) -> dict[str, Any]:
    return {"experiment": "e", "branch": branch, "level": level, "replicate": replicate, "density": kept,
            "clean": clean}


A, B, C = "a" * 64, "b" * 64, "c" * 64


def test_what_belongs_together() -> None:
    directory = {"members": [
        member(-1, 1.0, final=A, init=B), member(0, 1.0, final=A, rewind=B, init=C), member(1, 0.8, final=B, init=C),
        member(2, 0.6, init=C), {**member(3, 0.5), "density": None}, member(1, 0.8, branch="retrain", final=C)]}
    assert families(directory) == (("e", "main"), ("e", "retrain"))
    assert [(f.level, f.replicate, f.density, f.weights, f.begins) for f in files(directory, "e")] == [
        (0, 0, 1.0, A, B), (1, 0, 0.8, B, C)]
    assert [f.level for f in files(directory, "e", "retrain")] == [1]


@pytest.mark.parametrize(("members", "levels"), [
    ([member(0, 0.5, final=A), member(1, 0.05, final=B)], [1, 2]),
    ([member(None, 0.2, final=A)], [1]),
    ([member(None, 1.0, final=A)], [0]),
    ([member(0, 1.0, 1, final=A), member(1, 0.5, 1, final=B)], [0, 1]),
])
def test_sparse_networks_are_never_level_0(members: list[dict[str, Any]], levels: list[int]) -> None:
    assert [f.level for f in files({"members": members}, "e")] == levels

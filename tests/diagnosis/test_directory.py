"""The entries for directories: members by names, one member read, its clean copies."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lth_engine.core.errors import FileRefused, FileUnreadable
from lth_engine.diagnosis.directory import copy, directory, member
from lth_engine.importing.clean import read_clean
from lth_engine.importing.network import network
from lth_engine.importing.understand import understand
from tests.importing import peer_trees as tree
from tests.importing.peer_trees import accuracy, density, logits, masked, random_masks, resnet20

X = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(6))
TEXTS = ("history", "results", "hyperparameters")


def silent(message: dict[str, Any]) -> None:
    assert message["stage"] in ("reading", "understanding", "copying")


def names(root: Path) -> list[str]:
    return [str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()]


def listed(root: Path) -> dict[str, Any]:
    return directory([], {"files": names(root)}, silent, None)


def asked(root: Path, found: dict[str, Any], index: int, **more: object) -> tuple[list[Path], dict[str, Any]]:
    files: dict[str, str] = found["members"][index]["files"]
    return [root / path for path in files.values()], {
        "peer": found["kind"], "member": found["members"][index], "roles": list(files),
        "kinds": ["" if role in TEXTS else "torch zip" for role in files],
        "name": files["final"], "bytes": 1, "sha256": "ab", **more}


@pytest.fixture(scope="module")
def lottery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lottery")
    tree.open_lth(root, levels=2, replicates=2)
    return root


def test_members_by_names(lottery: Path) -> None:
    found = listed(lottery)
    assert (found["kind"], found["notes"]) == ("open_lth", [])
    assert [(m["replicate"], m["level"]) for m in found["members"]] == [(r, i) for r in (1, 2) for i in (-1, 0, 1)]
    assert found["members"][5]["label"] == "level 1, replicate 2"
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_one_member(lottery: Path) -> None:
    said = member(*asked(lottery, listed(lottery), 5), silent, None)
    assert (said["role"], said["starts"], said["masks"]) == ("final", ["rewind", "init"], "mask.pth")
    assert said["notes"] == []
    assert said["density"] == density(random_masks(resnet20(0), 1, 2))
    assert said["architecture"]["name"] == "ResNet-20"
    assert said["name"].endswith("model_ep160_it0.pth")
    assert said["logs"]["accuracy"] == accuracy(1, 2)
    assert said["logs"]["hyperparameters"]["dataset_name"] == "cifar10"
    assert said["logs"]["history"]["test_accuracy"] == [0.1, accuracy(1, 2)]
    assert json.loads(json.dumps(said, allow_nan=False)) == said


@pytest.mark.parametrize(("write", "seed"), [("trained", 201), ("start", 12)])
def test_clean_copies_hold_weights_and_mask(lottery: Path, write: str, seed: int) -> None:
    out = io.BytesIO()
    member(*asked(lottery, listed(lottery), 5, write=write), silent, out)
    contents, extra = read_clean(out)
    assert extra["member"]["label"] == "level 1, replicate 2"
    assert extra["logs"]["accuracy"] == accuracy(1, 2)
    masks = random_masks(resnet20(0), 1, 2)
    model, held = network(understand(contents))
    with torch.inference_mode():
        torch.testing.assert_close(model(X), logits(masked(resnet20(seed), masks), X), rtol=1e-4, atol=1e-5)
    assert {n: torch.equal(held[n], m) for n, m in masks.items()} == dict.fromkeys(masks, True)
    if write == "trained":  # weights as they were stored: the mask is beside them, not in them
        assert torch.equal(contents.tensors["fc.weight_orig"], resnet20(seed)["fc.weight"])


def test_files_that_the_gate_refused_are_missing(lottery: Path) -> None:
    files, arguments = asked(lottery, listed(lottery), 5)
    keep = [i for i, role in enumerate(arguments["roles"]) if role not in ("final", "mask")]
    arguments |= {"roles": [arguments["roles"][i] for i in keep], "kinds": [arguments["kinds"][i] for i in keep]}
    said = member([files[i] for i in keep], arguments, silent, None)
    assert (said["role"], said["masks"]) == ("rewind", "exact zeros")
    with pytest.raises(FileUnreadable, match="No weights of it could be read"):
        member([], arguments | {"roles": [], "kinds": []}, silent, None)


def test_copies_of_single_files(lottery: Path, tmp_path: Path) -> None:
    base = lottery / f"lottery_{tree.HASH}/replicate_1/level_1/main"
    masks = random_masks(resnet20(0), 1, 1)
    np.save(tmp_path / "mask.npy", np.array(tree.Mask({n: m.float() for n, m in masks.items()}), dtype=object),
            allow_pickle=True)
    for path, kind, wanted in ((base / "model_ep7_it263.pth", "torch zip", masked(resnet20(11), masks)),
                               (base / "mask.pth", "torch zip", masks), (tmp_path / "mask.npy", "npy", masks)):
        out = io.BytesIO()
        said = copy([path], {"kind": kind, "name": path.name, "sha256": "cd"}, silent, out)
        assert said == {"status": "read", "tensors": len(wanted)}
        held = read_clean(out)[0].tensors
        assert {n: torch.equal(held[n], t.to(held[n].dtype)) for n, t in wanted.items()} == dict.fromkeys(wanted, True)


def test_of_no_program() -> None:
    with pytest.raises(FileRefused, match="I looked for"):
        directory([], {"files": ["a.txt", "b/c.pth"]}, silent, None)

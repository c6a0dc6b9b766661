"""The entries for directories: members by names, one member read, its clean copies; the gate's child answers alike."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from lth_engine.core.errors import FileRefused
from lth_engine.diagnosis.directory import directory, member
from lth_engine.gate.ask import ask
from lth_engine.importing.clean import read_clean
from lth_engine.importing.network import network
from lth_engine.importing.understand import understand
from tests.importing import peer_trees as tree
from tests.importing.peer_trees import accuracy, density, logits, masked, random_masks, resnet20

X = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(6))
TEXTS = ("history", "results", "hyperparameters")


def silent(message: dict[str, Any]) -> None:
    assert message["stage"] in ("reading", "understanding", "copying")


def listed(root: Path) -> dict[str, Any]:
    names = [str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()]
    return directory([], {"names": names}, silent, None)


def asked(root: Path, found: dict[str, Any], index: int, **more: object) -> tuple[list[Path], dict[str, Any]]:
    files: dict[str, str] = found["members"][index]["files"]
    return [root / path for path in files.values()], {
        "peer": found["kind"], "member": found["members"][index], "roles": list(files),
        "kinds": ["" if role in TEXTS else "torch zip" for role in files], **more}


@pytest.fixture(scope="module")
def lottery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lottery")
    tree.open_lth(root, levels=2, replicates=2)
    return root


def test_members_by_names(lottery: Path) -> None:
    found = listed(lottery)
    assert (found["kind"], found["notes"]) == ("open_lth", [])
    assert [(m["replicate"], m["level"]) for m in found["members"]] == [(r, i) for r in (1, 2) for i in (-1, 0, 1)]
    last = found["members"][found["last"]]
    assert (last["label"], last["branch"]) == ("level 1, replicate 1", "main")
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_one_member(lottery: Path) -> None:
    found = listed(lottery)
    said = member(*asked(lottery, found, 5, card=True), silent, None)
    masks = random_masks(resnet20(0), 1, 2)
    assert (said["level"], said["replicate"], said["role"], said["starts"]) == (1, 2, "final", ["rewind", "init"])
    assert said["density"] == density(masks)
    assert said["reported_accuracy"] == accuracy(1, 2)
    assert said["hyperparameters"]["dataset_name"] == "cifar10"
    assert said["history"]["test_accuracy"] == [0.1, accuracy(1, 2)]
    assert said["card"]["masks"] == "mask.pth"
    assert said["card"]["name"].endswith("model_ep160_it0.pth")
    assert said["architecture"] == "ResNet-20"
    assert json.loads(json.dumps(said, allow_nan=False)) == said
    assert "card" not in member(*asked(lottery, found, 5), silent, None)


@pytest.mark.parametrize(("write", "seed", "written"), [("trained", 201, "final"), ("start", 12, "start")])
def test_clean_copies_hold_weights_and_mask(lottery: Path, write: str, seed: int, written: str) -> None:
    out = io.BytesIO()
    said = member(*asked(lottery, listed(lottery), 5, write=write), silent, out)
    assert said["written"] == written
    contents, extra = read_clean(out)
    assert extra["name"] == "level 1, replicate 2"
    assert extra["peer"]["reported_accuracy"] == accuracy(1, 2)
    masks = random_masks(resnet20(0), 1, 2)
    checkpoint = understand(contents)
    model, held = network(checkpoint)
    with torch.inference_mode():
        torch.testing.assert_close(model(X), logits(masked(resnet20(seed), masks), X), rtol=1e-4, atol=1e-5)
    assert {n: torch.equal(held[n], m) for n, m in masks.items()} == dict.fromkeys(masks, True)
    if write == "trained":  # weights as they were stored: the mask is beside them, not in them
        assert torch.equal(contents.tensors["fc.weight_orig"], resnet20(seed)["fc.weight"])


def test_a_member_whose_files_were_refused(lottery: Path) -> None:
    files, arguments = asked(lottery, listed(lottery), 5)
    keep = [i for i, role in enumerate(arguments["roles"]) if role not in ("final", "mask")]
    arguments |= {"roles": [arguments["roles"][i] for i in keep], "kinds": [arguments["kinds"][i] for i in keep],
                  "refused": {"final": "The file is empty.", "mask": "This is a web page."}}
    out = io.BytesIO()
    said = member([files[i] for i in keep], arguments, silent, out)
    assert said["role"] == "rewind"
    assert said["written"] == "rewind"
    assert "Final: The file is empty." in said["notes"]
    none = member([], arguments | {"roles": [], "kinds": []}, silent, io.BytesIO())
    assert (none["density"], none["role"], none["written"], none["architecture"]) == (None, "", "", None)


def test_of_no_program() -> None:
    with pytest.raises(FileRefused, match="I looked for"):
        directory([], {"names": ["a.txt", "b/c.pth"]}, silent, None)


def test_the_gates_child_answers_alike(lottery: Path) -> None:
    names = [str(p.relative_to(lottery)) for p in lottery.rglob("*") if p.is_file()]
    found = ask("directory", [], {"names": names})
    assert found == listed(lottery)
    files, arguments = asked(lottery, found, 2, card=True)
    assert ask("member", files, arguments) == member(files, arguments, silent, None)
    with pytest.raises(FileRefused, match="I looked for"):
        ask("directory", [], {"names": ["a.txt"]})

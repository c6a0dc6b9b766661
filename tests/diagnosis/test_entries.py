"""The entries of the gate's child on real files: card, clean copy, and every question about clean copies."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import torch

from lth_engine.core.errors import NotRead
from lth_engine.diagnosis.entries import ENTRIES, inspect
from lth_engine.diagnosis.opened import opened
from lth_engine.models.build import build
from lth_engine.specs.models import CifarResnet
from tests.diagnosis.trained import magnitude_mask

FACTS = {"kind": "torch zip", "name": "a.pt", "bytes": 1, "sha256": "0" * 64}
SPEC = CifarResnet(depth=8, width=8)


@pytest.fixture
def network() -> torch.nn.Module:
    return build(SPEC, 3, 32, 32, 10, 0)


def saved(folder: Path, thing: object, name: str = "a.pt") -> Path:
    torch.save(thing, folder / name)
    return folder / name


def test_a_file_gives_its_card_and_a_clean_copy_that_gives_the_same(tmp_path, network):
    path = saved(tmp_path, {"state_dict": {f"module.{n}": v for n, v in network.state_dict().items()}, "epoch": 3})
    out, heard = io.BytesIO(), []
    found = inspect([path], FACTS, heard.append, out)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["status"], found["architecture"]["name"], found["epoch"]) == ("read", "ResNet-8", 3)
    assert [message["stage"] for message in heard] == ["reading", "understanding", "copying"]
    copy = tmp_path / "clean"
    copy.write_bytes(out.getvalue())
    again = opened(copy)
    assert again.architecture.spec == SPEC
    assert again.unwrapped.wrappers == tuple(found["wrappers"])
    assert all(torch.equal(again.sparse.weights[name], value) for name, value in network.state_dict().items())


def test_masks_of_a_second_file_come_into_the_card_and_the_clean_copy(tmp_path, network):
    masks = magnitude_mask(network, 0.25)
    files = [saved(tmp_path, network.state_dict()), saved(tmp_path, masks, "mask.pth")]
    out = io.BytesIO()
    found = inspect(files, FACTS | {"mask_kind": "torch zip"}, lambda message: None, out)
    assert found["masks"] == "mask.pth"
    assert found["kept"] == sum(int(mask.sum()) for mask in masks.values())
    (tmp_path / "clean").write_bytes(out.getvalue())
    again = opened(tmp_path / "clean")
    assert {name: bool(torch.equal(again.sparse.masks[name], mask)) for name, mask in masks.items()} == dict.fromkeys(
        masks, True)


def test_every_question_answers_about_a_clean_copy(tmp_path, network):
    out = io.BytesIO()
    inspect([saved(tmp_path, network.state_dict())], FACTS, lambda message: None, out)
    copy = tmp_path / "clean"
    copy.write_bytes(out.getvalue())
    for entry, files in (("spectra", [copy]), ("speed", [copy]), ("compare", [copy, copy])):
        json.dumps(ENTRIES[entry](files, {}, lambda message: json.dumps(message, allow_nan=False), None),
                   allow_nan=False)


def test_what_cannot_be_read_says_so(tmp_path):
    (tmp_path / "a").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(NotRead):
        inspect([tmp_path / "a"], FACTS, lambda message: None, None)
    with pytest.raises(NotRead):
        ENTRIES["spectra"]([tmp_path / "a"], {}, lambda message: None, None)

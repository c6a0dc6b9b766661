"""What the gate brings out of a directory: clean copies that compute what the networks did, beside hostile files."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from lth_engine.core.errors import FileRefused
from lth_engine.diagnosis.directory import directory
from lth_engine.gate import ask
from lth_engine.gate.server import Server
from lth_engine.importing.clean import read_clean
from lth_engine.importing.network import network
from lth_engine.importing.understand import understand
from tests.importing import peer_trees as tree
from tests.importing.peer_trees import accuracy, density, logits, masked, random_masks, resnet20

X = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(7))


def outputs(path: Path) -> torch.Tensor:
    with torch.inference_mode():
        return network(understand(read_clean(path)[0]))[0](X)


class Evil:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch {self.marker}",)


@pytest.fixture(scope="module")
def lottery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lottery")
    tree.open_lth(root, levels=3, replicates=1, rewound=False)
    base = root / f"lottery_{tree.HASH}/replicate_1"
    (base / "level_1/main/model_ep160_it0.pth").write_bytes(pickle.dumps(Evil(root / "marker")))
    (base / "level_0/main/mask.pth").write_bytes(b"")
    return root


def test_the_copies_compute_what_the_networks_computed(real_server: Server, lottery: Path, tmp_path: Path) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    card = ask.inspect_directory(lottery, "x", tmp_path / "clean", copies=copies, server=real_server).card
    dense, first, second = card["directory"]["members"]
    assert [m["level"] for m in (dense, first, second)] == [0, 1, 2]
    assert "Mask: The file is empty." in dense["notes"]
    assert dense["density"] == 1
    assert "asks Python to run `posix.system`" in " ".join(first["notes"])
    assert not (lottery / "marker").exists()
    assert (first["role"], list(first["clean"])) == ("init", ["init", "mask"])  # what was left of it
    masks = random_masks(resnet20(0), 2, 1)
    assert (second["density"], second["accuracy"]) == (density(masks), accuracy(2, 1))
    trained, start = logits(masked(resnet20(102), masks), X), logits(masked(resnet20(11), masks), X)
    for path, wanted in ((copies / f"{second['clean']['final']}.safetensors", trained), (tmp_path / "clean", trained),
                         (copies / f"{second['clean']['init']}.safetensors", start)):
        torch.testing.assert_close(outputs(path), wanted, rtol=1e-4, atol=1e-5)
    json.dumps(card, allow_nan=False)


def test_a_folder_deep_inside_is_named_by_where_it_lies(real_server: Server, lottery: Path) -> None:
    here = lottery / f"lottery_{tree.HASH}/replicate_1/level_2/main"
    member, = ask.inspect_directory(here, "main", server=real_server).card["directory"]["members"]
    assert (member["experiment"], member["replicate"], member["level"]) == (f"lottery_{tree.HASH}", 1, 2)


def test_weights_that_the_settings_call_initial(real_server: Server, tmp_path: Path) -> None:
    tree.save(tree.synaptic_flow(resnet20(4), {}), tmp_path / "run/model.pt")
    tree.write(json.dumps({"experiment": "multishot"}), tmp_path / "run/args.json")
    copies = tmp_path / "copies"
    copies.mkdir()
    member, = ask.inspect_directory(tmp_path / "run", "x", copies=copies,
                                    server=real_server).card["directory"]["members"]
    assert (member["role"], list(member["clean"])) == ("init", ["init"])


def test_a_round_of_pruning_is_enough(real_server: Server, tmp_path: Path) -> None:
    """Its mask is a pickled mapping in a .npy, which stage 0 lets through to the inert reader."""
    bare = {n: v for n, v in resnet20(9, option="A", affine=False).items() if n != "fc.bias"}
    masks = random_masks(bare, 1, 1)
    tree.save({"model_state_dict": tree.pruning_is_enough(bare)}, tmp_path / "imp/round_1_finish_model.pth")
    tree.save({"model_state_dict": tree.pruning_is_enough(bare)}, tmp_path / "imp/round_1_model.pth")
    held = tree.Mask(tree.pruning_is_enough({n: m.float() for n, m in masks.items()}))
    np.save(tmp_path / "imp/round_1_mask.npy", np.array(held, dtype=object), allow_pickle=True)
    copies = tmp_path / "copies"
    copies.mkdir()
    card = ask.inspect_directory(tmp_path / "imp", "x", copies=copies, server=real_server).card
    member, = card["directory"]["members"]
    assert (member["density"], member["notes"]) == (density(masks), [])
    assert "factors and shifts" in " ".join(card["notes"])
    copy = copies / f"{member['clean']['final']}.safetensors"
    torch.testing.assert_close(outputs(copy), logits(masked(bare, masks), X), rtol=1e-4, atol=1e-5)


def test_a_child_answers_as_the_entry_does(real_server: Server, lottery: Path) -> None:
    names = sorted(str(p.relative_to(lottery)) for p in lottery.rglob("*") if p.is_file())
    found = ask.ask("directory", [], {"files": names}, server=real_server)
    assert found == directory([], {"files": names}, lambda said: None, None)
    with pytest.raises(FileRefused, match="I looked for"):
        ask.ask("directory", [], {"files": ["a.txt"]}, server=real_server)

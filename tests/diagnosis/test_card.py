"""The card: every key, strict JSON, and numbers counted anew."""

from __future__ import annotations

import dataclasses
import json
import random
import time

import pytest
import torch

from lth_engine.diagnosis.bring import bring
from lth_engine.diagnosis.card import card
from lth_engine.importing.checkpoint import Architecture, Checkpoint, Nearest
from lth_engine.importing.network import network
from lth_engine.importing.understand import understand
from lth_engine.models.build import build
from lth_engine.specs.models import CifarResnet, Lenet300100
from tests.diagnosis.made import checkpoint, of_model
from tests.diagnosis.trained import LENET, trained
from tests.importing.saved import contents

KEYS = {"status", "reason", "name", "bytes", "sha256", "format", "wrappers", "beside", "ignored", "notes", "epoch",
        "facts", "tensors", "parameters", "precision", "architecture", "classes", "nearest", "masks", "density",
        "prunable", "kept", "layers", "findings"}
FACTS = {"name": "a.pt", "bytes": 1500, "sha256": "0" * 64}


def resnet(masks: bool = False) -> Checkpoint:
    spec = CifarResnet(depth=8, width=4)
    model = build(spec, 3, 32, 32, 10, 0)
    kept = {"conv.weight": torch.rand(4, 3, 3, 3) < 0.5} if masks else None
    return of_model(model, spec, (3, 32, 32), 10, kept)


def test_has_every_key_and_is_strict_json():
    found = card(resnet(masks=True), FACTS)
    assert set(found) == KEYS
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["status"], found["name"], found["bytes"]) == ("read", "a.pt", 1500)


def test_counts_what_a_network_holds():
    given = resnet(masks=True)
    found = card(given, FACTS)
    model = build(CifarResnet(depth=8, width=4), 3, 32, 32, 10, 0)
    assert found["parameters"] == sum(p.numel() for p in model.parameters())
    assert found["tensors"] == len(model.state_dict()) + 1
    assert found["classes"] == 10
    matrices = {name: p for name, p in model.named_parameters() if p.ndim >= 2}
    assert [layer["name"] for layer in found["layers"]] == list(matrices)
    assert found["prunable"] == sum(p.numel() for p in matrices.values())
    lost = 108 - int(given.sparse.masks["conv.weight"].sum())
    assert found["kept"] == found["prunable"] - lost
    assert found["density"] == found["kept"] / found["prunable"]
    assert found["layers"][0]["density"] == (108 - lost) / 108
    state = list(model.state_dict().values())
    assert found["precision"] == {"float32": sum(value.numel() for value in state if value.is_floating_point()),
                                  "int64": sum(not value.is_floating_point() for value in state)}
    assert found["architecture"]["spec"] == CifarResnet(depth=8, width=4).to_dict()


def test_a_mask_decides_what_is_kept_and_zeros_under_it_are_told():
    weight, mask = torch.ones(10, 10), torch.ones(10, 10, dtype=torch.bool)
    weight[0] = 0
    mask[:, 0] = False
    found = card(checkpoint({"fc.weight": weight}, {"fc.weight": mask}), FACTS)
    assert (found["kept"], found["prunable"]) == (90, 100)
    assert "9 of the 90 kept weights are exactly 0" in found["notes"][0]


def test_a_file_without_architecture_still_has_a_card():
    found = card(checkpoint({"lstm.weight_ih_l0": torch.randn(40, 10), "embedding.weight": torch.randn(100, 10),
                             "head.weight": torch.randn(7, 10), "head.bias": torch.zeros(7)}), FACTS)
    assert found["architecture"] is None
    assert [layer["prunable"] for layer in found["layers"]] == [True, False, True]
    assert (found["prunable"], found["classes"], found["parameters"]) == (470, 7, 1477)


def test_no_weights_at_all_is_no_error():
    found = card(checkpoint({"steps": torch.tensor(3)}), FACTS)
    assert (found["density"], found["layers"], found["parameters"]) == (None, [], 0)
    json.dumps(found, allow_nan=False)


def test_nan_is_null_in_facts():
    given = checkpoint({"a.weight": torch.ones(2, 2)}, facts={"loss": float("nan"), "epoch": 3})
    assert card(given, FACTS)["facts"] == {"loss": None, "epoch": 3}


def test_names_of_a_renamed_file():
    spec = Lenet300100()
    model = build(spec, 1, 28, 28, 10, 0)
    names = {ours: f"x{index}.{ours.rsplit('.', 1)[-1]}" for index, ours in enumerate(model.state_dict())}
    known = Architecture("LeNet", "", spec, 1, 28, 28, True, 10, {theirs: ours for ours, theirs in names.items()})
    found = card(checkpoint({names[n]: v for n, v in model.state_dict().items()}, None, known), FACTS)
    assert found["prunable"] == 266_200
    assert all(layer["prunable"] for layer in found["layers"])


def test_the_nearest_network_is_told():
    known = Architecture("ResNet-20", "option B", CifarResnet(), 3, 32, 32, False, 10, {"conv1.weight": "conv.weight"})
    given = checkpoint({"a.weight": torch.ones(2, 2)})
    near = Nearest(known, ("fc.bias",), (), (("a.weight", (2, 2), (3, 3)),), False)
    told = card(Checkpoint(given.contents, given.unwrapped, given.sparse, None, near), FACTS)["nearest"]
    assert told == {"name": "ResNet-20", "variant": "option B", "missing": ["fc.bias"], "unexpected": [],
                    "shapes": [["a.weight", [2, 2], [3, 3]]], "renaming": {"conv1.weight": "conv.weight"},
                    "applies": False}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_file_of_nan_has_a_card(value):
    found = card(checkpoint({"a.weight": torch.full((30, 30), value)}), FACTS)
    json.dumps(found, allow_nan=False)
    assert found["findings"][0]["code"] == "non_finite"


def test_a_hundred_megabytes_are_read_off_in_time():
    layers = {f"l{i}.weight": torch.randn(512, 512, 3, 3) for i in range(10)}
    start = time.process_time()  # of all threads, whatever else the machine does
    card(checkpoint(layers), FACTS)
    assert time.process_time() - start < 3


def test_a_count_of_batches_that_is_none_is_no_error():
    state = dict(resnet().sparse.weights)
    state |= {name: torch.tensor(float("inf")) for name in state if name.endswith("num_batches_tracked")}
    assert card(checkpoint(state), FACTS)["status"] == "read"


@pytest.mark.parametrize("seed", range(40))
def test_any_tensors_have_a_card(seed):
    draw = random.Random(seed)
    torch.manual_seed(seed)
    names = ["conv.weight", "conv.bias", "bn.weight", "bn.bias", "bn.running_var", "bn.running_mean", "fc.weight",
             "bn.num_batches_tracked", "fc.bias", "x", "embed.weight", "mask", "a.weight"]
    weights, masks = {}, {}
    for name in draw.sample(names, draw.randint(0, len(names))):
        shape = [draw.choice([0, 1, 2, 3, 17]) for _ in range(draw.randint(0, 5))]
        value = torch.randn(shape).mul(draw.choice([0, 1, 1e-30, 1e30, float("nan"), float("inf")]))
        weights[name] = value.to(draw.choice([torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.int64,
                                              torch.bool]))
        if draw.random() < 0.3:
            masks[name] = torch.rand(shape) < draw.choice([0, 0.5, 1])
    found = card(checkpoint(weights, masks), FACTS)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert set(found) == KEYS


def test_card_network_and_ticket_count_the_same_weights_as_kept():
    """fc1 has a mask with zeros under it, fc2 only exact zeros, fc one zero by chance."""
    model = trained(LENET)
    state = {name: value.clone() for name, value in model.state_dict().items()}
    draw = torch.Generator().manual_seed(0)
    mask = torch.rand(state["fc1.weight"].shape, generator=draw) < 0.5
    state["fc1.weight"][:3] = 0
    state["fc2.weight"][torch.rand(state["fc2.weight"].shape, generator=draw) < 0.3] = 0
    given = of_model(model, LENET, (1, 8, 8), 10, {"fc1.weight": mask})
    given = dataclasses.replace(given, sparse=dataclasses.replace(given.sparse, weights=state))
    found = card(given, FACTS)
    expected = int(mask.sum()) + int((state["fc2.weight"] != 0).sum()) + state["fc.weight"].numel()
    assert found["kept"] == expected
    assert sum(int(kept.sum()) for kept in network(given)[1].values()) == expected
    assert bring(given, "net.pt").mask.density == pytest.approx(found["density"])


@pytest.mark.parametrize(("model", "words"), [
    (torch.nn.LSTM(5, 7, num_layers=12), "48 tensors, LSTM layers"), (torch.nn.GRU(5, 7), "4 tensors, GRU layers"),
    (torch.nn.RNN(5, 7), "4 tensors, recurrent layers"),
    (torch.nn.MultiheadAttention(8, 2), "4 tensors, attention layers"),
    (torch.nn.Conv3d(2, 3, 3), "2 tensors, 3-d convolutions")], ids=lambda value: str(value)[:10])
def test_a_network_that_nothing_is_near_is_named_by_its_layers(model, words):
    found = card(understand(contents(dict(model.state_dict()))), FACTS)
    assert found["notes"] == [f"{words}: I have no architecture for this. Weight statistics only."]
    assert found["classes"] is None


def test_a_list_of_layers_that_is_cut_says_so():
    found = card(checkpoint({f"{i}.weight": torch.ones(2, 2) for i in range(2001)}), FACTS)
    assert (len(found["layers"]), found["prunable"]) == (2000, 8004)
    assert "Of 2,001 weight tensors the first 2,000 are listed" in found["notes"][-1]


def test_tied_weights_count_once():
    """As torch's model.parameters(): one storage under two names."""
    weight = torch.randn(20, 20, generator=torch.Generator().manual_seed(0))
    given = checkpoint({"enc.weight": weight, "enc.bias": torch.zeros(20), "dec.weight": weight,
                        "dec.bias": torch.zeros(20)}, shared={"dec.weight": "enc.weight"})
    found = card(given, FACTS)
    assert (found["parameters"], found["prunable"]) == (440, 400)
    assert "1 tensor shares its values" in next(f["text"] for f in found["findings"] if f["code"] == "tied")


def test_a_layer_of_nan_has_no_signs_to_tell():
    found = card(checkpoint({"a.weight": torch.full((100, 100), float("nan"))}), FACTS)
    assert "signs" not in {finding["code"] for finding in found["findings"]}

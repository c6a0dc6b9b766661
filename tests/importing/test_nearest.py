"""Files that almost fit: what differs is told name by name, and a renaming that is enough is applied on request."""

from __future__ import annotations

import random
import re

import pytest
import torch
from torch import nn

from lth_engine.core.errors import BadInput
from lth_engine.importing.network import network
from lth_engine.importing.prunable import prunable_names
from lth_engine.importing.understand import recognised_with, understand
from lth_engine.models.build import build
from lth_engine.specs.cifar_models import CifarEfficientnetB0
from lth_engine.specs.library_models import Torchvision
from lth_engine.specs.models import CifarResnet, Conv, Lenet300100, MlpMixer, ModelSpec, Vgg
from tests.importing.saved import contents

State = dict[str, torch.Tensor]
SPEC = CifarResnet(depth=14, width=4)


def state(spec: ModelSpec = SPEC, classes: int = 10, side: int = 32) -> State:
    return dict(build(spec, 3, side, side, classes, 1).state_dict())


def renamed(old: State, name: str) -> State:
    """Under names of nobody's, in the same order."""
    layers = list(dict.fromkeys(n.rpartition(".")[0] for n in old))
    return {f"{name}{layers.index(n.rpartition('.')[0])}.{n.rpartition('.')[2]}": t for n, t in old.items()}


def test_a_missing_tensor_is_named() -> None:
    saved = state()
    del saved["blocks.2.conv2.weight"]
    read = understand(contents(saved))
    assert read.architecture is None
    assert read.nearest is not None
    assert read.nearest.architecture.spec == SPEC
    assert (read.nearest.missing, read.nearest.unexpected, read.nearest.shapes) == (("blocks.2.conv2.weight",), (), ())
    assert not read.nearest.applies
    with pytest.raises(BadInput, match="The nearest is ResNet-14"):
        network(read)


def test_an_extra_tensor_is_named() -> None:
    read = understand(contents(state() | {"attention.weight": torch.ones(3, 3)}))
    assert read.architecture is None
    assert read.nearest is not None
    assert (read.nearest.missing, read.nearest.unexpected) == ((), ("attention.weight",))


def test_one_layer_of_another_width_is_named_in_the_files_words() -> None:
    saved = {n.replace("blocks.", "layer1."): t for n, t in state().items()}
    saved["layer1.1.conv1.weight"] = torch.ones(5, 4, 3, 3)
    read = understand(contents({"state_dict": saved}))
    assert read.architecture is None
    assert read.nearest is not None
    assert read.nearest.shapes == (("layer1.1.conv1.weight", (5, 4, 3, 3), (4, 4, 3, 3)),)
    assert (read.nearest.missing, read.nearest.unexpected, read.nearest.applies) == ((), (), False)


def test_any_number_of_classes_is_fine() -> None:
    read = understand(contents(state(classes=3)))
    assert read.architecture is not None
    assert read.architecture.classes == 3


@pytest.mark.parametrize(("spec", "side"), [
    (SPEC, 32), (Vgg(depth=11, width=4), 32), (Torchvision(arch="squeezenet1_1"), 64)],
    ids=["ResNet-14", "VGG-11", "squeezenet1_1"])
def test_unknown_names_in_the_right_order_apply_on_request(spec: ModelSpec, side: int) -> None:
    model = build(spec, 3, side, side, 5, 1).eval()
    saved = contents({"net": renamed(dict(model.state_dict()), "op"), "epoch": 1})
    read = understand(saved)
    assert read.architecture is None
    assert read.nearest is not None
    assert read.nearest.applies
    assert read.nearest.architecture.renaming["op0.weight"] == next(iter(model.state_dict()))
    again = recognised_with(saved, read.nearest.architecture.renaming)
    assert again.architecture is not None
    assert again.architecture.spec == spec
    images = torch.randn((2, 3, side, side), generator=torch.Generator().manual_seed(2))
    assert torch.equal(network(again)[0](images), model(images))


def test_one_unknown_name_among_known_ones_applies_on_request() -> None:
    saved = {n.replace("fc.", "my_head."): t for n, t in state().items()}
    read = understand(contents(saved))
    assert read.architecture is None
    assert read.nearest is not None
    assert read.nearest.applies
    assert dict(read.nearest.architecture.renaming) == {"my_head.weight": "fc.weight", "my_head.bias": "fc.bias"}


def test_equal_shapes_in_another_order_are_not_guessed() -> None:
    saved = renamed(state(), "op")
    turned = dict(sorted(saved.items()))  # op0 op1 op10 op11 ... op2
    read = understand(contents(turned))
    assert read.architecture is None
    assert read.nearest is None or not read.nearest.applies


def test_a_renaming_of_another_file_changes_nothing() -> None:
    saved = contents({"net": renamed(state(), "op")})
    assert recognised_with(saved, {"op0.weight": "fc.weight"}).architecture is None
    assert recognised_with(saved, {"op0.weight": "x", "op1.weight": "x"}).architecture is None


def test_names_of_a_network_that_computes_something_else_do_not_apply() -> None:
    theirs = {"conv": "conv1", "bn": "bn1", "expand": "conv1", "depthwise": "conv2", "project": "conv3",
              "fc": "linear", "gate.squeeze": "se.se1", "gate.excite": "se.se2", "blocks": "layers"}
    words = re.compile(r"gate\.\w+|blocks|\b(?:conv|bn|expand|depthwise|project|fc)\b")
    saved = {words.sub(lambda m: theirs[m[0]], n): t for n, t in state(CifarEfficientnetB0()).items()}
    assert "layers.0.se.se1.weight" in saved
    read = understand(contents(saved))
    assert read.architecture is None
    assert read.nearest is not None
    assert not read.nearest.applies
    assert "first expansion idle" in read.nearest.architecture.variant
    assert (read.nearest.missing, read.nearest.unexpected, read.nearest.shapes) == ((), (), ())


def test_a_recurrent_network_is_near_to_nothing() -> None:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.fc = nn.LSTM(8, 16, num_layers=3), nn.Linear(16, 4)

    read = understand(contents(Recurrent().state_dict()))
    assert (read.architecture, read.nearest) == (None, None)


def test_a_library_network_with_a_tensor_missing_is_near() -> None:
    saved = state(Torchvision(arch="squeezenet1_1"), side=64)
    del saved["features.4.squeeze.weight"]
    read = understand(contents(saved))
    assert read.nearest is not None
    assert read.nearest.architecture.name == "squeezenet1_1"
    assert read.nearest.missing == ("features.4.squeeze.weight",)


@pytest.mark.parametrize(("gone", "missing"), [("fc.", 2), ("blocks.5.", 10)], ids=["the head", "the last block"])
def test_a_part_of_a_network_is_near(gone: str, missing: int) -> None:
    saved = {n: t for n, t in state().items() if not n.startswith(gone)}
    read = understand(contents(saved))
    assert read.nearest is not None
    assert read.nearest.architecture.spec == SPEC
    assert len(read.nearest.missing) == missing
    assert all(name.startswith(gone) for name in read.nearest.missing)


def test_no_mutation_of_a_file_raises() -> None:
    rng = random.Random(7)
    states = [state(), state(Vgg(depth=11, width=2)), state(Lenet300100(first=9, second=5), side=8),
              state(Conv(width=0.05), side=8), state(MlpMixer(width=4, depth=1, token_mlp=3, channel_mlp=5), side=8),
              state(Torchvision(arch="squeezenet1_1"), side=64)]
    shapes = [(), (0,), (1,), (3, 0), (2, 3), (0, 0, 0), (4, 1, 1), (2, 2, 2, 2), (1, 0, 3, 3), (2,) * 5]
    for _ in range(150):
        saved = dict(rng.choice(states))
        for _ in range(rng.randint(1, 6)):
            name = rng.choice(list(saved))
            kind = rng.randrange(4)
            tensor = saved.pop(name)
            if kind == 1:
                saved[name] = torch.zeros(rng.choice(shapes))
            elif kind == 2:
                saved[rng.choice(("", "a/b", ".", "x..y", "weight", f"{name}_orig", "fc.mask", "conv9999999.weight",
                                  "blocks.99999999999.conv1.weight", "features.{n}.conv.weight"))] = tensor
            elif kind == 3:
                saved[name] = tensor.to(rng.choice((torch.bool, torch.int64, torch.float16)))
        read = understand(contents(saved))
        assert read.architecture is None or network(read)[0] is not None
        assert set(prunable_names(read)) <= set(read.sparse.weights)


def unknown_blocks(old: State) -> State:
    """ResNet-110's layers under names whose numbers are right, but that sort wrongly as letters."""
    names = {n.rpartition(".")[0]: f"part.{place}" for place, n in enumerate(
        dict.fromkeys(n.rpartition(".")[0] + "." for n in old))}
    return {f"{names[n.rpartition('.')[0]]}.{n.rpartition('.')[2]}": t for n, t in old.items()}


def test_names_that_are_merely_sorted_tell_no_order() -> None:
    """Safetensors sorts names: 10 before 2, and all blocks of a stage have one shape."""
    spec = CifarResnet(depth=110, width=2)
    saved = unknown_blocks(state(spec))
    read = understand(contents(dict(sorted(saved.items()))))
    assert read.nearest is not None
    assert read.nearest.architecture.name == "ResNet-110"
    assert not read.nearest.applies
    assert "sorts its tensors by name" in read.nearest.architecture.variant
    assert read.nearest.architecture.renaming["part.2.weight"] == list(state(spec))[[*saved].index("part.2.weight")]
    unsorted = understand(contents(saved)).nearest
    assert unsorted is not None
    assert unsorted.applies


def test_sorted_names_are_enough_where_no_two_layers_are_alike() -> None:
    saved = dict(sorted(renamed(state(Lenet300100(), side=8), "op").items()))
    read = understand(contents(saved))
    assert read.nearest is not None
    assert read.nearest.applies

"""The table of known networks, and torchvision's networks found by name, whatever their classes and channels."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest
import torch
import torchvision.models as networks
from torch import nn

from lth_engine.core.spec import from_dict
from lth_engine.importing import known
from lth_engine.importing.nearest import nearest
from lth_engine.importing.network import network
from lth_engine.importing.prunable import named_like_prunable, prunable_names
from lth_engine.importing.recognise import recognise
from lth_engine.importing.skeleton import skeleton
from lth_engine.importing.understand import recognised_with, understand
from lth_engine.masking.prunable import in_network_order
from lth_engine.models.build import build
from lth_engine.specs.library_models import Swin, Timm, Torchvision
from lth_engine.specs.models import CifarResnet, ModelSpec, Resnet
from tests.importing.saved import contents
from tests.models.small import cases

ALL = networks.list_models(module=networks)
SAME_AS_OURS = {"resnet18": Resnet(depth=18, stem="imagenet"), "resnet34": Resnet(depth=34, stem="imagenet"),
                "resnet50": Resnet(depth=50, stem="imagenet"), "swin_t": Swin(size="tiny", patch=4),
                "swin_s": Swin(size="small", patch=4)}
"""Networks of torchvision that the lab has a name of its own for."""


def hollow(spec: ModelSpec, channels: int, side: int, classes: int) -> dict[str, torch.Tensor]:
    """A network's tensors, of the right shapes and without memory of their own."""
    shapes = skeleton(spec, channels, side, side, classes).shapes
    return {name: torch.ones(()).expand(shape) for name, shape in shapes.items()}


@pytest.mark.slow
def test_the_stored_table_is_that_of_the_installed_torchvision() -> None:
    assert json.loads(json.dumps(known.make_table())) == json.loads(known.TABLE.read_text())


def test_the_table_names_networks_that_exist() -> None:
    table = json.loads(known.TABLE.read_text())
    archs = [arch for entry in table["names"].values() for arch in entry[0]]
    assert sorted(archs) == sorted(ALL)
    specs = [from_dict("model", values) for entry in table["kinds"].values() for values in entry]
    assert CifarResnet(depth=56) in specs
    assert sum(isinstance(spec, Torchvision) for spec in specs) == len(ALL)


def check_by_name(arch: str, side: int) -> None:
    tensors = hollow(Torchvision(arch=arch), 3, side, 37)
    started = time.perf_counter()
    found = recognise(tensors)
    assert time.perf_counter() - started < 3
    assert found is not None, nearest(tensors)
    assert found.spec == SAME_AS_OURS.get(arch, Torchvision(arch=arch))
    assert (found.classes, found.channels, found.left_out, found.drawn) == (37, 3, (), ())
    assert not found.renaming


FEW = ("alexnet", "vgg11", "vgg13_bn", "densenet121", "mobilenet_v2", "shufflenet_v2_x0_5", "shufflenet_v2_x1_5",
       "swin_t", "vit_b_32", "regnet_y_400mf", "resnet18", "resnext50_32x4d", "wide_resnet50_2", "googlenet")


@pytest.mark.parametrize("arch", FEW)
def test_a_few_of_torchvision_by_name(arch: str) -> None:
    check_by_name(arch, 224)


@pytest.mark.slow
@pytest.mark.parametrize("arch", ALL)
def test_all_of_torchvision_by_name(arch: str) -> None:
    check_by_name(arch, 299 if arch == "inception_v3" else 224)


@pytest.mark.slow
@pytest.mark.parametrize("arch", ALL)
def test_all_of_torchvision_under_names_of_nobodys(arch: str) -> None:
    spec = Torchvision(arch=arch)
    layers: list[str] = []
    saved = {}
    for name, tensor in hollow(spec, 3, 299 if arch == "inception_v3" else 224, 37).items():
        layer, _, leaf = name.rpartition(".")
        layers += [layer] if layer not in layers else []
        saved[f"q{layers.index(layer)}.{leaf}"] = tensor
    near = nearest(saved)
    if near is None:  # a layer without a name of its own, as a class token's
        assert arch.startswith(("vit_", "convnext_", "swin", "maxvit"))
        return
    assert near.applies
    wanted = hollow(near.architecture.spec, 3, near.architecture.height, 37)
    assert [tuple(t.shape) for t in wanted.values()] == [tuple(t.shape) for t in saved.values()]


def test_a_vision_transformer_says_its_image_size() -> None:
    found = recognise(hollow(Torchvision(arch="vit_b_16"), 1, 96, 5))
    assert found is not None
    assert (found.height, found.width, found.size_known, found.channels) == (96, 96, True, 1)


def test_heads_that_only_training_uses_are_left_out() -> None:
    with torch.device("meta"):
        model = networks.googlenet(weights=None, aux_logits=True, init_weights=False, num_classes=5)
    found = recognise(dict(model.state_dict()))
    assert found is not None
    assert found.left_out
    assert all(name.startswith(("aux1.", "aux2.")) for name in found.left_out)


def test_counters_may_be_missing_and_statistics_all_together() -> None:
    model = build(CifarResnet(depth=8, width=4), 3, 32, 32, 10, 1).eval()
    saved = {n: t for n, t in model.state_dict().items() if not n.endswith("num_batches_tracked")}
    read = understand(contents(saved))
    assert read.architecture is not None
    assert len(read.architecture.drawn) == 9
    images = torch.randn((4, 3, 32, 32), generator=torch.Generator().manual_seed(2))
    assert torch.equal(network(read)[0](images), model(images))
    bare = {n: t for n, t in saved.items() if "running" not in n}
    found = recognise(bare)
    assert found is not None
    assert found.spec == CifarResnet(depth=8, width=4, running_stats=False)
    assert "without running statistics" in found.variant
    del saved["blocks.0.bn1.running_mean"]
    assert recognise(saved) is None


@pytest.mark.parametrize(("spec", "side"), cases())
def test_prunable_weights_are_the_labs_known_or_not(spec: ModelSpec, side: int) -> None:
    model = build(spec, 3, side, side, 7, 1)
    named = {"arch": spec.arch} if isinstance(spec, Timm) else {}
    saved = contents({"net": dict(model.state_dict()), **named})
    read = understand(saved)
    assert set(prunable_names(read)) == set(in_network_order(model))
    stranger = understand(contents(dict(model.state_dict()) | {"odd.thing": torch.ones(2)}))
    assert stranger.architecture is None
    assert set(prunable_names(stranger)) == set(in_network_order(model))


@pytest.mark.parametrize("arch", ["vit_b_16", "maxvit_t", "convnext_tiny", "squeezenet1_0", "efficientnet_v2_s"])
def test_prunable_weights_of_torchvision_by_their_names_alone(arch: str) -> None:
    spec = Torchvision(arch=arch)
    whole = skeleton(spec, 3, 224, 224, 9)
    assert {n for n, s in whole.shapes.items() if named_like_prunable(n, s)} == set(whole.prunable)


def test_recurrent_weights_count_and_embeddings_do_not() -> None:
    model = nn.ModuleDict({"embedding": nn.Embedding(5, 4), "lstm": nn.LSTM(4, 3), "layer_norm": nn.LayerNorm((2, 3))})
    read = understand(contents(dict(model.state_dict())))
    assert prunable_names(read) == ["lstm.weight_ih_l0", "lstm.weight_hh_l0"]


def test_layers_of_a_kind_may_all_do_without_biases_and_one_may_not() -> None:
    model = build(Swin(window=3), 3, 16, 16, 7, 1)
    biases = [f"{n}.bias" for n, m in model.named_modules() if isinstance(m, nn.Linear) and m.bias is not None]
    saved = {n: t for n, t in model.state_dict().items() if n not in biases}
    read = understand(contents(saved))
    assert read.architecture is not None
    assert set(biases) == set(read.architecture.drawn)
    assert read.architecture.variant.endswith("linear layers without biases")
    parameters = dict(network(read)[0].named_parameters())
    assert all(bool((parameters[name] == 0).all()) for name in biases)
    del saved["features.1.0.norm1.bias"]
    lacking = understand(contents(saved | {biases[0]: model.state_dict()[biases[0]]}))
    assert lacking.architecture is None
    assert lacking.nearest is not None
    assert set(lacking.nearest.missing) == {"features.1.0.norm1.bias", *biases[1:]}


def test_biases_left_out_are_zero_however_the_network_draws_them() -> None:
    saved = {f"fc{n}.weight": torch.ones(shape) for n, shape in (("1", (5, 16)), ("2", (4, 5)), ("", (3, 4)))}
    read = understand(contents(saved))
    assert read.architecture is not None
    drawing = replace(read.architecture, spec=read.architecture.spec.replace(init="library"))
    model, _ = network(replace(read, architecture=drawing))
    assert torch.equal(model(torch.ones(1, 1, 4, 4)), torch.full((1, 3), 16.0 * 5 * 4))


def test_a_hundred_megabytes_within_a_third_of_a_second() -> None:
    spec = Resnet(depth=50, stem="imagenet")
    saved = contents({"state_dict": {f"module.{n}": t for n, t in hollow(spec, 3, 224, 1000).items()}})
    understand(saved)
    started = time.process_time()
    read = understand(saved)
    assert read.architecture is not None
    assert time.process_time() - started < 0.3


def test_a_renaming_is_composed_with_known_names() -> None:
    model = build(CifarResnet(depth=8, width=4), 3, 32, 32, 10, 1).eval()
    saved = contents({n.replace("fc.", "top."): t for n, t in model.state_dict().items()})
    read = recognised_with(saved, {"top.weight": "linear.weight", "top.bias": "linear.bias"})
    assert read.architecture is not None
    assert dict(read.architecture.renaming) == {"top.weight": "fc.weight", "top.bias": "fc.bias"}

"""Networks saved by peers' own code, in peers' own files: the lab's network computes their logits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torchvision.models
from torch import nn
from torch.nn.utils import prune

from lth_engine.importing.checkpoint import Checkpoint
from lth_engine.importing.network import network, original_names
from lth_engine.importing.prunable import prunable_names
from lth_engine.importing.understand import understand
from lth_engine.specs.cifar_models import CifarMobilenetV2
from lth_engine.specs.models import CifarResnet, Conv, Lenet300100, ModelSpec, Resnet, Vgg
from tests.importing.peer_networks import (
    AwsMobilenet,
    FeaturesAndClassifier,
    HiddenResnet,
    OpenLthLenet,
    OpenLthVgg,
    PooledVgg,
    ResidualFunctionResnet,
    StagedResnet,
    SynapticFlowResnet,
    linear_as_line,
)
from tests.importing.saved import contents
from tests.importing.test_wrappers import moved

State = dict[str, torch.Tensor]

PLAIN: dict[str, tuple[Callable[[], nn.Module], ModelSpec, int, int]] = {
    "lth-pacbayes": (lambda: StagedResnet((3, 3, 3), 4, "shortcut", "fc"), CifarResnet(width=4), 3, 32),
    "option A": (lambda: StagedResnet((3, 3, 3), 4, "shortcut", "linear", pads=True),
                 CifarResnet(width=4, shortcut="padding"), 3, 32),
    "downsample": (lambda: StagedResnet((2, 2, 2), 4, "downsample", "fc"), CifarResnet(depth=14, width=4), 3, 32),
    "open_lth VGG": (lambda: OpenLthVgg((8, 0, 16, 0, 32, 32, 0, 64, 64, 0, 64, 64)), Vgg(depth=11, width=8), 3, 32),
    "pytorch-cifar VGG": (lambda: PooledVgg((8, 0, 16, 0, 32, 32, 0, 64, 64, 0, 64, 64, 0), "features"),
                          Vgg(depth=11, width=8, last_pool="max"), 3, 32),
    "network-slimming": (lambda: PooledVgg((8, 0, 16, 0, 32, 32, 0, 64, 64, 0, 64, 64), "feature"),
                         Vgg(depth=11, width=8), 3, 32),
    "open_lth LeNet": (OpenLthLenet, Lenet300100(first=30, second=20), 1, 28),
    "Conv-2": (FeaturesAndClassifier, Conv(layers=2, width=0.25), 1, 28),
    "AWS": (AwsMobilenet, CifarMobilenetV2(), 3, 32),
    "pytorch-cifar": (lambda: StagedResnet((2, 2, 2, 2), 64, "shortcut", "linear"), Resnet(), 3, 32),
    "pytorch-cifar100": (ResidualFunctionResnet, Resnet(), 3, 32),
    "Synaptic-Flow": (lambda: SynapticFlowResnet(4), CifarResnet(depth=8, width=4), 3, 32),
    "pruning_is_enough": (HiddenResnet, CifarResnet(depth=8, width=4), 3, 32),
}


def same_logits(read: Checkpoint, model: nn.Module, spec: ModelSpec, channels: int, side: int) -> None:
    """The network found is `spec` and computes the same; masks are those of zero weights."""
    assert read.architecture is not None, read.nearest
    assert read.architecture.spec == spec
    again, _ = network(read)
    images = torch.randn((2, channels, side, side), generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(again(images), model(images), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("peer", PLAIN)
def test_plain(peer: str) -> None:
    make, spec, channels, side = PLAIN[peer]
    model = moved(make())
    read = understand(contents({"state_dict": model.state_dict()}))
    same_logits(read, model, spec, channels, side)
    assert len(prunable_names(read)) == len(network(read)[1])
    backwards = dict(sorted(model.state_dict().items(), reverse=True))  # names lead, not their order
    same_logits(understand(contents(backwards)), model, spec, channels, side)


def random_masks(model: nn.Module) -> State:
    """Of every convolution and linear layer, a third pruned."""
    generator = torch.Generator().manual_seed(5)
    return {f"{name}.weight": (torch.rand(module.weight.shape, generator=generator) > 1 / 3).float()
            for name, module in model.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)}


def pruned(model: nn.Module, masks: State) -> nn.Module:
    """The model itself, with its pruned weights at zero."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name in masks:
                parameter.mul_(masks[name])
    return model


def interleaved(state: State, masks: State, leaf: str, kind: torch.dtype) -> State:
    """Each weight followed by its mask under the layer's name."""
    saved: State = {}
    for name, tensor in state.items():
        saved[name] = tensor
        if name in masks:
            saved[f"{name.rpartition('.')[0]}.{leaf}"] = masks[name].to(kind)
    return saved


def check_masks(read: Checkpoint, masks: State, convention: str) -> None:
    assert read.sparse.convention == convention
    assert set(read.sparse.masks) == set(masks)
    assert all(torch.equal(read.sparse.masks[name], mask.bool()) for name, mask in masks.items())
    ours = network(read)[1]
    for name, path in original_names(read).items():
        theirs = next((m for n, m in masks.items() if read.sparse.paths[n] == path), None)
        assert theirs is None or torch.equal(ours[name], theirs.bool())


@pytest.mark.parametrize("kind", [torch.float32, torch.bool], ids=["float", "bool"])
def test_aws_with_stale_weights(kind: torch.dtype) -> None:
    model = moved(AwsMobilenet())
    masks = {n: m for n, m in random_masks(model).items() if n != "linear.weight"}
    saved = contents({"epoch": 200, "acc": 60.1, "optimizer": {"state": {}, "param_groups": [{"lr": 0.1}]},
                      "state_dict": interleaved(model.state_dict(), masks, "fixed_m", kind)})
    read = understand(saved)  # pruned weights of the file are not zero
    check_masks(read, masks, "fixed_m")
    same_logits(read, pruned(model, masks), CifarMobilenetV2(), 3, 32)
    assert read.unwrapped.epoch == 200


def test_turboprune_with_a_head_of_length_one() -> None:
    model = torchvision.models.resnet18(num_classes=10)
    model.conv1, model.maxpool = nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.Identity()  # type: ignore[assignment]
    masks = random_masks(moved(model))
    saved = interleaved(model.state_dict(), masks, "mask", torch.float32)
    saved = linear_as_line(linear_as_line(saved, "fc"), "nothing") | {"fc.mask": masks["fc.weight"].unsqueeze(2)}
    read = understand(contents(saved))
    check_masks(read, masks, "mask")
    same_logits(read, pruned(model, masks), Resnet(), 3, 32)


def test_synaptic_flow_masks_of_weights_and_biases() -> None:
    model = moved(SynapticFlowResnet(4))
    masks = random_masks(model)
    everywhere = masks | {n: torch.ones_like(p) for n, p in model.named_parameters()
                          if n not in masks and n.endswith("weight")}
    saved = interleaved(model.state_dict(), everywhere, "weight_mask", torch.float32)
    saved["fc.bias_mask"] = torch.ones(10)
    saved["fc.bias_mask"][3] = 0
    read = understand(contents(saved))
    assert set(read.sparse.masks) == {*everywhere, "fc.bias"}
    assert not read.sparse.masks["fc.bias"][3]
    pruned(model, masks)
    with torch.no_grad():
        model.fc.bias[3] = 0
    same_logits(read, model, CifarResnet(depth=8, width=4), 3, 32)
    assert read.architecture is not None
    assert read.architecture.left_out == ("blocks.0.shortcut.weight",)


def test_a_scaling_shortcut_is_not_left_out() -> None:
    model = SynapticFlowResnet(4)
    with torch.no_grad():
        model.blocks[0].shortcut.weight[0] = 0.5
    read = understand(contents(model.state_dict()))
    assert read.architecture is None
    assert read.nearest is not None
    assert read.nearest.unexpected == ("blocks.0.shortcut.weight",)


def test_open_lth_checkpoint_and_mask_file() -> None:
    model = moved(StagedResnet((1, 1, 1), 4, "shortcut", "fc"))
    masks = random_masks(model)
    inner = {f"model.{n}": t for n, t in model.state_dict().items()}
    buffers = {f"mask_{n.replace('.', '___')}": m for n, m in masks.items()}
    pruned(model, masks)
    spec = CifarResnet(depth=8, width=4)
    for prefix in ("", "module."):
        state = {f"{prefix}{n}": t for n, t in (inner | buffers).items()}
        read = understand(contents({"ep": 3, "it": 7, "model_state_dict": state, "logger": "test_loss,0,2.3"}))
        check_masks(read, masks, "mask_NAME")
        same_logits(read, model, spec, 3, 32)
    beside = contents({n: m.to(torch.int32) for n, m in masks.items()})
    read = understand(contents({n.removeprefix("model."): t for n, t in inner.items()}), beside)
    check_masks(read, masks, "mask.pth")
    same_logits(read, model, spec, 3, 32)


def test_torch_prune_of_weights_and_biases() -> None:
    model = moved(StagedResnet((1, 1, 1), 4, "shortcut", "linear", pads=True))
    for module in list(model.modules()):
        if isinstance(module, nn.Conv2d | nn.Linear):
            prune.random_unstructured(module, "weight", amount=0.5)
    prune.l1_unstructured(model.linear, "bias", amount=3)  # type: ignore[arg-type]
    images = torch.randn((2, 3, 32, 32), generator=torch.Generator().manual_seed(2))
    read = understand(contents(model.state_dict()))
    assert read.sparse.convention == "weight_orig and weight_mask"
    assert int(read.sparse.masks["linear.bias"].sum()) == 7
    assert not any(n.endswith(("_orig", "_mask")) for n in read.sparse.weights)
    assert read.sparse.paths["conv1.weight"] == "conv1.weight_orig"
    torch.testing.assert_close(network(read)[0](images), model(images), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("scored", [False, True], ids=["flags alone", "with scores"])
def test_pruning_is_enough_flags_and_scores(scored: bool) -> None:
    model = moved(HiddenResnet())
    masks = random_masks(model)
    saved: dict[str, Any] = {}
    for name, tensor in model.state_dict().items():
        saved[name] = tensor
        layer = name.rpartition(".")[0]
        if name in masks:
            flag = masks[name] if not scored else torch.ones_like(tensor)
            saved |= {f"{layer}.flag": flag, f"{layer}.bias_flag": torch.full((1,), torch.nan)}
            if scored:
                saved |= {f"{layer}.scores": 0.3 + 0.4 * masks[name], f"{layer}.bias_scores": torch.empty(1)}
    read = understand(contents(saved))
    masks["fc.weight"] = masks["fc.weight"].flatten(1)
    check_masks(read, masks, "flag")
    pruned(model, masks | {"fc.weight": masks["fc.weight"][:, :, None, None]})
    same_logits(read, model, CifarResnet(depth=8, width=4), 3, 32)


def test_scores_of_edge_popup_are_told() -> None:
    scores = torch.randn((4, 3), generator=torch.Generator().manual_seed(1))
    read = understand(contents({"fc.weight": torch.ones(4, 3), "fc.flag": torch.ones(4, 3), "fc.scores": scores}))
    assert read.sparse.masks["fc.weight"].all()
    assert "edge-popup" in read.sparse.notes[0]


def test_odd_values_in_a_mask_are_kept_and_told() -> None:
    read = understand(contents({"fc.weight": torch.ones(2, 2), "fc.mask": torch.tensor([[0.0, 0.5], [1.0, -2.0]])}))
    assert read.sparse.masks["fc.weight"].tolist() == [[False, True], [True, True]]
    assert "other than 0 and 1" in read.sparse.notes[0]


def test_masks_under_a_key_of_their_own() -> None:
    weights = {"fc1.weight": torch.ones(2, 2), "fc1.bias": torch.ones(2)}
    read = understand(contents({"state_dict": weights, "masks": {"fc1": torch.tensor([[1, 0], [1, 1]])}}))
    assert read.sparse.masks["fc1.weight"].tolist() == [[True, False], [True, True]]
    assert read.sparse.convention == "masks"


def test_a_mask_file_alone_is_no_network() -> None:
    model = OpenLthLenet()
    read = understand(contents({n: m.to(torch.int32) for n, m in random_masks(model).items()}))
    assert (read.architecture, read.nearest) == (None, None)
    assert "mask file" in read.sparse.notes[0]


def test_exact_zeros_are_no_masks() -> None:
    weights = torch.full((10, 10), 0.5)
    assert understand(contents({"fc.weight": weights})).sparse.convention == "none"
    weights[0] = 0
    read = understand(contents({"fc.weight": weights}))
    assert (read.sparse.convention, dict(read.sparse.masks)) == ("exact zeros", {})


def test_a_nan_under_a_mask_is_pruned() -> None:
    read = understand(contents({"fc.weight": torch.tensor([[1.0, torch.nan]]), "fc.mask": torch.tensor([[1, 0]])}))
    assert read.sparse.effective()["fc.weight"].tolist() == [[1.0, 0.0]]

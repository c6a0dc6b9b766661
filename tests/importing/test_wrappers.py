"""Every network of the catalogue in every wrapper: the same network comes out, and computes the same logits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from lth_engine.importing.network import network, original_names
from lth_engine.importing.understand import understand
from lth_engine.importing.unwrap import unwrap
from lth_engine.models.build import build
from lth_engine.specs.cifar_models import CifarEfficientnetB0, CifarMobilenetV2, CifarShufflenet
from lth_engine.specs.library_models import Swin, Timm, Torchvision
from lth_engine.specs.models import ModelSpec, Resnet
from tests.importing.saved import contents
from tests.models.small import cases

State = dict[str, torch.Tensor]


def prefixed(state: State, *prefixes: str) -> State:
    return {"".join(prefixes) + name: tensor for name, tensor in state.items()}


def optimizer(state: State) -> dict[str, Any]:
    momenta = [{"momentum_buffer": t} for t in state.values() if t.is_floating_point()]
    return {"state": dict(enumerate(momenta)), "param_groups": [{"lr": 0.1}]}


WRAPPERS: dict[str, tuple[Callable[[State], dict[str, Any]], tuple[str, ...]]] = {
    "flat": (lambda s: s, ()),
    "DataParallel": (lambda s: {"state_dict": prefixed(s, "module."), "epoch": 3}, ("state_dict", "module.")),
    "compiled": (lambda s: {"model": prefixed(s, "_orig_mod.")}, ("model", "_orig_mod.")),
    "both": (lambda s: {"net": prefixed(s, "module.", "_orig_mod."), "acc": 91.2, "epoch": 3},
             ("net", "_orig_mod.", "module.")),
    "Lightning": (lambda s: {"state_dict": prefixed(s, "net."), "pytorch-lightning_version": "2.5", "epoch": 3,
                             "global_step": 1173, "hyper_parameters": {"lr": 0.1}},
                  ("state_dict", "Lightning", "net.")),
    "with optimizer": (lambda s: {"model_state_dict": s, "optimizer_state_dict": optimizer(s), "epoch": 3},
                       ("model_state_dict",)),
    "timm": (lambda s: {"arch": "vit_tiny_patch16_224", "state_dict": s,
                        "state_dict_ema": {n: t * 0 for n, t in s.items()}, "epoch": 3}, ("state_dict",)),
    "averaged": (lambda s: {"n_averaged": torch.tensor(5), **prefixed(s, "module.")}, ("module.",)),
    "nested": (lambda s: {"checkpoint": {"params": prefixed(s, "model.", "backbone."), "step": 10}},
               ("checkpoint", "params", "model.", "backbone.")),
    "groups": (lambda s: {name.replace(".", "/"): tensor for name, tensor in s.items()}, ()),
}


@pytest.fixture(scope="module")
def built() -> Callable[[ModelSpec, int], nn.Module]:
    made: dict[tuple[ModelSpec, int], nn.Module] = {}

    def build_once(spec: ModelSpec, side: int) -> nn.Module:
        if (spec, side) not in made:
            made[spec, side] = moved(build(spec, 3, side, side, 7, 1))
        return made[spec, side]
    return build_once


def moved(model: nn.Module) -> nn.Module:
    """With running statistics and biases that are not those of the start, so that each of them counts."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if tensor.dim() == 1 and tensor.is_floating_point():
                tensor.mul_(1 + 0.1 * torch.rand(tensor.shape, generator=generator)).add_(
                    0.01 * torch.rand(tensor.shape, generator=generator))
    return model.eval()


EVERYDAY = ("flat", "both")
LARGE = (Resnet, Swin, Torchvision, Timm, CifarMobilenetV2, CifarShufflenet, CifarEfficientnetB0)


def pairs() -> list[Any]:
    """Every network with every wrapper; the large ones with most wrappers are slow."""
    found = []
    for case in cases():
        for wrapper in WRAPPERS:
            slow = isinstance(case.values[0], LARGE) and wrapper not in EVERYDAY
            found.append(pytest.param(*case.values, wrapper, id=f"{case.id}-{wrapper}",
                                      marks=[pytest.mark.slow] if slow else []))
    return found


@pytest.mark.parametrize(("spec", "side", "wrapper"), pairs())
def test_the_same_logits(spec: ModelSpec, side: int, wrapper: str, built: Any) -> None:
    model = built(spec, side)
    wrap, taken = WRAPPERS[wrapper]
    saved = contents(wrap(model.state_dict()))
    read = understand(saved)
    assert read.unwrapped.wrappers == taken
    if isinstance(spec, Timm) and wrapper != "timm":  # only the network that a file names is tried
        assert read.architecture is None
        return
    assert read.architecture is not None
    assert read.architecture.spec == spec
    assert (read.architecture.classes, read.architecture.channels) == (7, 3)
    assert read.unwrapped.epoch == (3 if "epoch" in saved.facts else None)
    again, masks = network(read)
    images = torch.randn((2, 3, side, side), generator=torch.Generator().manual_seed(2))
    assert torch.equal(again(images), model(images))
    assert all(mask.all() for mask in masks.values())
    names = original_names(read)
    assert all(torch.equal(saved.tensors[names[n]], t) for n, t in model.state_dict().items() if n in names)
    assert set(dict(model.named_parameters())) <= set(names)


def test_a_layer_that_is_truly_named_module() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module, self.fc = nn.Linear(4, 3), nn.Linear(3, 2)

    read = unwrap(contents(Net().state_dict()))
    assert list(read.tensors) == ["module.weight", "module.bias", "fc.weight", "fc.bias"]
    assert read.wrappers == ()
    alone = unwrap(contents({"module.weight": torch.ones(3, 4), "module.bias": torch.ones(3)}))
    assert list(alone.tensors) == ["module.weight", "module.bias"]
    parallel = unwrap(contents(prefixed(Net().state_dict(), "module.")))
    assert list(parallel.tensors) == list(read.tensors)
    assert parallel.wrappers == ("module.",)


def test_what_lies_beside_is_told() -> None:
    state = {"fc1.weight": torch.ones(4, 3), "fc1.bias": torch.ones(4)}
    read = unwrap(contents({"state_dict": state, "state_dict_ema": state, "optimizer": optimizer(state), "it": 7}))
    assert read.beside == ("a moving average of the weights, `state_dict_ema` (2 tensors)",
                           "optimizer state (2 tensors)", "step 7")
    assert dict(read.paths) == {"fc1.weight": "state_dict/fc1.weight", "fc1.bias": "state_dict/fc1.bias"}


def test_the_larger_of_two_networks() -> None:
    small, large = ({"fc.weight": torch.ones(2, n), "fc.bias": torch.ones(2)} for n in (3, 30))
    read = unwrap(contents({"student": small, "other": large}))
    assert read.tensors["fc.weight"].shape == (2, 30)
    assert read.wrappers == ("other",)
    assert read.beside == ("another network, `student` (2 tensors)",)


def test_the_network_before_its_average() -> None:
    weights = {"fc.weight": torch.ones(2, 3), "fc.bias": torch.ones(2)}
    assert unwrap(contents({"ema": weights, "model": weights})).wrappers == ("model",)


def test_an_average_alone_is_the_network() -> None:
    read = unwrap(contents({"ema": {"fc.weight": torch.ones(2, 3), "fc.bias": torch.ones(2)}}))
    assert read.wrappers == ("ema",)
    assert set(read.tensors) == {"fc.weight", "fc.bias"}


def test_epochs_that_were_wished_for_are_no_state() -> None:
    assert unwrap(contents({"net": {"fc.weight": torch.ones(2, 3)}, "args": {"epochs": 160}})).epoch is None
    assert unwrap(contents({"net": {"fc.weight": torch.ones(2, 3)}, "ep": 12, "args": {"epochs": 160}})).epoch == 12


def test_the_end_of_training_before_its_start() -> None:
    start, end = ({"fc.weight": torch.full((2, 3), value), "fc.bias": torch.zeros(2)} for value in (0.0, 1.0))
    read = unwrap(contents({"start": start, "final": end}))
    assert read.wrappers == ("final",)
    assert unwrap(contents({"start": start})).wrappers == ("start",)


def test_an_average_beside_the_network_under_one_key() -> None:
    weights = {"conv.weight": torch.ones(2, 2, 3, 3), "fc.weight": torch.ones(2, 3)}
    read = unwrap(contents({"state_dict": prefixed(weights, "ema.") | prefixed(weights, "model.")
                            | {"criterion.weight": torch.ones(2)}}))
    assert set(read.tensors) == set(weights)
    assert read.paths["fc.weight"] == "state_dict/model.fc.weight"
    assert read.beside == ("a moving average of the weights (2 tensors)", "1 tensor of the wrapper")


def test_prefixes_in_the_middle_of_names() -> None:
    read = unwrap(contents({"model.layer1._orig_mod.0.conv1.weight": torch.ones(2, 2, 3, 3),
                            "model.fc.weight": torch.ones(2, 2)}))
    assert set(read.tensors) == {"layer1.0.conv1.weight", "fc.weight"}
    assert read.wrappers == ("_orig_mod.", "model.")

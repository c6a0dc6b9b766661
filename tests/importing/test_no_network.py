"""Files of an optimizer's state or of masks alone are told to be that, and count no weight."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from lth_engine.diagnosis.card import card
from lth_engine.importing.contents import Contents
from lth_engine.importing.understand import understand
from tests.importing.saved import contents


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(30, 20), nn.ReLU(), nn.Linear(20, 5))


def told(saved: dict[str, Any]) -> dict[str, Any]:
    found = card(understand(contents(saved)), {})
    assert (found["architecture"], found["nearest"], found["density"], found["classes"]) == (None, None, None, None)
    assert (found["prunable"], found["parameters"], found["layers"]) == (0, 0, [])
    assert [finding["code"] for finding in found["findings"]] == ["no_network"]
    return found


@pytest.mark.parametrize("wrapped", [False, True], ids=["alone", "wrapped"])
@pytest.mark.parametrize(("kind", "words"), [
    ("Adam", "exp_avg, exp_avg_sq"), ("SGD", "momentum_buffer"), ("RMSprop", "square_avg"), ("Adagrad", "sum")])
def test_an_optimizers_state_is_no_network(kind: str, words: str, wrapped: bool) -> None:
    model = network()
    optimizer = getattr(torch.optim, kind)(model.parameters(), lr=0.1, **({"momentum": 0.9} if kind == "SGD" else {}))
    model(torch.ones(4, 30)).sum().backward()
    optimizer.step()
    state = optimizer.state_dict()
    note = told({"optimizer": state, "epoch": 3} if wrapped else state)["notes"][-1]
    assert f"an optimizer's state ({words})" in note
    assert "Bring the file that holds the weights." in note


@pytest.mark.parametrize("dtype", [torch.bool, torch.float32, torch.uint8])
@pytest.mark.parametrize("leaf", ["weight", "weight_mask", "mask"])
def test_masks_alone_are_no_network(leaf: str, dtype: torch.dtype) -> None:
    draw = torch.Generator().manual_seed(0)
    masks = {name.replace("weight", leaf): (torch.rand(value.shape, generator=draw) < 0.5).to(dtype)
             for name, value in network().named_parameters() if value.ndim == 2}
    assert "looks like a mask file" in told(masks)["notes"][-1]


def test_whole_numbers_that_are_no_masks_are_not_called_masks() -> None:
    note = told({"a.weight": torch.arange(25).reshape(5, 5)})["notes"][-1]
    assert "whole numbers" in note
    assert "mask" not in note


def test_a_network_of_one_size_is_a_network() -> None:
    assert understand(contents({"a.weight": torch.ones(5, 5)})).sparse.weights


def test_results_of_the_lab_are_no_weights() -> None:
    grids = {name: torch.rand(11, 11) for name in ("loss", "error")}
    found = card(understand(Contents("lottery lab HDF5", grids)), {})
    assert (found["prunable"], found["density"]) == (0, None)
    found = card(understand(Contents("lottery lab HDF5", {"unknown.weight": torch.rand(11, 11), **grids})), {})
    assert found["prunable"] == 121

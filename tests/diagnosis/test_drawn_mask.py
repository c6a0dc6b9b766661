"""Masks drawn for a network from a file: those of naive rewrites, exact counts, and what is pruned stays pruned."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from lth_engine.core.errors import BadInput
from lth_engine.diagnosis.brought import Weighed
from lth_engine.diagnosis.drawn_mask import draw
from lth_engine.specs.scorers import Grasp, Magnitude, RandomScore, ScorerSpec, SmallMagnitude, Snip, Synflow
from tests.diagnosis.brought import LENET, RESNET, SIZE, come, images
from tests.oracles import naive_scores

DENSITY = 0.1


def together(masks: dict[str, np.ndarray], names: list[str]) -> np.ndarray:
    return np.concatenate([np.asarray(masks[name]).reshape(-1) for name in names])


def naive(name: str, model: torch.nn.Module, shown: list[tuple[torch.Tensor, torch.Tensor]]) -> dict[str, np.ndarray]:
    """The same mask by loops, in float64."""
    model = copy.deepcopy(model).double().eval()
    batches = [(x.double(), y) for x, y in shown]
    total = sum(weight.numel() for weight in naive_scores.layers(model).values())
    if name == "synflow":
        return naive_scores.synflow(model, (3, SIZE, SIZE), DENSITY, 100)
    return naive_scores.best(getattr(naive_scores, name)(model, batches), round(DENSITY * total))


@pytest.mark.parametrize("scorer", [Magnitude(), Snip(), Grasp(), Synflow()], ids=lambda spec: spec.name)
def test_masks_are_those_of_naive_rewrites(scorer: ScorerSpec) -> None:
    network, batch = come(RESNET, 3), images(20, 3)
    found = draw(network.weighed(), scorer, DENSITY, batch)
    wanted = naive(scorer.name, network.model, list(batch.in_order()))
    assert {f"module.{name}" for name in wanted} == set(found)
    ours = together(found, [f"module.{name}" for name in wanted])
    theirs = together(wanted, list(wanted))
    assert ours.sum() == theirs.sum() == round(DENSITY * len(ours))
    assert (ours != theirs).sum() <= 2, "float32 may swap two weights at the threshold"


def test_all_images_of_the_batch_are_shown() -> None:
    network = come(RESNET, 3)
    few, many = (draw(network.weighed(), Snip(images=1), DENSITY, images(count, 3)) for count in (20, 300))
    wanted = naive("snip", network.model, list(images(300, 3).in_order()))
    ours = together(many, [f"module.{name}" for name in wanted])
    assert (ours != together(wanted, list(wanted))).sum() <= 4
    assert any((few[name] != many[name]).any() for name in few)


@pytest.mark.parametrize("scorer", [Magnitude(), Snip(), RandomScore(), Synflow(rounds=7)], ids=lambda spec: spec.name)
def test_what_is_pruned_stays_pruned_and_counts_are_exact(scorer: ScorerSpec) -> None:
    network = come(RESNET, 3, density=0.4)
    found = draw(network.weighed(), scorer, 0.07, images(10, 3))
    total = sum(kept.numel() for kept in network.allowed.values())
    assert sum(int(kept.sum()) for kept in found.values()) == round(0.07 * total)
    for name, allowed in network.allowed.items():
        assert not (found[f"module.{name}"] & ~allowed.numpy()).any()
        assert found[f"module.{name}"].dtype == np.bool_


def test_the_network_stays_as_it_was() -> None:
    network, batch = come(RESNET, 3), images(10, 3)
    before = copy.deepcopy(network.model.state_dict())
    for scorer in (Snip(norm_statistics="batch"), Synflow(rounds=3), Grasp()):
        draw(network.weighed(), scorer, DENSITY, batch)
    after = network.model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_seeds_scopes_and_opposites() -> None:
    network = come(LENET, 1)
    weights, names = network.weighed(), [f"module.{name}" for name in network.allowed]
    first, again, other = (together(draw(weights, RandomScore(), 0.5, None, seed=seed), names) for seed in (3, 3, 4))
    assert (first == again).all()
    assert (first != other).any()
    large, small = (together(draw(weights, spec, 0.5, None), names) for spec in (Magnitude(), SmallMagnitude()))
    assert (large == ~small).all()
    layerwise = draw(network.weighed(), Magnitude(), 0.5, None, scope="layerwise")
    assert {name: int(kept.sum()) for name, kept in layerwise.items()} == {
        name: round(0.5 * kept.size) for name, kept in layerwise.items()}


def test_weights_without_a_network() -> None:
    network = come(LENET, 1, density=0.5)
    bare = Weighed(network.weighed().values, network.allowed, network.names, "net.pt")
    for spec in (Magnitude(), RandomScore()):
        one, other = (draw(weights, spec, 0.2, None) for weights in (bare, network.weighed()))
        assert all((one[name] == other[name]).all() for name in other)


def test_what_cannot_be_drawn() -> None:
    network = come(LENET, 1, density=0.3)
    with pytest.raises(BadInput, match="Give them with --batch"):
        draw(network.weighed(), Snip(), 0.1, None)
    bare = Weighed(network.weighed().values, network.allowed, {}, "net.pt")
    with pytest.raises(BadInput, match="looks at the network"):
        draw(bare, Synflow(), 0.1, None)
    with pytest.raises(BadInput, match="what is pruned stays pruned"):
        draw(network.weighed(), Magnitude(), 0.9, None)
    with pytest.raises(BadInput, match="above 0 and below 1"):
        draw(network.weighed(), Magnitude(), 1.0, None)
    with pytest.raises(BadInput, match="is 0 of"):
        draw(network.weighed(), Magnitude(), 1e-9, None)

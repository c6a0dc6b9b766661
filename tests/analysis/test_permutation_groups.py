"""Groups are found by tracing; permuting within them never changes the function, and what must stay stays."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from lth_engine.analysis.permutations.permutation_groups import permutation_groups, permuted, same_function
from lth_engine.models.build import build
from lth_engine.specs.models import CifarResnet
from lth_engine.training.material import take_weights
from tests.analysis.odd_networks import odd_networks
from tests.models.small import cases

UNITS = {"lenet_300_100": (2, 400), "conv": (6, 224), "cifar_resnet": (6, 112), "resnet": (12, 2880), "vgg": (8, 344),
         "mlp_mixer": (5, 192), "cifar_mobilenet_v2": (26, 9160), "cifar_shufflenet": (158, 3120),
         "cifar_efficientnet_b0": (40, 10156), "swin": (16, 19104), "torchvision": (27, 4872)}
"""Network of the catalogue -> its groups and units, counted by hand where that can be done (streams, inner layers)."""

FAST = {"lenet_300_100", "conv", "cifar_resnet", "vgg", "mlp_mixer"}


def drawn(model, seed=0):
    """Weights and statistics of the model's own sizes, with no two units alike."""
    draw, found = np.random.default_rng(seed), {}
    for name, value in take_weights(model).items():
        noise = 0.4 * (draw.random(value.shape) - 0.5)
        found[name] = value
        if value.dtype.kind == "f":
            found[name] = (draw.permutation(value.ravel()).reshape(value.shape) + noise).astype(value.dtype)
    return found


def orders(groups, seed=1):
    """A permutation for each group, none of them the identity."""
    draw, found = np.random.default_rng(seed), {}
    for group in groups:
        found[group] = np.arange(group.size)
        while (found[group] == np.arange(group.size)).all():
            found[group] = draw.permutation(group.size)
    return found


def images(*size):
    return torch.randn(3, *size, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


def catalogue_cases():
    return [pytest.param(*case.values, case.id, id=case.id, marks=[] if case.id in FAST else [pytest.mark.slow])
            for case in cases()]


@pytest.mark.parametrize(("spec", "side", "name"), catalogue_cases())
def test_every_network_of_the_catalogue_computes_the_same(spec, side, name):
    model = build(spec, 3, side, side, 10, 0)
    groups = permutation_groups(model, torch.rand(1, 3, side, side))
    if name in UNITS:
        assert (len(groups), sum(group.size for group in groups)) == UNITS[name]
    weights = drawn(model)
    moved = permuted(weights, orders(groups))
    assert sum(not np.array_equal(weights[n], moved[n]) for n in weights) > len(groups)
    assert same_function(model, weights, moved, images(3, side, side))


@pytest.mark.parametrize("name", odd_networks())
def test_odd_networks(name):
    torch.manual_seed(0)
    model, sizes = odd_networks()[name]
    groups = permutation_groups(model, torch.rand(1, 3, 4, 4))
    if sizes is not None:
        assert sorted(group.size for group in groups) == sizes
    weights = drawn(model)
    assert same_function(model, weights, permuted(weights, orders(groups)), images(3, 4, 4))


@pytest.mark.parametrize("name", ["cumulative", "mirrored", "constants", "sorted"])
def test_units_behind_an_unknown_rule_stay(name):
    torch.manual_seed(0)
    model, _ = odd_networks()[name]
    weights = take_weights(model)
    groups = permutation_groups(model, torch.rand(1, 3, 4, 4))
    moved = permuted(weights, orders(groups))
    for stays in ("first.weight", "first.bias", "fc.bias"):
        assert np.array_equal(weights[stays], moved[stays])
    assert not np.array_equal(weights["last.weight"], moved["last.weight"])


def test_pixels_and_classes_stay():
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.ReLU(), nn.Linear(5, 4))
    uses = [(use.name, use.axis) for group in permutation_groups(model, torch.rand(1, 3, 2, 2)) for use in group.uses]
    assert sorted(uses) == [("1.bias", 0), ("1.weight", 0), ("3.weight", 1)]


def test_the_largest_symmetry_of_a_small_network_is_found():
    """Of all permutations of the channels of "one channel picked", exactly those that the groups allow keep the
    function."""
    torch.manual_seed(0)
    model, _ = odd_networks()["one channel picked"]
    weights = drawn(model)
    group = next(g for g in permutation_groups(model, torch.rand(1, 3, 4, 4)) if g.size == 5)
    places = next(use.places[:, 0] for use in group.uses if use.name == "first.weight")
    assert sorted(places) == [0, 2, 3, 4, 5]
    keeping = 0
    for order in itertools.islice(itertools.permutations(range(6)), 0, None, 7):
        moved = dict(weights)
        moved["first.weight"], moved["first.bias"] = weights["first.weight"][[*order]], weights["first.bias"][[*order]]
        moved["last.weight"] = weights["last.weight"][:, [*order]]
        same = same_function(model, weights, moved, images(3, 4, 4))
        assert same == (order[1] == 1)
        keeping += same
    assert keeping > 5


@pytest.mark.parametrize("shortcut", ["projection", "padding"])
def test_shortcuts_of_a_residual_network(shortcut):
    """With projections a stage's stream is a group; with padding the channels that were there stay with their own."""
    model = build(CifarResnet(depth=8, width=8, shortcut=shortcut), 3, 16, 16, 10, 0)
    sizes = [group.size for group in permutation_groups(model, torch.rand(1, 3, 16, 16))]
    streams = {"projection": [8, 16, 32], "padding": [8, 8, 16]}[shortcut]
    assert sorted(sizes) == sorted([8, 16, 32, *streams])


def test_the_network_and_its_mode_stay_as_they_are():
    model = build(CifarResnet(depth=8, width=4), 3, 8, 8, 10, 0).train()
    before = take_weights(model)
    permutation_groups(model, torch.rand(1, 3, 8, 8))
    same_function(model, before, before, images(3, 8, 8))
    assert model.training
    assert all(np.array_equal(before[name], value) for name, value in take_weights(model).items())


def test_another_function_is_told_apart():
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.ReLU(), nn.Linear(5, 4))
    weights = drawn(model)
    wrong = weights | {"1.weight": weights["1.weight"][::-1].copy()}
    assert same_function(model, weights, weights, images(3, 2, 2))
    assert not same_function(model, weights, wrong, images(3, 2, 2))
    assert not same_function(model, weights, wrong, images(3, 2, 2).float())
    assert not same_function(model, weights, weights | {"3.bias": weights["3.bias"] * np.nan}, images(3, 2, 2))

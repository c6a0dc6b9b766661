"""Weight matching finds known permutations again and, where all can be tried, the best one."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from lth_engine.analysis.permutations.permutation_groups import permutation_groups, permuted
from lth_engine.analysis.permutations.weight_matching import weight_matching
from lth_engine.models.build import build
from lth_engine.specs.library_models import Swin
from lth_engine.specs.models import CifarResnet, Conv, Lenet300100, MlpMixer, Resnet, Vgg
from lth_engine.training.material import take_weights
from tests.analysis.test_permutation_groups import drawn, orders

SMALL = [
    pytest.param(Lenet300100(first=60, second=30), 9, id="lenet"),
    pytest.param(Conv(layers=2, width=0.25), 12, id="conv2"),
    pytest.param(Conv(layers=4, width=0.25), 12, id="conv4"),
    *(pytest.param(CifarResnet(depth=depth, shortcut=shortcut, width=8), 8, id=f"resnet{depth}-{shortcut}")
      for depth in (8, 20) for shortcut in ("projection", "padding")),
    pytest.param(Vgg(depth=11, width=4), 16, id="vgg"),
    pytest.param(MlpMixer(width=32, depth=2, token_mlp=16, channel_mlp=64), 16, id="mixer"),
    pytest.param(Resnet(), 16, id="torchvision-resnet18", marks=pytest.mark.slow),
    pytest.param(Swin(window=3), 16, id="swin", marks=pytest.mark.slow),
]


def parameters(model, weights):
    return {name: weights[name] for name, _ in model.named_parameters()}


def inner_product(first, second):
    return sum((first[name].astype(np.float64) * second[name]).sum() for name in first)


@pytest.mark.parametrize(("spec", "side"), SMALL)
@pytest.mark.parametrize("weights_of", [take_weights, drawn])
def test_a_known_permutation_is_undone(spec, side, weights_of):
    model = build(spec, 3, side, side, 10, 0)
    groups = permutation_groups(model, torch.rand(1, 3, side, side))
    weights, known = weights_of(model), orders(groups)
    found = weight_matching(parameters(model, weights), permuted(weights, known), groups).orders
    assert list(found) == groups
    for group in groups:
        assert np.array_equal(found[group], np.argsort(known[group])), group.name


@pytest.mark.parametrize("seed", [1, 2])
def test_a_known_permutation_is_undone_under_noise(seed):
    """Noise of four times the deviation of the weights; from the order as it stands alone, it is not found."""
    model = build(Vgg(depth=11, width=4), 3, 16, 16, 10, 0)
    groups, draw = permutation_groups(model, torch.rand(1, 3, 16, 16)), np.random.default_rng(seed)
    weights = parameters(model, take_weights(model))
    noisy = {name: value + 4 * value.std() * draw.normal(size=value.shape) for name, value in weights.items()}
    known = {group: draw.permutation(group.size) for group in groups}
    end = permuted(permuted(noisy, known), weight_matching(weights, permuted(noisy, known), groups).orders)
    assert inner_product(weights, end) > 0.99 * inner_product(weights, noisy)


@pytest.mark.parametrize("seed", range(5))
def test_no_order_of_all_is_better_with_one_hidden_layer(seed):
    """One group, so the assignment is exact: all 720 orders are tried, on a naive objective."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 2))
    first, second = (parameters(model, drawn(model, seed=10 * seed + i)) for i in (0, 1))
    groups = permutation_groups(model, torch.rand(1, 3, 1, 1))

    def value(order):
        return (inner_product({0: first["1.weight"], 1: first["1.bias"]},
                              {0: second["1.weight"][order], 1: second["1.bias"][order]})
                + inner_product({0: first["3.weight"], 1: first["3.bias"]},
                                {0: second["3.weight"][:, order], 1: second["3.bias"]}))

    best = max((list(order) for order in itertools.permutations(range(6))), key=value)
    found = weight_matching(first, second, groups)
    assert list(found.orders[groups[0]]) == best
    matched = value(best) - inner_product({0: first["3.bias"]}, {0: second["3.bias"]})
    assert found.trail[-1] == pytest.approx(matched, rel=1e-12)


def test_the_trail_rises_to_the_inner_product_and_no_single_exchange_is_better():
    model = build(CifarResnet(depth=8, width=8), 3, 8, 8, 10, 0)
    groups = permutation_groups(model, torch.rand(1, 3, 8, 8))
    first, second = (parameters(model, drawn(model, seed)) for seed in (1, 2))
    found = weight_matching(first, second, groups)
    assert len(found.trail) > 2
    assert (np.diff(found.trail) > 0).all()
    touched = {use.name for group in groups for use in group.uses} & set(first)

    def objective(weights):
        return inner_product({name: first[name] for name in touched}, weights)

    end = permuted(second, found.orders)
    assert found.trail[-1] == pytest.approx(objective(end), rel=1e-6)
    assert objective(end) > objective(second)
    for group in groups:
        for i, j in itertools.combinations(range(group.size), 2):
            swap = np.arange(group.size)
            swap[[i, j]] = j, i
            assert objective(permuted(end, {group: swap})) <= objective(end) + 1e-5


def test_a_group_on_both_axes_of_a_weight_never_lowers_the_objective():
    """With x + Wx a permutation moves the rows and the columns of W together: no linear assignment any more."""
    class Around(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.again, self.fc = nn.Linear(3, 6), nn.Linear(6, 6, bias=False), nn.Linear(6, 2)

        def forward(self, x):
            y = self.first(x.flatten(1))
            return self.fc(y + self.again(y).relu())

    model = Around()
    groups = permutation_groups(model, torch.rand(1, 3, 1, 1))
    assert [group.size for group in groups] == [6]
    for seed in range(10):
        first, second = (parameters(model, drawn(model, 20 * seed + i)) for i in (0, 1))
        first["again.weight"] *= 5
        found = weight_matching(first, second, groups)
        assert (np.diff(found.trail) > 0).all()
        rest = inner_product({0: first["fc.bias"]}, {0: second["fc.bias"]})
        assert found.trail[-1] >= inner_product(first, second) - rest - 1e-6
        assert found.trail[-1] == pytest.approx(
            inner_product(first, permuted(second, found.orders)) - rest, rel=1e-6, abs=1e-6)


def test_equal_networks_stay_even_where_units_are_dead():
    model = build(Lenet300100(first=30, second=10), 1, 4, 4, 10, 0)
    weights = drawn(model)
    weights["fc1.weight"][5:15] = weights["fc1.bias"][5:15] = weights["fc2.weight"][:, 5:15] = 0
    groups = permutation_groups(model, torch.rand(1, 1, 4, 4))
    found = weight_matching(parameters(model, weights), weights, groups)
    assert all((order == np.arange(len(order))).all() for order in found.orders.values())


def test_the_seed_draws_the_order_and_repeats():
    model = build(CifarResnet(depth=8, width=4), 3, 8, 8, 10, 0)
    groups = permutation_groups(model, torch.rand(1, 3, 8, 8))
    first, second = (parameters(model, drawn(model, seed)) for seed in (3, 4))
    trails = [weight_matching(first, second, groups, seed).trail for seed in (0, 0, 1, 2, 3)]
    assert trails[0] == trails[1]
    assert len(set(trails)) > 1


def test_statistics_of_batch_norm_do_not_decide():
    model = build(CifarResnet(depth=8, width=4), 3, 8, 8, 10, 0)
    groups = permutation_groups(model, torch.rand(1, 3, 8, 8))
    first, second = drawn(model, 5), drawn(model, 6)
    other = second | {name: value[::-1].copy() for name, value in second.items() if "running" in name}
    found = [weight_matching(parameters(model, first), each, groups) for each in (second, other)]
    assert found[0].trail == found[1].trail

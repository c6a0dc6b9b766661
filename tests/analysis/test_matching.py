"""Matched networks compute what they did, masks follow their weights, and the line to a permuted copy is flat."""

import numpy as np
import pytest
import torch
from torch import nn

from lth_engine.analysis.lines.line import Line
from lth_engine.analysis.permutations import matching
from lth_engine.analysis.permutations.matching import matched
from lth_engine.analysis.permutations.permutation_groups import permutation_groups, permuted
from lth_engine.core.errors import LotteryError
from lth_engine.models.build import build
from lth_engine.specs.models import CifarResnet, Conv, Lenet300100, Vgg
from lth_engine.training.material import put_weights, take_weights
from tests.analysis.test_permutation_groups import drawn, orders

SPECS = [
    pytest.param(Lenet300100(first=40, second=20), 9, id="lenet"),
    pytest.param(Conv(layers=2, width=0.25), 12, id="conv2"),
    *(pytest.param(CifarResnet(depth=8, shortcut=shortcut, width=8), 8, id=f"resnet8-{shortcut}")
      for shortcut in ("projection", "padding")),
    pytest.param(Vgg(depth=11, width=4), 16, id="vgg"),
]


def pruned(model, seed=0, density=0.4):
    """Drawn weights of which a share is kept, and the mask."""
    draw, weights = np.random.default_rng(seed + 100), drawn(model, seed)
    mask = {name: draw.random(value.shape) < density for name, value in weights.items() if value.ndim > 1}
    return {name: value * mask[name] if name in mask else value for name, value in weights.items()}, mask


def outputs(model, weights, images):
    put_weights(model, weights)
    with torch.no_grad():
        return model.eval()(images)


@pytest.mark.parametrize(("spec", "side"), SPECS)
def test_a_permuted_ticket_is_matched_back(spec, side):
    model = build(spec, 3, side, side, 10, 0)
    example = torch.rand(1, 3, side, side)
    weights, mask = pruned(model)
    known = orders(permutation_groups(model, example))
    copy, moved_mask = permuted(weights, known), permuted(mask, known)
    assert not all(np.array_equal(mask[name], moved_mask[name]) for name in mask)
    found = matched(model, example, weights, copy, moved_mask)
    images = torch.randn(5, 3, side, side, generator=torch.Generator().manual_seed(2))
    before, there, back = (outputs(model, each, images) for each in (weights, copy, found.weights))
    assert (there - before).abs().max() <= 1e-5 * before.abs().max()
    assert (back - before).abs().max() <= 1e-5 * before.abs().max()
    for name, kept in mask.items():
        assert np.array_equal(found.weights[name], weights[name])
        assert not found.weights[name][~found.mask[name]].any()
        assert found.mask[name].dtype == bool
        assert found.mask[name].sum() == kept.sum()
    assert found.moved > 0


@pytest.mark.parametrize(("spec", "side"), SPECS)
def test_the_line_to_a_matched_copy_is_flat(spec, side):
    model = build(spec, 3, side, side, 10, 0)
    example = torch.rand(1, 3, side, side)
    weights, mask = pruned(model, seed=3)
    known = orders(permutation_groups(model, example))
    found = matched(model, example, weights, permuted(weights, known), permuted(mask, known))
    images = torch.randn(40, 3, side, side, generator=torch.Generator().manual_seed(2))
    labels = torch.arange(40) % 10

    def losses(first, second):
        line, curve = Line(model, first, second), []
        for alpha in np.linspace(0, 1, 5):
            line.put(alpha)
            with torch.no_grad():
                curve.append(float(nn.functional.cross_entropy(model.eval()(images), labels)))
        return np.array(curve)

    flat, unmatched = losses(weights, found.weights), losses(weights, permuted(weights, known))
    assert np.ptp(flat) <= 1e-6 * max(1, flat[0])
    assert np.ptp(unmatched) > 1e-3


def test_equal_networks_do_not_move():
    model = build(CifarResnet(depth=8, width=4), 3, 8, 8, 10, 0)
    weights, mask = pruned(model)
    found = matched(model, torch.rand(1, 3, 8, 8), weights, weights, mask)
    assert found.moved == 0
    assert all(np.array_equal(found.weights[name], value) for name, value in weights.items())


def test_two_different_networks_come_closer_and_both_keep_their_function():
    model = build(CifarResnet(depth=8, width=8), 3, 8, 8, 10, 0).train()
    (first, _), (second, mask) = pruned(model, 1), pruned(model, 2)
    own = take_weights(model)
    found = matched(model, torch.rand(1, 3, 8, 8), first, second, mask)
    assert model.training
    assert all(np.array_equal(own[name], value) for name, value in take_weights(model).items())

    def distance(weights):
        return sum(np.square(first[n] - weights[n].astype(np.float64)).sum() for n, _ in model.named_parameters())

    assert distance(found.weights) < distance(second)
    images = torch.randn(5, 3, 8, 8)
    before, after = outputs(model, second, images), outputs(model, found.weights, images)
    assert (after - before).abs().max() <= 1e-5 * before.abs().max()


def test_what_is_masked_does_not_decide():
    model = build(Lenet300100(first=8, second=5), 1, 3, 3, 4, 0)
    weights, mask = pruned(model)
    dirty = {name: value + ~mask[name] * np.float32(50) if name in mask else value for name, value in weights.items()}
    assert matched(model, torch.rand(1, 1, 3, 3), weights, dirty, mask).moved == 0


def test_a_network_that_would_compute_something_else_is_refused(monkeypatch):
    model = build(Lenet300100(first=8, second=5), 1, 3, 3, 4, 0)
    known = orders(permutation_groups(model, torch.rand(1, 1, 3, 3)))
    weights = drawn(model)

    def wrong(values, groups):
        found = permuted(values, groups)
        return found | {"fc1.bias": found["fc1.bias"][::-1].copy()} if "fc1.bias" in found else found

    monkeypatch.setattr(matching, "permuted", wrong)
    with pytest.raises(LotteryError, match="its outputs differ"):
        matched(model, torch.rand(1, 1, 3, 3), weights, permuted(weights, known), {})

"""The six objectives against their formulas written out, finite differences, and torch's own functions."""

import copy

import pytest
import torch
import torch.nn.functional as F
from naive_objectives import ALL, IDS, Naive, batch, toy

from lth_engine.masking.prunable import prunable
from lth_engine.models.build import build
from lth_engine.objectives.compared import Compared
from lth_engine.objectives.masked_network import MaskedNetwork
from lth_engine.objectives.measured import measured
from lth_engine.objectives.normalised import mean_distance, normalised
from lth_engine.specs.models import CifarResnet
from lth_engine.specs.objectives import GradientMatching, GradientNorm, ReverseKl


def network(statistics="batch", model=None):
    model = toy() if model is None else model
    return MaskedNetwork(model, list(prunable(model)), statistics)


def soft(size, seed=2):
    return torch.rand(size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def measure(spec, net, overlay, x, y):
    """Value and gradient by the overlay."""
    overlay = overlay.clone().requires_grad_()
    value = measured(spec, Compared(net, overlay, x, y))
    return value.detach(), torch.autograd.grad(value, overlay)[0]


@pytest.mark.parametrize("statistics", ["batch", "running"])
@pytest.mark.parametrize("spec", ALL, ids=IDS)
def test_value_and_gradient_are_those_of_the_formula(spec, statistics):
    net, naive, (x, y) = network(statistics), Naive(toy(), statistics), batch()
    overlay = soft(net.flat.numel())
    value, gradient = measure(spec, net, overlay, x, y)
    leaf = overlay.clone().requires_grad_()
    expected = naive.value(spec, leaf, x, y)
    torch.testing.assert_close(value, expected.detach(), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(gradient, torch.autograd.grad(expected, leaf)[0], rtol=1e-8, atol=1e-11)
    assert value.abs() > 1e-3
    assert gradient.norm() > 1e-4


@pytest.mark.parametrize("spec", ALL, ids=IDS)
def test_gradient_is_the_finite_difference(spec):
    net, (x, y) = network(), batch()
    overlay = soft(net.flat.numel())
    gradient = measure(spec, net, overlay, x, y)[1]
    for seed in range(3):
        way = soft(len(overlay), seed + 5) - 0.5
        up, down = (measure(spec, net, overlay + sign * 1e-6 * way, x, y)[0] for sign in (1, -1))
        torch.testing.assert_close((up - down) / 2e-6, gradient @ way, rtol=1e-5, atol=1e-8)


def test_T40_reverse_kl_is_the_divergence_of_the_student_from_the_teacher():
    net, (x, y) = network(), batch()
    compared = Compared(net, 4 * soft(net.flat.numel()), x, y)
    student, teacher = F.log_softmax(compared.student, dim=1), F.log_softmax(compared.teacher, dim=1)
    value = measured(ReverseKl(), compared)
    reverse = F.kl_div(teacher, student, reduction="batchmean", log_target=True)
    forward = F.kl_div(student, teacher, reduction="batchmean", log_target=True)
    torch.testing.assert_close(value, reverse)
    assert abs(value - forward) > 0.05 * value


@pytest.mark.parametrize("spec", ALL, ids=IDS)
def test_finite_and_differentiable_where_nothing_and_where_a_layer_is_masked(spec):
    model = build(CifarResnet(depth=8, width=4), 1, 8, 8, 5, 0)
    net = network(model=model)
    draw = torch.Generator().manual_seed(0)
    x, y = torch.randn(6, 1, 8, 8, generator=draw), torch.randint(0, 5, (6,), generator=draw)
    dense = torch.ones_like(net.flat)
    dead = torch.cat([torch.zeros_like(part) if i == 1 else part for i, part in enumerate(
        part.reshape(-1) for part in net.split(dense).values())])
    for overlay in (dense, dead, torch.zeros_like(dense)):
        value, gradient = measure(spec, net, overlay, x, y)
        assert bool(value.isfinite())
        assert bool(gradient.isfinite().all())
        assert gradient.abs().max() < 1e6


@pytest.mark.parametrize("spec", [one for one in ALL if one.compares], ids=lambda one: one.name)
def test_student_and_teacher_agree_where_nothing_is_masked(spec):
    net, (x, y) = network(), batch()
    value, gradient = measure(spec, net, torch.ones_like(net.flat), x, y)
    assert abs(value) < 1e-12
    assert gradient.abs().max() < 1e-6 or spec.name == "loss_change"


def test_what_is_masked_has_no_gradient_by_its_weight_but_has_one_by_the_masked_weight():
    net, (x, y) = network(), batch()
    overlay = soft(net.flat.numel())
    overlay[:5] = 0
    by_weight, by_masked = (torch.cat([g.reshape(-1) for g in Compared(net, overlay, x, y).student_gradients(of)])
                            for of in ("weights", "masked"))
    assert bool((by_weight[:5] == 0).all())
    assert bool((by_masked[:5] != 0).all())
    torch.testing.assert_close(by_weight, overlay * by_masked)
    assert measured(GradientNorm(of="weights"), Compared(net, overlay, x, y)) == -by_weight.norm()


def test_the_network_stays_as_it_was():
    model = toy().train()
    before = copy.deepcopy(model.state_dict())
    net, (x, y) = network("running", model), batch()
    for spec in ALL:
        measure(spec, net, soft(net.flat.numel()), x, y)
    for state in (model.state_dict(), net.model.state_dict()):
        assert all(torch.equal(state[name], value) for name, value in before.items())
    assert model.training


def test_normalised_has_mean_0_variance_1_and_knows_no_scale():
    x = torch.randn(7, 9, generator=torch.Generator().manual_seed(0))
    for scale in (1.0, 1e-9):
        found = normalised(scale * x + 0)
        assert abs(found.mean()) < 1e-6
        torch.testing.assert_close(found.square().mean(), torch.ones(()))
        torch.testing.assert_close(found, normalised(x), rtol=1e-4, atol=1e-5)
    flat = torch.full((4,), 3.0, requires_grad=True)
    distance = mean_distance([flat], [torch.randn(4)])
    gradient, = torch.autograd.grad(distance, flat)
    torch.testing.assert_close(distance, torch.ones(()))
    assert bool((gradient == 0).all())


def test_gradient_matching_of_a_network_with_tiny_gradients_still_sees_their_direction():
    """At 1% density the gradients of a layer may have a variance of 1e-14 or less."""
    net, (x, y) = network(), batch()
    overlay = soft(net.flat.numel())
    value = measure(GradientMatching(of="weights"), net, overlay, x, y)[0]
    tiny = measure(GradientMatching(of="weights"), network(model=scaled(toy(), 1e-7)), overlay, x, y)[0]
    assert tiny < 4
    assert value < 4


def scaled(model, factor):
    with torch.no_grad():
        model[7].weight.mul_(factor)
    return model

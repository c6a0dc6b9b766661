"""What holds for every network of the catalogue: shapes, seeded draws, what may be pruned, layouts, state."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from lth_engine.masking.prunable import prunable
from lth_engine.models.build import build
from lth_engine.specs.models import Normalised
from tests.models.small import cases

CLASSES = 7

every_model = pytest.mark.parametrize(("spec", "side"), cases())


def make(spec, side, channels=3, seed=5):
    return build(spec, channels, side, side, CLASSES, seed)


def images(side, channels=3, count=3):
    return torch.randn(count, channels, side, side, generator=torch.Generator().manual_seed(0))


def same(one, other):
    return all(torch.equal(value, other[name]) for name, value in one.items())


@every_model
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_answers_one_value_a_class_and_learns(spec, side, channels):
    model = make(spec, side, channels)
    assert model.training
    output = model(images(side, channels))
    assert output.shape == (3, CLASSES)
    output.square().sum().backward()
    assert [n for n, p in model.named_parameters() if p.grad is None] == []


@every_model
@pytest.mark.parametrize("init", ["he_normal", "library"])
def test_is_drawn_from_its_seed_alone(spec, side, init):
    spec = spec.replace(init=init)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = make(spec, side).state_dict()
    assert torch.equal(before, torch.get_rng_state()), "the global generator moved"
    torch.manual_seed(2)
    assert same(first, make(spec, side).state_dict())
    other = make(spec, side, seed=6)
    equal = [n for n in prunable(other) if torch.equal(first[n], other.state_dict()[n])]
    assert equal == []


@every_model
def test_the_two_draws_differ(spec, side):
    one, other = (prunable(make(spec.replace(init=init), side)) for init in ("he_normal", "library"))
    assert not [n for n in one if torch.equal(one[n], other[n])]


@every_model
def test_he_normal_has_he_deviation_everywhere(spec, side):
    for name, weight in prunable(make(spec.replace(init="he_normal"), side)).items():
        fan_in = weight[0].numel()
        spread = 5 / (2 * weight.numel()) ** 0.5
        assert float(weight.detach().square().mean()) ** 0.5 == pytest.approx((2 / fan_in) ** 0.5, rel=spread), name


@every_model
def test_prunable_are_the_matrices_that_multiply_features(spec, side):
    """By shape and name alone: a parameter of two or more axes called weight or in_proj_weight; tables of positions
    and tokens have other names."""
    model = make(spec, side)
    naive = sorted(n for n, p in model.named_parameters() if n.endswith("weight") and p.ndim >= 2)
    assert list(prunable(model)) == naive
    assert all(prunable(model)[n] is p for n, p in model.named_parameters() if n in naive)


@every_model
def test_state_goes_out_and_in(spec, side):
    source, target = make(spec, side, seed=1), make(spec, side, seed=2)
    source(images(side))
    target.load_state_dict(source.state_dict(), strict=True)
    with torch.no_grad():
        assert torch.equal(source.eval()(images(side)), target.eval()(images(side)))


@every_model
def test_the_layout_of_memory_changes_nothing(spec, side):
    model = make(spec, side).double().eval()
    x = images(side).double()
    with torch.no_grad():
        expected = model(x)
        model = model.to(memory_format=torch.channels_last)
        torch.testing.assert_close(model(x.contiguous(memory_format=torch.channels_last)), expected)


@every_model
def test_evaluation_sees_each_image_alone(spec, side):
    model = make(spec, side).double().eval()
    x = images(side).double()
    with torch.no_grad():
        torch.testing.assert_close(model(x)[1:2], model(x[1:2]))


NORMALISED = [case for case in cases() if isinstance(case.values[0], Normalised) and case.values[0].name != "timm"]
"""All that have batch normalisation; the default network of timm has none."""

with_norm = pytest.mark.parametrize(("spec", "side"), NORMALISED)


def layers(model):
    return [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]


@with_norm
def test_without_running_statistics_training_and_evaluation_agree(spec, side):
    dropless = {"dropout": 0.0, "drop_connect": 0.0} if spec.name == "cifar_efficientnet_b0" else {}
    model = make(spec.replace(running_stats=False, **dropless), side).double()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    assert layers(model)
    assert [n for n, _ in model.named_buffers() if "running" in n or "batches" in n] == []
    assert make(spec, side).state_dict().keys() > model.state_dict().keys()
    x = images(side, count=4).double()
    with torch.no_grad():
        torch.testing.assert_close(model.train()(x), model.eval()(x))
        assert not torch.allclose(model(x)[:2], model(x[:2]))


@with_norm
def test_first_factors_of_batch_normalisation(spec, side):
    plain, drawn = layers(make(spec, side)), layers(make(spec.replace(norm_init="uniform"), side))
    assert all(bool((m.weight == 1).all()) and bool((m.bias == 0).all()) for m in plain)
    factors = torch.cat([m.weight.detach() for m in drawn])
    assert 0 <= float(factors.min()) < float(factors.max()) < 1
    assert float(factors.mean()) == pytest.approx(0.5, abs=5 / (12 * factors.numel()) ** 0.5)
    assert all(bool((m.bias == 0).all()) for m in drawn)
    assert len({m.weight.detach().numpy().tobytes() for m in drawn}) == len(drawn)


@with_norm
def test_first_factors_are_drawn_from_the_seed_alone(spec, side):
    spec = spec.replace(norm_init="uniform")
    before = torch.get_rng_state()
    one, same, other = (layers(make(spec, side, seed=seed)) for seed in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(a.weight, b.weight) for a, b in zip(one, same, strict=True))
    assert not any(torch.equal(a.weight, b.weight) for a, b in zip(one, other, strict=True))

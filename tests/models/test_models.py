"""Networks: published parameter counts, seeded draws, shapes."""

import pytest
import torch

from lth_engine.core.errors import BadInput
from lth_engine.core.spec import catalogue
from lth_engine.masking.prunable import prunable
from lth_engine.models.build import build
from lth_engine.specs.models import CifarResnet, Conv, Lenet300100


def counts(model):
    return sum(p.numel() for p in prunable(model).values()), sum(p.numel() for p in model.parameters())


def test_lenet_has_the_published_counts():
    assert counts(build(Lenet300100(), 1, 28, 28, 10, 0)) == (266_200, 266_610)


def test_resnet20_has_the_published_counts():
    model = build(CifarResnet(), 3, 32, 32, 10, 0)
    assert counts(model) == (270_896, 272_474)
    assert len(prunable(model)) == 22


def test_resnet20_with_padded_shortcuts_has_the_published_count():
    assert counts(build(CifarResnet(shortcut="padding"), 3, 32, 32, 10, 0))[0] == 268_336


@pytest.mark.parametrize(("layers", "millions"), [(2, 4.3), (4, 2.4), (6, 2.3)])
def test_conv_nets_have_the_published_sizes(layers, millions):
    """Frankle & Carbin 2019, figure 2: 4.3M, 2.4M and (Conv-6) 1.7M, which no padding of its layers gives: 9 (3 x 64 +
    64 x 64 + 64 x 128 + 128 x 128 + 128 x 256 + 256 x 256) + 4096 x 256 + 256 x 256 + 2560 = 2.26M."""
    assert counts(build(Conv(layers=layers), 3, 32, 32, 10, 0))[0] / 1e6 == pytest.approx(millions, abs=0.05)


@pytest.mark.parametrize("name", catalogue("model"))
def test_every_model_is_drawn_from_its_seed_alone(name):
    spec = catalogue("model")[name]()
    torch.manual_seed(1)
    first = build(spec, 3, 32, 32, 7, init_seed=5)
    torch.manual_seed(2)
    second, other = build(spec, 3, 32, 32, 7, init_seed=5), build(spec, 3, 32, 32, 7, init_seed=6)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert not torch.equal(next(iter(prunable(first).values())), next(iter(prunable(other).values())))
    first.eval()
    assert first(torch.randn(4, 3, 32, 32)).shape == (4, 7)


def test_weights_have_he_deviation():
    weight = prunable(build(Lenet300100(), 1, 28, 28, 10, 0))["fc1.weight"]
    assert float(weight.detach().std()) == pytest.approx((2 / 784) ** 0.5, rel=0.01)


def test_images_that_are_too_small_are_refused_with_the_remedy():
    with pytest.raises(BadInput, match=r"at least 8 x 8 pixels\. Got 4 x 4\."):
        build(CifarResnet(), 3, 4, 4, 10, 0)

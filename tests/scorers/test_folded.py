"""Folding batch normalisation into convolutions changes neither the function nor what its weights are worth."""

import pytest
import torch
from torch import nn

from lth_engine.masking.prunable import prunable
from lth_engine.models.build import build
from lth_engine.scorers.folded import fold_norms
from lth_engine.specs.cifar_models import CifarMobilenetV2
from lth_engine.specs.models import CifarResnet, Vgg
from tests.scorers.showing import digits, lived_in


def left(model):
    return sum(isinstance(m, nn.BatchNorm2d) for m in model.modules())


@pytest.mark.parametrize("spec", [CifarResnet(depth=8, width=4), Vgg(depth=11, width=4), CifarMobilenetV2()],
                         ids=lambda spec: spec.name)
def test_a_folded_network_is_the_same_function_and_its_weights_are_worth_the_same(spec):
    x, _ = digits(20)
    model = lived_in(build(spec, 3, 16, 16, 10, 0), x).double()
    folded = fold_norms(model, x[:1].double())
    assert left(model) > 0
    assert left(folded) == 0
    assert torch.allclose(folded(x.double()), model(x.double()), rtol=1e-9)
    worth = []
    for one in (model, folded):
        weights = list(prunable(one).values())
        gradients = torch.autograd.grad(one(x.double()).sum(), weights)
        worth.append([w * g for w, g in zip(weights, gradients, strict=True)])
    assert all(torch.allclose(a, b, rtol=1e-7, atol=1e-12) for a, b in zip(*worth, strict=True))


class Twice(nn.Module):
    """What the convolution puts out is used beside its normalisation, too."""

    def __init__(self):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, x):
        y = self.conv(x)
        return self.bn(y) + y


class Shared(Twice):
    """One normalisation after two convolutions."""

    def __init__(self):
        super().__init__()
        self.other = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        return self.bn(self.conv(x)) + self.bn(self.other(x))


@pytest.mark.parametrize("kind", [Twice, Shared])
def test_what_cannot_be_folded_stays_as_it_is(kind):
    torch.manual_seed(0)
    model = kind().double().eval()
    with torch.no_grad():
        model.bn.running_var.fill_(3.0)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert fold_norms(model, torch.ones(1, 3, 8, 8, dtype=torch.float64)) is model
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())

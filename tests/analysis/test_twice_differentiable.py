"""The cheap second derivative of convolutions and normalisation, against torch's own in double precision."""

import pytest
import torch
from torch import nn

from lth_engine.analysis.curvature.twice_differentiable import TwiceDifferentiable


class Branches(nn.Module):
    """A convolution whose output is normalised and used as it is, too; and one that is changed in place."""

    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Conv2d(2, 4, 3, stride=2, padding=1, groups=2), nn.BatchNorm2d(4, affine=False)
        self.second, self.other = nn.Conv2d(4, 4, (3, 1), dilation=(1, 2), bias=False), nn.BatchNorm2d(4)

    def forward(self, x):
        y = self.first(x)
        z = torch.relu_(self.second(torch.tanh(self.norm(y)) + y))
        return self.other(z)


NETWORKS = {
    "folded": lambda: nn.Sequential(nn.Conv2d(2, 3, 3, padding=1, bias=False), nn.BatchNorm2d(3), nn.ReLU(),
                                    nn.Conv2d(3, 4, 3, stride=2), nn.BatchNorm2d(4)),
    "branches": Branches,
    "normalised first": lambda: nn.Sequential(nn.BatchNorm2d(2), nn.Tanh(), nn.Conv2d(2, 3, 2)),
    "linear": lambda: nn.Sequential(nn.Flatten(), nn.Linear(98, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Linear(5, 3)),
    "same": lambda: nn.Sequential(nn.Conv2d(2, 3, 3, padding="same"), nn.Tanh(), nn.Conv2d(3, 2, 3, bias=False)),
    "in training": lambda: nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3, track_running_stats=False)),
}


def made(name):
    torch.manual_seed(1)
    model = NETWORKS[name]().double().eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            for tensor in (module.running_mean, module.running_var, module.weight, module.bias):
                if tensor is not None:
                    nn.init.uniform_(tensor, 0.5, 2)
    return model, torch.randn(4, 2, 7, 7, dtype=torch.float64)


def derivatives(model, x, fast):
    """Output, gradient, and product of the Hessian of a sum of fourth powers with a vector of ones."""
    parameters = list(model.parameters())
    if fast:
        with TwiceDifferentiable():
            out = model(x)
    else:
        out = model(x)
    gradient = torch.autograd.grad((out ** 4).sum(), parameters, create_graph=True)
    ones = [torch.linspace(-1, 2, p.numel(), dtype=p.dtype).view_as(p) for p in parameters]
    return [out, *gradient, *torch.autograd.grad(gradient, parameters, ones)]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("frozen", [False, True])
def test_derivatives_are_those_of_torch(name, frozen):
    model, x = made(name)
    if frozen:  # all but the last parameter
        for parameter in list(model.parameters())[:-1]:
            parameter.requires_grad_(False)
        model.parameters = lambda: [p for p in nn.Module.parameters(model) if p.requires_grad]
    for mine, theirs in zip(derivatives(model, x, True), derivatives(model, x, False), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-9)


def test_a_hard_sigmoid_has_a_second_derivative():
    model = nn.Sequential(nn.Linear(2, 3), nn.Hardsigmoid(inplace=True), nn.Linear(3, 1)).double()
    x = torch.randn(6, 2, dtype=torch.float64)
    found = derivatives(model, x, True)
    with pytest.raises(RuntimeError, match="is not implemented"):
        derivatives(model, x, False)
    model[1] = Clamped()
    for mine, theirs in zip(found, derivatives(model, x, False), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-9)


class Clamped(nn.Module):
    """A hard sigmoid by its definition."""

    def forward(self, x):
        return (x / 6 + 0.5).clamp(0, 1)

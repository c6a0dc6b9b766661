"""Small networks trained for a second on digits of 8 x 8 pixels, and pruned by magnitude."""

from __future__ import annotations

import functools

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

from lth_engine.masking.prunable import prunable
from lth_engine.models.build import build
from lth_engine.specs.models import CifarResnet, Lenet300100, ModelSpec

LENET, RESNET = Lenet300100(first=60, second=30), CifarResnet(depth=8, width=4)


@functools.cache
def trained(spec: ModelSpec, seed: int = 0, steps: int = 60, density: float = 1.0) -> nn.Module:
    """A network that knows the digits, in evaluation mode; with a density below 1, pruned and trained on."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        images, labels = load_digits(return_X_y=True)
        x, y = torch.tensor(images, dtype=torch.float32).reshape(-1, 1, 8, 8) / 8 - 1, torch.tensor(labels)
        model = build(spec, 1, 8, 8, 10, seed)
        fit(model, x, y, steps)
        if density < 1:
            fit(model, x, y, steps, magnitude_mask(model, density))
    return model.eval()


def fit(model: nn.Module, x: torch.Tensor, y: torch.Tensor, steps: int,
        mask: dict[str, torch.Tensor] | None = None) -> None:
    """SGD with momentum; a mask is applied before the first and after every step."""
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    for step in range(steps + 1):
        for name, kept in (mask or {}).items():
            model.get_parameter(name).data.mul_(kept)
        if step < steps:
            chosen = torch.randint(len(x), (128,))
            optimizer.zero_grad()
            F.cross_entropy(model(x[chosen]), y[chosen]).backward()
            optimizer.step()


def magnitude_mask(model: nn.Module, density: float) -> dict[str, torch.Tensor]:
    """The largest weights of the whole network."""
    weights = {name: weight.detach().abs() for name, weight in prunable(model).items()}
    flat = torch.cat([weight.flatten() for weight in weights.values()])
    least = flat.topk(round(density * len(flat))).values.min()
    return {name: weight >= least for name, weight in weights.items()}

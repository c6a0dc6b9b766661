"""Small networks as if they had come from a file, and images for them."""

from __future__ import annotations

import torch
from torch import nn

from lth_engine.diagnosis.batch_file import Batch
from lth_engine.diagnosis.brought import Brought
from lth_engine.importing.checkpoint import Architecture
from lth_engine.masking.prunable import in_network_order
from lth_engine.models.build import build
from lth_engine.specs.models import CifarResnet, Lenet300100, ModelSpec

RESNET, LENET = CifarResnet(depth=20, width=4), Lenet300100(first=6, second=5)
SIZE = 8
CLASSES = 4


def images(count: int, channels: int, seed: int = 0) -> Batch:
    """Random images, as the network wants them."""
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn(count, channels, SIZE, SIZE, generator=draw)
    return Batch(x, torch.randint(CLASSES, (count,), generator=draw), None, None, "batch.npz")


def come(spec: ModelSpec, channels: int, seed: int = 0, density: float = 1.0, where: str = "net.pt",
         size: int = SIZE) -> Brought:
    """A network whose every number is random, running statistics and biases too, with a random mask."""
    draw = torch.Generator().manual_seed(seed)
    model = build(spec, channels, size, size, CLASSES, seed).eval()
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if name.endswith("running_var"):
                value.uniform_(0.5, 2, generator=draw)
            elif value.is_floating_point() and value.ndim == 1:
                value.add_(0.2 * torch.randn(value.shape, generator=draw))
        allowed = {name: torch.rand(weight.shape, generator=draw) < density
                   for name, weight in in_network_order(model).items()}
        for name, weight in in_network_order(model).items():
            weight.mul_(allowed[name])
    known = Architecture(spec.label, "as in the tests", spec, channels, size, size, True, CLASSES)
    return Brought(model, allowed, {name: f"module.{name}" for name in model.state_dict()}, known, where)


def parameters(model: nn.Module) -> dict[str, torch.Tensor]:
    """All parameters by name, detached."""
    return {name: p.detach() for name, p in model.named_parameters()}

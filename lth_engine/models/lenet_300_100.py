"""LeNet-300-100: pixels - 300 - 100 - classes with ReLU (LeCun et al. 1998)."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from lth_engine.specs.models import Lenet300100


def build(spec: Lenet300100, channels: int, height: int, width: int, num_classes: int) -> nn.Module:
    """266,200 weights and 410 biases for 28 x 28 gray images and 10 classes."""
    return nn.Sequential(OrderedDict([
        ("flatten", nn.Flatten()),
        ("fc1", nn.Linear(channels * height * width, spec.first)),
        ("relu1", nn.ReLU()),
        ("fc2", nn.Linear(spec.first, spec.second)),
        ("relu2", nn.ReLU()),
        ("fc", nn.Linear(spec.second, num_classes)),
    ]))

"""Conv-2, Conv-4 and Conv-6 (Frankle & Carbin 2019, figure 2): a scaled-down VGG without normalisation."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from lth_engine.specs.models import Conv

_CHANNELS = (64, 128, 256)
"""Channels of the first, second and third block."""

_HIDDEN = 256
"""Units of each of the two hidden fully connected layers."""


def build(spec: Conv, channels: int, height: int, width: int, num_classes: int) -> nn.Module:
    """Blocks of two 3 x 3 convolutions and a 2 x 2 max pool, then 256 - 256 - classes."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for block in range(spec.layers // 2):
        out = max(1, round(_CHANNELS[block] * spec.width))
        for half in (1, 2):
            index = 2 * block + half
            layers[f"conv{index}"] = nn.Conv2d(channels, out, 3, padding=1)
            layers[f"relu{index}"] = nn.ReLU()
            channels = out
        layers[f"pool{block + 1}"] = nn.MaxPool2d(2)
        height, width = height // 2, width // 2
    hidden = max(1, round(_HIDDEN * spec.width))
    layers["flatten"] = nn.Flatten()
    layers["fc1"], layers["relu_fc1"] = nn.Linear(channels * height * width, hidden), nn.ReLU()
    layers["fc2"], layers["relu_fc2"] = nn.Linear(hidden, hidden), nn.ReLU()
    layers["fc"] = nn.Linear(hidden, num_classes)
    return nn.Sequential(layers)

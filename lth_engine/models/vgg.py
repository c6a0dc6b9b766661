"""VGG-11, 13, 16 and 19 with batch normalisation for small images (Simonyan & Zisserman 2015, table 1; the single
classifier on a global average is open_lth's)."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from lth_engine.specs.models import Vgg

_CONVOLUTIONS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
"""Depth -> number of convolutions of each of the five blocks."""

_FACTORS = (1, 2, 4, 8, 8)
"""Channels of a block over those of the first."""


def build(spec: Vgg, channels: int, height: int, width: int, num_classes: int) -> nn.Module:
    """VGG-16, 10 classes: 14,728,266 parameters, 14,715,584 prunable in 14 tensors; 14,710,464 without `fc`.

    A max pool stands between blocks; after the last one comes the global average, behind a fifth max pool if asked.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    index = 0
    for block, count in enumerate(_CONVOLUTIONS[spec.depth]):
        if block:
            layers[f"pool{block}"] = nn.MaxPool2d(2)
        for _ in range(count):
            index, out = index + 1, spec.width * _FACTORS[block]
            layers[f"conv{index}"] = nn.Conv2d(channels, out, 3, padding=1)
            layers[f"bn{index}"], layers[f"relu{index}"] = nn.BatchNorm2d(out), nn.ReLU()
            channels = out
    if spec.last_pool == "max":
        layers[f"pool{len(_FACTORS)}"] = nn.MaxPool2d(2)
    layers["pool"], layers["flatten"] = nn.AdaptiveAvgPool2d(1), nn.Flatten()
    layers["fc"] = nn.Linear(channels, num_classes)
    return nn.Sequential(layers)

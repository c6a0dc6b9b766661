"""ShuffleNet v1 with three groups for 32-pixel images (Zhang et al. 2018, table 1, g = 3; AWS's counts).

Against the paper: the stem is a 3 x 3 convolution of stride 1 without a pool, every 1 x 1 convolution has three groups
(the paper leaves out the very first), and all convolutions have biases. These choices give AWS's counts.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from lth_engine.specs.cifar_models import CifarShufflenet

_GROUPS = 3
_STEM = 24
_STAGES = ((240, 4), (480, 8), (960, 4))
"""Channels and units of each stage."""


def shuffle(x: torch.Tensor, groups: int) -> torch.Tensor:
    """(B, C, H, W) with the channels of the groups interleaved: channel g n + i becomes i groups + g (n = C / groups).

    The layout of the memory (channels_last or not) is kept.
    """
    batch, channels, height, width = x.shape
    return x.reshape(batch, groups, channels // groups, height, width).transpose(1, 2).reshape(x.shape)


class Unit(nn.Module):
    """Grouped 1 x 1, shuffle, depthwise 3 x 3, grouped 1 x 1; added to its input, or (stride 2) set beside it."""

    def __init__(self, inside: int, out: int, stride: int) -> None:
        super().__init__()
        middle, new = out // 4, out - inside if stride == 2 else out
        self.squeeze, self.bn1 = nn.Conv2d(inside, middle, 1, groups=_GROUPS), nn.BatchNorm2d(middle)
        self.depthwise = nn.Conv2d(middle, middle, 3, stride, padding=1, groups=middle)
        self.bn2 = nn.BatchNorm2d(middle)
        self.expand, self.bn3 = nn.Conv2d(middle, new, 1, groups=_GROUPS), nn.BatchNorm2d(new)
        self.stride = stride

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, inside, H, W) -> (B, out, H / stride, W / stride)."""
        y = shuffle(F.relu(self.bn1(self.squeeze(x))), _GROUPS)
        y = self.bn3(self.expand(self.bn2(self.depthwise(y))))
        if self.stride == 2:
            return F.relu(torch.cat([F.avg_pool2d(x, 3, stride=2, padding=1), y], dim=1))
        return F.relu(x + y)


class ShuffleNet(nn.Module):
    """Stem, three stages of units, global average pool, classifier."""

    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(channels, _STEM, 3, padding=1), nn.BatchNorm2d(_STEM)
        units: list[nn.Module] = []
        inside = _STEM
        for out, count in _STAGES:
            for index in range(count):
                units.append(Unit(inside, out, 1 if index else 2))
                inside = out
        self.units = nn.Sequential(*units)
        self.fc = nn.Linear(inside, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, channels, H, W) -> logits (B, classes)."""
        y = self.units(F.relu(self.bn(self.conv(x))))
        logits: torch.Tensor = self.fc(y.mean(dim=(2, 3)))
        return logits


def build(spec: CifarShufflenet, channels: int, height: int, width: int, num_classes: int) -> nn.Module:
    """100 classes: 1,012,108 parameters; 879,288 prunable in 49 tensors beside `fc`."""
    return ShuffleNet(channels, num_classes)

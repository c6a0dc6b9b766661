"""MobileNetV2 for 32-pixel images (Sandler et al. 2018; the variant that AWS trains).

Against table 2 of the paper: stem and second stage have stride 1, the first block expands too (by 1), plain ReLU
stands for ReLU6, and a block of stride 1 that changes the channels has a 1 x 1 convolution as its shortcut.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from lth_engine.specs.cifar_models import CifarMobilenetV2

_STAGES = ((1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Expansion, channels, blocks and stride of the first block of each stage."""

_STEM, _LAST = 32, 1280


class Block(nn.Module):
    """Expand by a 1 x 1, filter by a depthwise 3 x 3, project by a 1 x 1 convolution; and the shortcut."""

    def __init__(self, inside: int, out: int, expansion: int, stride: int) -> None:
        super().__init__()
        wide = expansion * inside
        self.expand, self.bn1 = nn.Conv2d(inside, wide, 1, bias=False), nn.BatchNorm2d(wide)
        self.depthwise = nn.Conv2d(wide, wide, 3, stride, padding=1, groups=wide, bias=False)
        self.bn2 = nn.BatchNorm2d(wide)
        self.project, self.bn3 = nn.Conv2d(wide, out, 1, bias=False), nn.BatchNorm2d(out)
        self.shortcut: nn.Module | None = None
        if stride == 1 and inside == out:
            self.shortcut = nn.Identity()
        elif stride == 1:
            self.shortcut = nn.Sequential(nn.Conv2d(inside, out, 1, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, inside, H, W) -> (B, out, H / stride, W / stride)."""
        wide = F.relu(self.bn1(self.expand(x)))
        wide = F.relu(self.bn2(self.depthwise(wide)))
        y: torch.Tensor = self.bn3(self.project(wide))
        return y if self.shortcut is None else y + self.shortcut(x)


class MobileNetV2(nn.Module):
    """Stem, 17 blocks, a 1 x 1 convolution to 1280 channels, global average pool, classifier."""

    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(channels, _STEM, 3, padding=1, bias=False), nn.BatchNorm2d(_STEM)
        blocks: list[nn.Module] = []
        inside = _STEM
        for expansion, out, count, stride in _STAGES:
            for index in range(count):
                blocks.append(Block(inside, out, expansion, 1 if index else stride))
                inside = out
        self.blocks = nn.Sequential(*blocks)
        self.last, self.last_bn = nn.Conv2d(inside, _LAST, 1, bias=False), nn.BatchNorm2d(_LAST)
        self.fc = nn.Linear(_LAST, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, channels, H, W) -> logits (B, classes)."""
        y = self.blocks(F.relu(self.bn(self.conv(x))))
        y = F.relu(self.last_bn(self.last(y)))
        logits: torch.Tensor = self.fc(y.mean(dim=(2, 3)))
        return logits


def build(spec: CifarMobilenetV2, channels: int, height: int, width: int, num_classes: int) -> nn.Module:
    """100 classes: 2,412,212 parameters; 2,249,024 prunable in 57 tensors (17 depthwise) beside `fc`."""
    return MobileNetV2(channels, num_classes)

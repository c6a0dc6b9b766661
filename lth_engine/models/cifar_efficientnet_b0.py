"""EfficientNet-B0 for 32-pixel images (Tan & Le 2019, table 1; the variant that AWS trains).

Against the paper: the stem has stride 1, so that 32 pixels end as 2 x 2, the classifier follows the last stage of 320
channels directly, and the first block expands too (by 1). AWS counts that first expansion (81 convolutions) but its
code leaves it idle; here it is used, since weights without a gradient would be pruned for no reason of theirs.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.ops import StochasticDepth

from lth_engine.specs.cifar_models import CifarEfficientnetB0

_STAGES = ((1, 16, 1, 3, 1), (6, 24, 2, 3, 2), (6, 40, 2, 5, 2), (6, 80, 3, 3, 2), (6, 112, 3, 5, 1),
           (6, 192, 4, 5, 2), (6, 320, 1, 3, 1))
"""Expansion, channels, blocks, kernel and stride of the first block of each stage."""

_STEM = 32


class SqueezeExcite(nn.Module):
    """Scales each channel by a gate in (0, 1) computed from the means of all channels."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.squeeze, self.excite = nn.Conv2d(channels, squeezed, 1), nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) -> the same."""
        gate = self.excite(F.silu(self.squeeze(x.mean(dim=(2, 3), keepdim=True))))
        return x * torch.sigmoid(gate)


class Block(nn.Module):
    """Expand, filter depthwise, squeeze and excite, project; with a shortcut where the shape stays."""

    def __init__(self, inside: int, out: int, expansion: int, kernel: int, stride: int, drop: float) -> None:
        super().__init__()
        wide = expansion * inside
        self.expand, self.bn1 = nn.Conv2d(inside, wide, 1, bias=False), nn.BatchNorm2d(wide)
        self.depthwise = nn.Conv2d(wide, wide, kernel, stride, padding=kernel // 2, groups=wide, bias=False)
        self.bn2 = nn.BatchNorm2d(wide)
        self.gate = SqueezeExcite(wide, inside // 4)
        self.project, self.bn3 = nn.Conv2d(wide, out, 1, bias=False), nn.BatchNorm2d(out)
        self.has_shortcut = stride == 1 and inside == out
        self.drop = StochasticDepth(drop, "row")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, inside, H, W) -> (B, out, H / stride, W / stride)."""
        wide = F.silu(self.bn1(self.expand(x)))
        wide = self.gate(F.silu(self.bn2(self.depthwise(wide))))
        y: torch.Tensor = self.bn3(self.project(wide))
        return x + self.drop(y) if self.has_shortcut else y


class EfficientNet(nn.Module):
    """Stem, 16 blocks, global average pool, dropout, classifier."""

    def __init__(self, channels: int, num_classes: int, dropout: float, drop_connect: float) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(channels, _STEM, 3, padding=1, bias=False), nn.BatchNorm2d(_STEM)
        blocks: list[nn.Module] = []
        total = sum(stage[2] for stage in _STAGES)
        inside = _STEM
        for expansion, out, count, kernel, stride in _STAGES:
            for index in range(count):
                drop = drop_connect * len(blocks) / (total - 1)
                blocks.append(Block(inside, out, expansion, kernel, 1 if index else stride, drop))
                inside = out
        self.blocks = nn.Sequential(*blocks)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(inside, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, channels, H, W) -> logits (B, classes)."""
        y = self.blocks(F.silu(self.bn(self.conv(x))))
        logits: torch.Tensor = self.fc(self.dropout(y.mean(dim=(2, 3))))
        return logits


def build(spec: CifarEfficientnetB0, channels: int, height: int, width: int, num_classes: int) -> nn.Module:
    """100 classes: 3,628,576 parameters; 3,547,616 prunable in 81 tensors beside `fc`."""
    return EfficientNet(channels, num_classes, spec.dropout, spec.drop_connect)

"""The CIFAR ResNets of He et al. 2016 (section 4.2): 6n + 2 layers in three stages."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from lth_engine.specs.models import CifarResnet


class Pad(nn.Module):
    """Shortcut option A: every second pixel, and zeros for the channels that are new."""

    def __init__(self, new_channels: int) -> None:
        super().__init__()
        self.new_channels = new_channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) -> (B, C + new_channels, H / 2, W / 2)."""
        half = self.new_channels // 2
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, half, self.new_channels - half))


class Block(nn.Module):
    """Two 3 x 3 convolutions with batch normalisation, and the shortcut around them."""

    def __init__(self, inside: int, out: int, stride: int, shortcut: str) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inside, out, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.shortcut: nn.Module
        if stride == 1 and inside == out:
            self.shortcut = nn.Identity()
        elif shortcut == "projection":
            self.shortcut = nn.Sequential(nn.Conv2d(inside, out, 1, stride, bias=False), nn.BatchNorm2d(out))
        else:
            self.shortcut = Pad(out - inside)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, inside, H, W) -> (B, out, H / stride, W / stride)."""
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class Resnet(nn.Module):
    """Stem, three stages of n blocks with w, 2w and 4w channels, global average pool, classifier."""

    def __init__(self, n: int, width: int, shortcut: str, channels: int, num_classes: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(width)
        blocks: list[nn.Module] = []
        inside = width
        for stage in range(3):
            for index in range(n):
                out, stride = width * 2**stage, 2 if stage and index == 0 else 1
                blocks.append(Block(inside, out, stride, shortcut))
                inside = out
        self.blocks = nn.Sequential(*blocks)
        self.fc = nn.Linear(inside, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, channels, H, W) -> logits (B, classes)."""
        y = self.blocks(F.relu(self.bn(self.conv(x))))
        logits: torch.Tensor = self.fc(y.mean(dim=(2, 3)))
        return logits


def build(spec: CifarResnet, channels: int, height: int, width: int, num_classes: int) -> nn.Module:
    """ResNet-20 with projections: 272,474 parameters, 270,896 of them prunable."""
    return Resnet((spec.depth - 2) // 6, spec.width, spec.shortcut, channels, num_classes)

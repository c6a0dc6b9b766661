"""ResNet-18, 34 and 50 of torchvision with a stem that suits the images.

With stride 4 in front (imagenet) a 32-pixel image ends as one pixel; the cifar stem keeps its resolution. For 64
pixels that would cost four times the work, so the 64px stem halves them at once: from there on all is as for CIFAR.
"""

from __future__ import annotations

import torchvision.models
from torch import nn

from lth_engine.models.first_convolution import set_channels
from lth_engine.specs.models import Resnet

_STRIDE = {"cifar": 1, "64px": 2}


def build(spec: Resnet, channels: int, height: int, width: int, num_classes: int) -> nn.Module:
    """ResNet-50, cifar stem, 100 classes: 23,705,252 parameters; 23,447,232 prunable in 53 tensors beside the
    classifier `fc`."""
    model: nn.Module = torchvision.models.get_model(f"resnet{spec.depth}", weights=None, num_classes=num_classes)
    if spec.stem == "imagenet":
        set_channels(model, channels)
    else:
        stem = nn.Conv2d(channels, 64, 3, _STRIDE[spec.stem], padding=1, bias=False)
        nn.init.kaiming_normal_(stem.weight, mode="fan_out", nonlinearity="relu")  # as torchvision draws its own
        model.conv1, model.maxpool = stem, nn.Identity()
    return model

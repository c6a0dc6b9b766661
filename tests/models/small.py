"""One small question a model of the catalogue, with images that it fits, so that contracts over all are fast."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

from lth_engine.core.spec import catalogue
from lth_engine.specs.cifar_models import CifarEfficientnetB0, CifarMobilenetV2, CifarShufflenet
from lth_engine.specs.library_models import Swin, Timm, Torchvision
from lth_engine.specs.models import (
    CifarResnet,
    Conv,
    Lenet300100,
    MlpMixer,
    ModelSpec,
    Resnet,
    Vgg,
)

SMALL: dict[str, tuple[ModelSpec, int]] = {
    "lenet_300_100": (Lenet300100(), 9),
    "conv": (Conv(layers=4, width=0.25), 12),
    "cifar_resnet": (CifarResnet(depth=8, width=8), 16),
    "resnet": (Resnet(), 16),
    "vgg": (Vgg(depth=11, width=8), 16),
    "mlp_mixer": (MlpMixer(width=32, depth=2, token_mlp=16, channel_mlp=64), 16),
    "cifar_mobilenet_v2": (CifarMobilenetV2(), 16),
    "cifar_shufflenet": (CifarShufflenet(), 16),
    "cifar_efficientnet_b0": (CifarEfficientnetB0(), 16),
    "swin": (Swin(window=3), 16),
    "torchvision": (Torchvision(), 32),
    "timm": (Timm(), 32),
}
"""Name -> the question and the side of images that fits."""


def cases() -> list[Any]:
    """All of them as parameters (spec, side); timm's only where the library is installed (see test_timm)."""
    assert set(SMALL) == set(catalogue("model"))
    installed = importlib.util.find_spec("timm") is not None
    return [pytest.param(*case, id=name) for name, case in SMALL.items() if installed or name != "timm"]

"""The networks that can be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lth_engine.core.knob import knob
from lth_engine.core.spec import Spec


@dataclass(frozen=True, kw_only=True)
class ModelSpec(Spec, family="model", package="lth_engine.models"):
    """A classification network. Its input and output sizes come from the data."""

    min_size: ClassVar[int] = 1
    """Smallest image side in pixels that the network accepts."""


@dataclass(frozen=True, kw_only=True)
class Lenet300100(ModelSpec, name="lenet_300_100"):
    """Two hidden layers of 300 and 100 units with ReLU (LeCun 1998): the network of the first
    lottery tickets (Frankle & Carbin 2019, section 2)."""

    title: ClassVar[str] = "LeNet-300-100"
    first: int = knob(300, "Units of the first hidden layer.", low=1, high=10_000, advanced=True)
    second: int = knob(100, "Units of the second hidden layer.", low=1, high=10_000, advanced=True)


@dataclass(frozen=True, kw_only=True)
class Conv(ModelSpec, name="conv"):
    """Conv-2, Conv-4 and Conv-6: VGG-like blocks of two 3x3 convolutions and a pool, then
    256-256-classes fully connected layers (Frankle & Carbin 2019, figure 2)."""

    title: ClassVar[str] = "Conv-2/4/6"
    min_size: ClassVar[int] = 8
    layers: int = knob(2, "Number of convolutions; a block of two has 64, 128 and 256 channels.", choices=(2, 4, 6))
    width: float = knob(1.0, "Factor on the number of channels and hidden units.", low=0.01, high=8, advanced=True)


@dataclass(frozen=True, kw_only=True)
class CifarResnet(ModelSpec, name="cifar_resnet"):
    """Residual network for 32-pixel images with three stages of 16, 32 and 64 channels
    (He et al. 2016, section 4.2) and batch normalisation."""

    title: ClassVar[str] = "ResNet for CIFAR"
    min_size: ClassVar[int] = 8
    depth: int = knob(20, "Number of weighted layers, 6n + 2.", choices=(8, 14, 20, 32, 44, 56, 110))
    width: int = knob(16, "Channels of the first stage.", low=1, high=256, advanced=True)
    shortcut: str = knob(
        "projection", "How a block that changes size is skipped: 1x1 convolution (option B) or padding with "
        "zeros (option A).", choices=("projection", "padding"),
        source="open_lth uses projections (270,896 prunable weights in ResNet-20)", advanced=True)

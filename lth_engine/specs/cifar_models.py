"""Small networks of mobile phones, in their variants for 32-pixel images: the ones that AWS prunes on CIFAR-100."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lth_engine.core.knob import knob
from lth_engine.specs.models import Normalised


@dataclass(frozen=True, kw_only=True)
class CifarMobilenetV2(Normalised, name="cifar_mobilenet_v2"):
    """MobileNetV2 (Sandler et al. 2018) with fewer strides for 32 pixels; every block expands, and a 1x1 convolution
    is the shortcut where a block of stride 1 changes the channels. 2,412,212 parameters for 100 classes."""

    title: ClassVar[str] = "MobileNetV2 for CIFAR"


@dataclass(frozen=True, kw_only=True)
class CifarShufflenet(Normalised, name="cifar_shufflenet"):
    """ShuffleNet v1 with 3 groups (Zhang et al. 2018) and a 3x3 stem without stride or pool for 32 pixels.
    1,012,108 parameters for 100 classes."""

    title: ClassVar[str] = "ShuffleNet for CIFAR"


@dataclass(frozen=True, kw_only=True)
class CifarEfficientnetB0(Normalised, name="cifar_efficientnet_b0"):
    """EfficientNet-B0 (Tan & Le 2019) with fewer strides for 32 pixels and without the last 1x1 convolution.
    3,628,576 parameters for 100 classes."""

    title: ClassVar[str] = "EfficientNet-B0 for CIFAR"
    dropout: float = knob(0.2, "Probability that a feature before the classifier is dropped in training.",
                          low=0, high=1, open_high=True, advanced=True, source="Tan & Le 2019, section 5.2")
    drop_connect: float = knob(
        0.2, "Probability that the last block is skipped in training; it grows linearly from 0 at the first block.",
        low=0, high=1, open_high=True, advanced=True, source="Tan & Le 2019: stochastic depth of survival 0.8")

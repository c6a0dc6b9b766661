"""Networks of torchvision and timm, taken as these libraries define them and never with their trained weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lth_engine.core.knob import knob
from lth_engine.specs.models import LibraryDrawn, Normalised


@dataclass(frozen=True, kw_only=True)
class Swin(LibraryDrawn, name="swin"):
    """Swin transformer, tiny or small (Liu et al. 2021), as torchvision defines it, with a patch size of choice."""

    title: ClassVar[str] = "Swin transformer"
    size: str = knob("tiny", "Depths of the four stages: 2, 2, 6, 2 (tiny) or 2, 2, 18, 2 (small).",
                     choices=("tiny", "small"))
    patch: int = knob(2, "Side of a patch; 2 for 32- and 64-pixel images, 4 for 224.", choices=(1, 2, 4, 8),
                      unit="pixels")
    window: int = knob(7, "Side of the window in which patches attend to one another.", low=1, high=32,
                       unit="patches", advanced=True, source="Liu et al. 2021, section 4")

    @property
    def label(self) -> str:
        """Name and depth."""
        return f"Swin-{self.size[0].upper()}"


@dataclass(frozen=True, kw_only=True)
class Torchvision(LibraryDrawn, Normalised, name="torchvision"):
    """Any classification network of torchvision, by its name there. Auxiliary outputs are switched off."""

    title: ClassVar[str] = "torchvision"
    arch: str = knob("mobilenet_v3_small", "Name of the network in torchvision, such as densenet121 or vit_b_16.")

    @property
    def label(self) -> str:
        """The library's name of the network."""
        return self.arch


@dataclass(frozen=True, kw_only=True)
class Timm(LibraryDrawn, Normalised, name="timm"):
    """Any network of timm (PyTorch Image Models), by its name there; the library has to be installed."""

    title: ClassVar[str] = "timm"
    arch: str = knob("vit_tiny_patch16_224", "Name of the network in timm, such as resnet26 or mixer_b16_224.")

    @property
    def label(self) -> str:
        """The library's name of the network."""
        return self.arch

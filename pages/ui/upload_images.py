"""Which images a network of a file can be shown: those of its channels, size and classes."""

from __future__ import annotations

from typing import NamedTuple

from lth_engine.specs.data import OwnImages
from pages.ui.upload_card import Card, numbers_of, part, whole


class Shape(NamedTuple):
    """Channels and side of the images of a set in pixels (0 where it can be chosen), and its classes."""

    channels: int
    side: int
    classes: int


SHAPES: dict[str, Shape] = {
    "digits": Shape(1, 8, 10), "mnist": Shape(1, 28, 10), "fashion_mnist": Shape(1, 28, 10),
    "kmnist": Shape(1, 28, 10), "cifar10": Shape(3, 32, 10), "cifar100": Shape(3, 32, 100), "svhn": Shape(3, 32, 10),
    "eurosat": Shape(3, 64, 10), "tiny_imagenet": Shape(3, 64, 200), "imagenet100": Shape(3, 0, 100),
    "imagenet": Shape(3, 0, 1000), "cub200": Shape(3, 0, 200),
}
"""The sets of the lab by name; own images fit if they do, which is known once they are read."""


def fitting(card: Card) -> list[str]:
    """Names of the sets whose images the network of a card takes, and own images, which may."""
    known = part(card, "architecture")
    size, classes = numbers_of(known, "input"), whole(card, "classes")
    if len(size) != 3 or classes is None:
        return []
    channels, height, width = size
    free = known.get("size_known") is not True
    return [name for name, shape in SHAPES.items() if shape.channels == channels and shape.classes == classes
            and (free or not shape.side or shape.side == height == width)] + [OwnImages.name]


def wanted(card: Card) -> str:
    """What images a network takes, in words: "3 × 32 × 32, 10 classes"."""
    known = part(card, "architecture")
    size = " × ".join(f"{n:g}" for n in numbers_of(known, "input")) or "unknown"
    about = "" if known.get("size_known") is True else " or another size"
    return f"{size}{about}, {whole(card, 'classes') or 'unknown'} classes"

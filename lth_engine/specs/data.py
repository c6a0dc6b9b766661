"""The image sets that can be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lth_engine.core.errors import BadInput
from lth_engine.core.knob import knob
from lth_engine.core.spec import Spec

SEED_HIGH = 2**52
"""Greatest seed that can be asked for: a browser's numbers hold it exactly."""


@dataclass(frozen=True, kw_only=True)
class DataSpec(Spec, family="data", package="lth_engine.data"):
    """Images with labels. A validation part is cut from the training images; the test images never
    decide anything."""

    facts: ClassVar[str] = ""
    """Size of the set in words, for the form."""

    validation_fraction: float = knob(
        0.1, "Fraction of the training images held back to decide what is selected.", low=0, high=0.9)
    split_seed: int = knob(
        0, "Seed of the draw of the validation images, and of the test images where the set has none of its own.",
        low=0, high=SEED_HIGH, advanced=True)


@dataclass(frozen=True, kw_only=True)
class Digits(DataSpec, name="digits"):
    """Handwritten digits of scikit-learn, inside the package: nothing is downloaded."""

    title: ClassVar[str] = "Digits"
    facts: ClassVar[str] = "1,797 gray images of 8 x 8 pixels, 10 classes"
    test_fraction: float = knob(
        0.25, "Fraction of all images that is the test set (the package has no split of its own).",
        low=0.05, high=0.9)


@dataclass(frozen=True, kw_only=True)
class Mnist(DataSpec, name="mnist"):
    """Handwritten digits (LeCun 1998)."""

    title: ClassVar[str] = "MNIST"
    facts: ClassVar[str] = "70,000 gray images of 28 x 28 pixels, 10 classes"


@dataclass(frozen=True, kw_only=True)
class FashionMnist(DataSpec, name="fashion_mnist"):
    """Pictures of clothes (Xiao et al. 2017), a harder drop-in for MNIST."""

    title: ClassVar[str] = "Fashion-MNIST"
    facts: ClassVar[str] = "70,000 gray images of 28 x 28 pixels, 10 classes"


@dataclass(frozen=True, kw_only=True)
class Cifar10(DataSpec, name="cifar10"):
    """Small colour photographs (Krizhevsky 2009)."""

    title: ClassVar[str] = "CIFAR-10"
    facts: ClassVar[str] = "60,000 colour images of 32 x 32 pixels, 10 classes"


@dataclass(frozen=True, kw_only=True)
class Cifar100(DataSpec, name="cifar100"):
    """Small colour photographs (Krizhevsky 2009)."""

    title: ClassVar[str] = "CIFAR-100"
    facts: ClassVar[str] = "60,000 colour images of 32 x 32 pixels, 100 classes"


@dataclass(frozen=True, kw_only=True)
class OwnImages(DataSpec, name="own_images"):
    """Your own images: a folder with one folder a class (with or without train/ and test/ above
    them), a zip of that, or an .npz with x and y."""

    title: ClassVar[str] = "Own images"
    facts: ClassVar[str] = "as many as you bring"
    path: str = knob("", "Folder, .zip or .npz on the machine that runs the lab.")
    fingerprint: str = knob(
        "", "SHA-256 of the content, so that an answer belongs to these images; filled in for you.", advanced=True)
    size: int = knob(0, "Resize every image to this side in pixels; 0 leaves them as they are.", low=0, high=512)
    colour: str = knob("as is", "Colour channels.", choices=("as is", "gray", "rgb"), advanced=True)
    test_fraction: float = knob(
        0.2, "Fraction of each class that is the test set, where the folder has no test/.", low=0.05, high=0.9)

    def check(self) -> None:
        """A question about own images must say which."""
        if self.fingerprint and not self.path:
            raise BadInput("own_images.path is empty. Name the folder, .zip or .npz that holds your images.")

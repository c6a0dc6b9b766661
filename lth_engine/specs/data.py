"""The image sets that can be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lth_engine.core.errors import BadInput, clipped
from lth_engine.core.knob import knob
from lth_engine.core.spec import Spec
from lth_engine.specs.normalising import NORMALISATIONS, OWN

SEED_HIGH = 2**52
"""Greatest seed that can be asked for: a browser's numbers hold it exactly."""


@dataclass(frozen=True, kw_only=True)
class DataSpec(Spec, family="data", package="lth_engine.data"):
    """Images with labels. A validation part is cut from the training images; the test images never
    decide anything."""

    facts: ClassVar[str] = ""
    """Size of the set in words, for the form."""
    streamed: ClassVar[bool] = False
    """Whether the images stay files that are decoded when they are wanted: sets too large for the memory."""

    validation_fraction: float = knob(
        0.1, "Fraction of the training images held back to decide what is selected.", low=0, high=0.9)
    split_seed: int = knob(
        0, "Seed of the draw of the validation images, and of the test images where the set has none of its own.",
        low=0, high=SEED_HIGH, advanced=True)
    normalise: str = knob(
        OWN, "What is taken off the pixels and what they are divided by: mean and deviation of the training images "
        "themselves (own), or usual constants, for a network that was trained with them elsewhere.",
        choices=(OWN, *NORMALISATIONS), advanced=True, added=True)


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
class Kmnist(DataSpec, name="kmnist"):
    """Handwritten characters of old Japanese books (Clanuwat et al. 2018), a harder drop-in for MNIST."""

    title: ClassVar[str] = "KMNIST"
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
class Svhn(DataSpec, name="svhn"):
    """Digits of house numbers in photographs (Netzer et al. 2011), without the set's "extra" part."""

    title: ClassVar[str] = "SVHN"
    facts: ClassVar[str] = "99,289 colour images of 32 x 32 pixels, 10 classes"


@dataclass(frozen=True, kw_only=True)
class Eurosat(DataSpec, name="eurosat"):
    """Land seen by the Sentinel-2 satellites in visible light (Helber et al. 2019)."""

    title: ClassVar[str] = "EuroSAT"
    facts: ClassVar[str] = "27,000 colour images of 64 x 64 pixels, 10 classes, no test images of its own"
    test_fraction: float = knob(
        0.2, "Fraction of each class that is the test set (the published set has no split of its own).",
        low=0.05, high=0.9)


@dataclass(frozen=True, kw_only=True)
class TinyImagenet(DataSpec, name="tiny_imagenet"):
    """Small photographs of 200 of ImageNet's classes (Le and Yang 2015). The labels of its test images were never
    published: its validation images are the test images here."""

    title: ClassVar[str] = "TinyImageNet"
    facts: ClassVar[str] = ("100,000 colour images of 64 x 64 pixels, 200 classes; the 10,000 published validation "
                            "images are the test images")


@dataclass(frozen=True, kw_only=True)
class StreamedSpec(DataSpec):
    """Photographs of many sizes that stay files: decoded, cut and resized when they are wanted.

    A training image is cut out of the whole photograph; for evaluation its shorter side becomes 256/224 of `size`
    and the middle is taken.
    """

    streamed: ClassVar[bool] = True
    size: int = knob(224, "Side of the square that the network sees.", low=16, high=1024, unit="pixels")


@dataclass(frozen=True, kw_only=True)
class Imagenet100(StreamedSpec, name="imagenet100"):
    """Photographs of 100 of ImageNet's classes. The published validation images are the test images here."""

    title: ClassVar[str] = "ImageNet-100"
    facts: ClassVar[str] = ("about 126,000 colour photographs of many sizes, 100 classes; the 5,000 published "
                            "validation images are the test images")
    classes: str = knob(
        "", "Text file of the data folder with one WordNet id (n01440764) a line: which 100 classes are taken from "
        "imagenet/; empty takes those of imagenet100/.")

    def check(self) -> None:
        """The list stands in the data folder, not somewhere else on the machine."""
        if self.classes.startswith(("/", "~")) or ".." in self.classes.split("/"):
            raise BadInput("imagenet100.classes must be the name of a file in the data folder. "
                           f"Got {clipped(self.classes)}; put the list there and name it.")


@dataclass(frozen=True, kw_only=True)
class Imagenet(StreamedSpec, name="imagenet"):
    """Photographs of 1,000 classes (ILSVRC 2012; Russakovsky et al. 2015). The labels of its test images were never
    published: its validation images are the test images here."""

    title: ClassVar[str] = "ImageNet"
    facts: ClassVar[str] = ("1,281,167 colour photographs of many sizes, 1,000 classes; the 50,000 published "
                            "validation images are the test images")


@dataclass(frozen=True, kw_only=True)
class Cub200(StreamedSpec, name="cub200"):
    """Photographs of 200 kinds of birds (Caltech-UCSD Birds-200-2011; Wah et al. 2011)."""

    title: ClassVar[str] = "CUB-200"
    facts: ClassVar[str] = "11,788 colour photographs of many sizes, 200 kinds of birds, 5,794 of them test images"


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

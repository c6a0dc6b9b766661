"""How pixels become the numbers that a network sees: of each channel, less a mean, divided by a deviation.

The lab takes both from the training images. A network that was trained elsewhere wants those of its own training; the
usual ones stand here, for pixels in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

OWN = "own"
"""Mean and deviation of the training images themselves."""


@dataclass(frozen=True)
class Constants:
    """Mean and deviation of each channel, pixels in [0, 1]; of one channel only: for all.

    Attributes:
        mean, std: one or three numbers.
        words: where they come from, in a few words.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    words: str

    def fits(self, channels: int) -> bool:
        """Whether images of so many channels can be normalised with them."""
        return len(self.mean) in (1, channels)

    def of(self, channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and deviation of each channel."""
        times = channels if len(self.mean) == 1 else 1
        return self.mean * times, self.std * times


NORMALISATIONS: dict[str, Constants] = {
    "unit": Constants((0.0,), (1.0,), "pixels from 0 to 1, nothing taken off"),
    "signed": Constants((0.5,), (0.5,), "pixels from -1 to 1"),
    "bytes": Constants((0.0,), (1 / 255,), "pixels from 0 to 255"),
    "cifar10": Constants((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616), "mean and deviation of CIFAR-10"),
    "cifar10_images": Constants((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010),
                                "mean of CIFAR-10 and the mean of each image's deviation, as in open_lth"),
    "cifar100": Constants((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762), "mean and deviation of CIFAR-100"),
    "imagenet": Constants((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "mean and deviation of ImageNet"),
    "mnist": Constants((0.1307,), (0.3081,), "mean and deviation of MNIST"),
    "fashion_mnist": Constants((0.2860,), (0.3530,), "mean and deviation of Fashion-MNIST"),
}
"""Usual constants, by name."""

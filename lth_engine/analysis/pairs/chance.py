"""What two masks would have in common by chance, if each layer kept as many weights as it does, at random places.

The number that both keep of one layer is hypergeometric. Of the whole network it is a sum of independent ones, one a
layer; its distribution is their convolution, so the band is exact (up to 1e-12) however few weights are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.signal import fftconvolve
from scipy.stats import hypergeom

from lth_engine.core.artifact import Array

SPREAD = 12.0
"""Standard deviations on either side of the mean beyond which probabilities are left out: together less than 1e-30 for
a normal distribution."""

LEVEL = 0.95


@dataclass(frozen=True)
class Chance:
    """A distribution over counts.

    Attributes:
        lowest: the count that the first probability belongs to.
        probability: of `lowest`, `lowest` + 1 ...; they sum to 1.
    """

    lowest: int
    probability: Array

    @property
    def mean(self) -> float:
        """The expected count."""
        return self.lowest + float(self.probability @ np.arange(len(self.probability)))

    @property
    def band(self) -> tuple[int, int]:
        """The least counts that are not exceeded with a probability of at least 2.5% and of at least 97.5%."""
        below = np.cumsum(self.probability)
        low, high = np.searchsorted(below, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
        return self.lowest + int(low), self.lowest + int(high)


def overlap_by_chance(size: int, first: int, second: int) -> Chance:
    """Weights that two masks of one layer both keep by chance.

    Args:
        size: weights of the layer.
        first: weights that one mask keeps.
        second: weights that the other one keeps.
    """
    least, most = max(0, first + second - size), min(first, second)
    mean = first * second / size
    variance = mean * (size - first) * (size - second) / (size * max(size - 1, 1))
    reach = SPREAD * variance**0.5 + SPREAD**2  # rare counts have a Poisson's tail: further out than a normal one's
    low, high = max(least, int(mean - reach)), min(most, int(mean + reach) + 1)
    probability = hypergeom.pmf(np.arange(low, high + 1), size, first, second)
    return Chance(low, probability / probability.sum())


def together(layers: Sequence[Chance]) -> Chance:
    """The sum of independent counts; of none it is 0."""
    lowest, probability = 0, np.ones(1)
    for layer in layers:
        lowest += layer.lowest
        probability = np.maximum(fftconvolve(probability, layer.probability), 0)
        inside = np.flatnonzero(probability > 1e-15)
        lowest += int(inside[0])
        probability = probability[inside[0]:inside[-1] + 1]
        probability = probability / probability.sum()
    return Chance(lowest, probability)

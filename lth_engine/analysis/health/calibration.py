"""Whether a network is right as often as it says (Guo et al. 2017, On Calibration of Modern Neural Networks).

Images are sorted into bins of equal width by confidence, the probability of the class that the network answers with.
The expected calibration error is the mean over images of |accuracy - confidence| of their bin. It is never below 0 and
so above 0 for a calibrated network too, by chance: what chance makes of it is drawn beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lth_engine.core.artifact import Array
from lth_engine.core.seeds import derive

TAIL = 0.025
"""Probability that is left out on each side."""


@dataclass(frozen=True)
class Reliability:
    """Bins (a, b] of confidence, the first one [0, b].

    Attributes:
        edges: of the bins, one more than there are.
        count: images in each.
        confidence, accuracy: means of each; NaN of an empty one.
    """

    edges: Array
    count: Array
    confidence: Array
    accuracy: Array

    @property
    def error(self) -> float:
        """The expected calibration error, a fraction."""
        filled = self.count > 0
        gaps = np.abs(self.accuracy[filled] - self.confidence[filled])
        return float(gaps @ self.count[filled] / self.count.sum())


def reliability(confidence: Array, right: Array, bins: int) -> Reliability:
    """Sort images into bins.

    Args:
        confidence: float64, in [0, 1].
        right: bool, whether the answer is right.
        bins: how many.
    """
    places = bin_of(confidence, bins)
    count = np.bincount(places, minlength=bins)
    sums = [np.bincount(places, weights=values, minlength=bins) for values in (confidence, right.astype(np.float64))]
    mean = [np.divide(total, count, out=np.full(bins, np.nan), where=count > 0) for total in sums]
    return Reliability(np.linspace(0, 1, bins + 1), count, *mean)


def bin_of(confidence: Array, bins: int) -> Array:
    """The bin of each image, from 0."""
    found: Array = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    return found


def error_interval(confidence: Array, right: Array, bins: int, resamples: int, seed: int) -> tuple[float, float]:
    """95% percentile interval of the expected calibration error over resamples of the images. It shares the upward
    bias of the error, so that its lower end is not a test of calibration."""
    draw = np.random.default_rng(derive(seed, "calibration"))
    drawn = [reliability(confidence[pick], right[pick], bins).error
             for pick in (draw.integers(0, len(right), len(right)) for _ in range(resamples))]
    low, high = np.quantile(drawn, [TAIL, 1 - TAIL])
    return float(low), float(high)


def error_by_chance(confidence: Array, bins: int, resamples: int, seed: int) -> tuple[float, float]:
    """Mean and 97.5% quantile of the error if the network were calibrated: each answer right with the probability that
    it says."""
    draw = np.random.default_rng(derive(seed, "calibrated"))
    drawn = [reliability(confidence, draw.random(len(confidence)) < confidence, bins).error for _ in range(resamples)]
    return float(np.mean(drawn)), float(np.quantile(drawn, 1 - TAIL))


def brier(probabilities: Array, labels: Array) -> float:
    """Mean over images of the sum over classes of (probability - 1 for the true class, 0 for others)^2 (Brier 1950),
    in [0, 2].

    Args:
        probabilities: images x classes.
        labels: true classes.
    """
    off = probabilities.copy()
    off[np.arange(len(labels)), labels] -= 1
    return float(np.square(off).sum(axis=1).mean())

"""Whether the largest values of a sample follow a power law, and with which exponent.

The exponent is the one of greatest likelihood above a lower end, the lower end that of least Kolmogorov distance, and
the fit is believed if samples of the fitted law, fitted in the same way, are as far from their fits at least one time
in ten (a bootstrap of 100 samples; below the lower end values are drawn from the data).

Source: Clauset, Shalizi & Newman 2009, Power-law distributions in empirical data, sections 3.1, 3.3 and 4.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lth_engine.core.artifact import Array

LEAST_TAIL = 20
"""Values that a tail must have: below, the error of the exponent is more than a fifth of its excess over 1."""

ENDS = 100
"""Lower ends that are tried, spread evenly over the ranks."""

SAMPLES = 100
"""Samples of the bootstrap: they tell its share to 0.03 near 0.1."""

BELIEVED = 0.1
"""Share of samples from which a power law is plausible (Clauset et al., section 4.1)."""


@dataclass(frozen=True)
class Tail:
    """A power law p(x) ~ x^-alpha for x >= lowest.

    Attributes:
        alpha: the exponent.
        error: its standard error, (alpha - 1) / sqrt(n).
        lowest: lower end of the tail.
        count: values in the tail.
        distance: Kolmogorov distance of the tail from the law.
    """

    alpha: float
    error: float
    lowest: float
    count: int
    distance: float


def fit(values: Array) -> Tail:
    """The tail of least distance, of at least LEAST_TAIL values; they are positive, as many, and not all equal."""
    x = np.sort(np.asarray(values, dtype=np.float64))
    best: Tail | None = None
    last = max(0, len(x) - LEAST_TAIL)
    for start in np.unique(np.linspace(0, last, min(ENDS, last + 1)).astype(int)):
        tail = x[start:]
        logs = np.log(tail / tail[0])
        total = float(logs.sum())
        if total <= 0:
            continue
        slope = len(tail) / total  # alpha - 1
        distance = _distance(1 - np.exp(-slope * logs))
        if best is None or distance < best.distance:
            best = Tail(1 + slope, slope / len(tail)**0.5, float(tail[0]), len(tail), distance)
    if best is None:
        raise ValueError("all values of the tail are equal")
    return best


def plausibility(values: Array, tail: Tail, seed: int = 0) -> float:
    """Share of samples of the fitted law that are at least as far from their own fits as the values are from it."""
    x = np.asarray(values, dtype=np.float64)
    below = x[x < tail.lowest]
    draw = np.random.default_rng(seed)
    share = 1 - len(below) / len(x)
    worse = 0
    for _ in range(SAMPLES):
        above = int(draw.binomial(len(x), share))
        sample = tail.lowest * (1 - draw.random(above))**(-1 / (tail.alpha - 1))
        if len(below):
            sample = np.concatenate([draw.choice(below, len(x) - above), sample])
        worse += fit(sample).distance >= tail.distance
    return worse / SAMPLES


def _distance(below: Array) -> float:
    """Kolmogorov distance of a sorted sample with these values of a distribution function."""
    steps = np.arange(len(below) + 1) / len(below)
    return float(max(np.max(steps[1:] - below), np.max(below - steps[:-1])))

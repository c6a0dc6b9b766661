"""The mean of a few replicates with its Student-t interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lth_engine.core.artifact import Array
from lth_engine.core.verdict import half_width


@dataclass(frozen=True)
class Interval:
    """A mean over replicates.

    Attributes:
        mean: arithmetic mean.
        lower, upper: ends of the interval for the mean; nan for a single value.
        n: number of values.
    """

    mean: float
    lower: float
    upper: float
    n: int


def student_t(values: Array, confidence: float = 0.95) -> Interval:
    """Mean and two-sided Student-t interval (n - 1 degrees of freedom) of finite values.

    Values that are nan are left out; without any left the mean is nan.
    """
    kept = np.asarray(values, dtype=float)
    kept = kept[np.isfinite(kept)]
    n = len(kept)
    if n < 2:
        return Interval(float(kept[0]) if n else math.nan, math.nan, math.nan, n)
    mean = float(kept.mean())
    half = half_width(kept, confidence)
    return Interval(mean, mean - half, mean + half, n)

"""How often the weights of two networks have the same sign, and how often by chance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lth_engine.core.artifact import Array


@dataclass(frozen=True)
class Signs:
    """Agreement of signs among some pairs of weights.

    Attributes:
        count: pairs.
        agree: share of them with one sign (0 is a sign of its own); NaN of none.
        by_chance: the same if the signs of each network were dealt out anew among the weights; NaN of none.
    """

    count: int
    agree: float
    by_chance: float


def agreement(first: Array, second: Array) -> Signs:
    """Compare two vectors of weights, one pair a place.

    Chance is the sum over the signs of (share in the first) (share in the second): a half where both networks have as
    many positive as negative weights, more where both lean to one side.
    """
    if not first.size:
        return Signs(0, math.nan, math.nan)
    one, other = np.sign(first), np.sign(second)
    by_chance = sum(float((one == sign).mean() * (other == sign).mean()) for sign in (-1, 0, 1))
    return Signs(first.size, float((one == other).mean()), by_chance)

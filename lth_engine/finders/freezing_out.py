"""When Gem-Miner freezes weights out, and how many are left: the same share each time, down to the density."""

from __future__ import annotations

import math
from fractions import Fraction


def rate(density: float, times: int) -> float:
    """Share of the active weights that each time freezes out: p = 1 - density^(1 / times)."""
    return 1 - density ** (1 / times)


def densities(density: Fraction, times: int) -> list[Fraction]:
    """Density after each time, the last one exact; a count is a density times all weights, rounded once."""
    left = 1 - rate(float(density), times)
    return [*(Fraction(left**done) for done in range(1, times)), density]


def published_counts(size: int, density: float, times: int) -> list[int]:
    """Active weights after each time by the rule of the public code, which removes ceil(p x active): the rounding adds
    up, so that a few weights less are left in the end."""
    left, found = size, []
    for _ in range(times):
        left -= math.ceil(rate(density, times) * left)
        found.append(left)
    return found

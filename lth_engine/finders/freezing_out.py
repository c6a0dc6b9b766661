"""When Gem-Miner freezes weights out, and how many are left: the same share each time, down to the density."""

from __future__ import annotations

from fractions import Fraction


def rate(density: float, times: int) -> float:
    """Share of the active weights that each time freezes out: p = 1 - density^(1 / times)."""
    return 1 - density ** (1 / times)


def densities(density: Fraction, times: int) -> list[Fraction]:
    """Density after each time, the last one exact; a count is a density times all weights, rounded once."""
    left = 1 - rate(float(density), times)
    return [*(Fraction(left**done) for done in range(1, times)), density]

"""Whether two networks are linearly connected: the barrier, its interval and a threshold, in one word."""

from __future__ import annotations

STABLE = 0.02
"""Barriers of the error below this connect two networks (Frankle et al. 2020; Pruning Close to Home, section 4.1: 2
points)."""


def connected(barrier: float, low: float | None, high: float | None, threshold: float = STABLE) -> str:
    """The verdict: connected if the barrier is below the threshold, separated if it is not, undecided if its 95%
    interval holds the threshold.

    Args:
        barrier: height of the barrier, a fraction.
        low: lower end of its interval; None or nan where it has none: then the barrier alone decides.
        high: upper end.
        threshold: barriers from here on separate.
    """
    if low is not None and high is not None and low < threshold <= high:
        return "undecided"
    return "connected" if barrier < threshold else "separated"

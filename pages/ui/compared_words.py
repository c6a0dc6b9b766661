"""Words of tests on a page: with a sign that tells the same without colour."""

from __future__ import annotations

SIGNS = {"passes": "✓", "better": "✓", "higher": "✓", "no difference": "=", "equivalent": "=", "worse": "✗",
         "lower": "✗", "undecided": "?"}
"""Word of a test -> its sign."""


def signed(word: str) -> str:
    """"✓ passes"; a word without a sign as it is."""
    return f"{SIGNS[word]} {word}" if word in SIGNS else word


def interval(mean: float, low: float, high: float) -> str:
    """A difference in points with its interval: "+1.20, +0.30 to +2.10"; without one if there is none."""
    if not -1e9 < low <= high < 1e9:
        return f"{100 * mean:+.2f}"
    return f"{100 * mean:+.2f}, {100 * low:+.2f} to {100 * high:+.2f}"

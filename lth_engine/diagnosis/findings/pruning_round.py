"""Whether the density is that of a round of iterative pruning by a usual share, to the weight.

Level L of a search that prunes a share p keeps N (1 - p)^L of N weights, give or take the rounding of its rule: each
of the published codes is at most L + 1 weights off. Which layers a search leaves out varies, so N is tried with all
prunable weights, and without those that keep everything.
"""

from __future__ import annotations

from lth_engine.diagnosis.anatomy import Anatomy
from lth_engine.diagnosis.findings.finding import Finding, percent

ABOUT = "health_pruning_round"

SHARES = (0.2, 0.5, 0.1, 0.3, 0.25)
"""Shares pruned a round: 20% (Frankle & Carbin 2019) first, then others in use."""

ROUNDS = 40
"""Rounds beyond which no search goes: 20% leave 0.013% after 40."""

CHANCE = 0.005
"""Probability of a hit as close by chance from which nothing is said: counts as close over counts between rounds."""


def find(anatomy: Anatomy) -> list[Finding]:
    """A note naming the round, if there is one that fits too well for chance."""
    touched = [layer for layer in anatomy.prunable if layer.alive < layer.size]
    groups = {"all prunable layers": anatomy.prunable, "the layers that lost weights": tuple(touched)}
    for where, layers in groups.items():
        size, kept = sum(layer.size for layer in layers), sum(layer.alive for layer in layers)
        match = matched(size, kept)
        if match:
            share, level = match
            return [Finding("pruning_round", "note", f"{kept:,} of {size:,} weights in {where} are kept, "
                            f"{percent(kept / size)}: that is round {level} of iterative pruning by {percent(share)} "
                            f"({1 - share:g}^{level} = {percent((1 - share)**level)}), to "
                            f"{abs(kept - round(size * (1 - share)**level)):,} weights.",
                            None, ABOUT)]
    return []


def matched(size: int, kept: int) -> tuple[float, int] | None:
    """(share, round) whose count is met within what rounding explains and too closely for chance."""
    if not 0 < kept < size:
        return None
    for share in SHARES:
        for level in range(1, ROUNDS + 1):
            wanted = size * (1 - share)**level
            off = abs(kept - wanted)
            if off <= level + 1 and (2 * off + 1) / (wanted * share) < CHANCE:
                return share, level
    return None

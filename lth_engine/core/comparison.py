"""Two searches compared density by density: a difference with its interval, and one word for it.

The difference (one search minus the other, the reference) gets a two-sided 90% Student-t interval, which is two
one-sided tests at 5%. Runs that share seeds are paired by replicate; else the interval is Welch's, for two independent
samples of unequal spread. The first word that applies holds:

- equivalent: the interval lies within minus and plus the margin;
- better, worse: it lies on one side of 0 (higher, lower: where neither is better);
- undecided: anything else, always with fewer than two values on either side.

Comparisons at several densities are not corrected for their number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from lth_engine.core.measures import Measure
from lth_engine.core.search_table import Table, rows_where
from lth_engine.core.verdict import ALPHA, Difference, Values, paired_difference

SAME_DENSITY = 0.005
"""Two densities that differ by less, relative to each other, count as the same."""


@dataclass(frozen=True)
class Comparison:
    """Two searches at one density.

    Attributes:
        density: of the first, in (0, 1].
        levels: level of each search.
        means: mean of each.
        counts: values of each that entered.
        difference: first minus second, with its interval; `count` is the smaller number of values.
        paired: whether it is paired by replicate.
        word: "better", "worse", "higher", "lower", "equivalent" or "undecided", said of the first.
    """

    density: float
    levels: tuple[int, int]
    means: tuple[float, float]
    counts: tuple[int, int]
    difference: Difference
    paired: bool
    word: str

    @property
    def test(self) -> str:
        """The test and what it rests on."""
        first, second = self.counts
        return f"paired, n = {first}" if self.paired else f"Welch, n = {first} and {second}"


def compare(first: Table, second: Table, by: Measure, margin: float, *, paired: bool,
            variant: str = "ticket") -> list[Comparison]:
    """Compare two searches at every density that they have in common, from dense to sparse.

    Args:
        first: table of the search that is judged.
        second: table of the reference.
        by: what they are compared by.
        margin: difference, in stored units, below which nobody cares.
        paired: whether equal replicates of the two share their seeds.
        variant: "ticket" or a control that both have.
    """
    mine, other = rows_where(first, variant), rows_where(second, variant)
    if variant != "ticket":  # the dense networks are everybody's start
        mine, other = (_with_dense(*pair) for pair in ((first, mine), (second, other)))
    if by.name not in mine or by.name not in other:
        return []
    pairs = [levels for levels in common_levels(mine, other) if any(levels) or not by.from_dense]
    found = (_at(mine, other, levels, by, margin, paired) for levels in pairs)
    return [comparison for comparison in found if comparison is not None]


def common_levels(first: Table, second: Table) -> list[tuple[int, int]]:
    """Pairs of levels of equal density, from dense to sparse; each level is used once."""
    left, found = _densities(second), []
    for level, density in _densities(first).items():
        near = [other for other, value in left.items() if abs(value - density) <= SAME_DENSITY * max(value, density)]
        if near:
            best = min(near, key=lambda other: abs(left[other] - density))
            del left[best]
            found.append((level, best))
    return found


def unmatched(first: Table, second: Table) -> tuple[int, int]:
    """Number of densities that the first table has alone, and the second."""
    common = common_levels(first, second)
    return len(_densities(first)) - len(common), len(_densities(second)) - len(common)


def welch_difference(first: Values, second: Values, resolution: float = 0.0) -> Difference:
    """Difference of the means of two independent samples with Welch's two-sided 90% interval.

    `resolution` is the least standard deviation of a difference that is believed: the accuracy of one image.
    """
    sizes = len(first), len(second)
    mean = float(np.mean(first) - np.mean(second))
    if min(sizes) < 2:
        return Difference(mean, -math.inf, math.inf, min(sizes))
    parts = [max(float(np.var(values, ddof=1)), resolution**2 / 2) / len(values) for values in (first, second)]
    variance = sum(parts)
    if variance == 0:
        return Difference(mean, mean, mean, min(sizes))
    degrees = variance**2 / sum(part**2 / (size - 1) for part, size in zip(parts, sizes, strict=True))
    half = float(stdtrit(degrees, 1 - ALPHA)) * math.sqrt(variance)
    return Difference(mean, mean - half, mean + half, min(sizes))


def word(difference: Difference, margin: float, better: int) -> str:
    """The word for a difference; `better` is +1 where more is better, -1 where less is, 0 where neither is."""
    if difference.count < 2:
        return "undecided"
    if -margin < difference.low and difference.high < margin:
        return "equivalent"
    side = (difference.low > 0) - (difference.high < 0)
    if side == 0:
        return "undecided"
    if better == 0:
        return "higher" if side > 0 else "lower"
    return "better" if side == better else "worse"


def default_margin(by: Measure, table: Table) -> float:
    """A margin to begin with where nobody has named one: 1 point of a percentage, else 5% of the dense mean."""
    if by.scale == 100.0:
        return 0.01
    values = _finite(rows_where(table, "ticket", 0).get(by.name, np.empty(0)))
    size = abs(float(np.mean(values))) if len(values) else 0.0
    return float(f"{0.05 * size:.1g}") if size else 1.0


def _at(mine: Table, other: Table, levels: tuple[int, int], by: Measure, margin: float,
        paired: bool) -> Comparison | None:
    """The comparison at one density; None while one of the two has no value there."""
    sides = [_by_replicate(table, level, by.name) for table, level in zip((mine, other), levels, strict=True)]
    if paired:
        shared = sorted(sides[0].keys() & sides[1].keys())
        sides = [{replicate: side[replicate] for replicate in shared} for side in sides]
    first, second = (np.array(list(side.values())) for side in sides)
    if not len(first) or not len(second):
        return None
    images = int(np.max(mine[by.images])) if by.images and by.images in mine else 0
    find = paired_difference if paired else welch_difference
    difference = find(first, second, 1 / images if images else 0.0)
    density = float(np.mean(mine["density"][mine["level"] == levels[0]]))
    return Comparison(density, levels, (float(first.mean()), float(second.mean())), (len(first), len(second)),
                      difference, paired, word(difference, margin, by.better))


def _by_replicate(table: Table, level: int, column: str) -> dict[int, float]:
    at = table["level"] == level
    found = zip(table["replicate"][at], table[column][at], strict=True)
    return {int(replicate): float(value) for replicate, value in found if math.isfinite(value)}


def _with_dense(table: Table, rows: Table) -> Table:
    dense = rows_where(table, "ticket", 0)
    return {name: np.concatenate([dense[name], column]) for name, column in rows.items()}


def _densities(table: Table) -> dict[int, float]:
    """Mean density by level, from dense to sparse."""
    return {int(level): float(np.mean(table["density"][table["level"] == level]))
            for level in np.unique(table["level"])}


def _finite(values: Values) -> Values:
    kept: Values = np.asarray(values, dtype=float)
    return np.extract(np.isfinite(kept), kept)

"""Two groups of accuracies over the same replicates: the difference, its interval, and a word for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lth_engine.core.artifact import Array
from lth_engine.core.comparison import word
from lth_engine.core.verdict import Difference, half_width, paired_difference

NOBODY = Difference(math.nan, math.nan, math.nan, 0)
"""The difference of what is compared with nothing."""

WORDS = {"better": "better than", "worse": "worse than", "equivalent": "within the margin of",
         "undecided": "not told apart from"}
"""The word of a comparison, said of the first of the two."""


@dataclass(frozen=True)
class Compared:
    """One variant: mean accuracy, half of its 95% Student-t interval (inf for one replicate), and a paired
    difference with its two-sided 90% interval and its word ("" if it is compared with nothing)."""

    accuracy: float
    half_width: float
    difference: Difference
    word: str


def compared(values: Array, first: Array | None, second: Array | None, images: int, margin: float) -> Compared:
    """A variant's values, and `first` minus `second`; None where there is nothing to compare.

    Args:
        values: accuracies, one a replicate.
        first: accuracies by replicate.
        second: those that are taken off.
        images: number of test images, which is how finely an accuracy is known.
        margin: difference that nobody cares about.
    """
    difference = NOBODY if first is None or second is None else paired_difference(first, second, 1 / images)
    said = "" if difference is NOBODY else word(difference, margin, 1)
    return Compared(float(values.mean()), half_width(values), difference, said)


def points(value: float) -> str:
    """A difference of accuracy in points, with its sign."""
    return f"{100 * value:+.2f}"


def intervals(found: Sequence[Difference]) -> list[str]:
    """"+1.20 points, 90% interval +0.80 to +1.60"; of the later ones the numbers alone."""
    return [f"{points(d.mean)} points, {'90% interval ' * (not place)}{points(d.low)} to {points(d.high)}"
            for place, d in enumerate(found)]

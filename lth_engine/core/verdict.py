"""Is it a winning ticket? One function decides, over replicates, with a test and a margin.

The differences of test accuracy (ticket minus dense, replicate by replicate) get a two-sided 90% Student-t interval,
which is two one-sided tests at 5%:

- winning: the interval lies above 0, and so does that of the ticket over every control;
- matching: it lies above -margin (not worse than dense by more than the margin);
- failing: it lies below 0;
- undecided: anything else, always with fewer than two replicates, and always if the dense network did not learn.

The first that applies holds: a ticket that is a little below the dense network, but surely within the margin, matches.
The spread that enters the interval is at least one image of the test set, so that replicates that happen to differ by
the same number of images do not count as certain. Verdicts at several levels of one search are not corrected for their
number; the verdict of a search is that of one level, chosen on validation images beforehand.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

Values = npt.NDArray[np.float64]

ALPHA = 0.05
"""Level of each one-sided test."""


@dataclass(frozen=True)
class Difference:
    """A paired difference over replicates, in fractions of accuracy.

    Attributes:
        mean: mean of the differences.
        low: lower end of the two-sided 90% interval; -inf with one replicate.
        high: upper end of that interval; inf with one replicate.
        count: number of replicates.
    """

    mean: float
    low: float
    high: float
    count: int


@dataclass(frozen=True)
class Verdict:
    """What the replicates say about a ticket.

    Attributes:
        word: "winning", "matching", "failing" or "undecided".
        against_dense: ticket minus dense.
        against_controls: ticket minus each control, by what the control is called.
        margin: largest loss of accuracy that counts as matching, a fraction.
        more: rough number of further replicates that would settle it; 0 if it is settled, None if 100 would not.
        learned: whether the dense network is above chance.
        dense_there: whether there is a dense network to compare with.
    """

    word: str
    against_dense: Difference
    against_controls: Mapping[str, Difference]
    margin: float
    more: int | None
    learned: bool = True
    dense_there: bool = True

    @property
    def beats_controls(self) -> bool:
        """Whether the ticket is above every control by the same test; False without controls."""
        return bool(self.against_controls) and all(d.low > 0 for d in self.against_controls.values())

    @property
    def sentence(self) -> str:
        """The verdict with everything that it rests on."""
        d = self.against_dense
        if not self.dense_there:
            return ("undecided: no dense network was brought, so there is nothing to compare with. Bring it as level "
                    "0, or ask for sanity checks, which train one.")
        if not self.learned:
            return (f"undecided (n = {d.count}): the dense network did not learn more than guessing, so there is "
                    "nothing to compare with. Lower the learning rate or train longer.")
        if d.count < 2:
            return (f"undecided (n = {d.count}): one replicate has no spread, so no test is possible. "
                    "Ask for 3 replicates or more.")
        head = (f"{self.word} (n = {d.count}, margin {100 * self.margin:g} points, paired t-test at 5%: "
                f"ticket - dense = {_points(d.mean)} points, 90% interval {_points(d.low)} to {_points(d.high)})")
        controls = "; ".join(_against(name, c) for name, c in self.against_controls.items())
        more = f". About {self.more} more replicate{'s' * (self.more > 1)} would settle it" if self.more else ""
        return head + (f"; {controls}" if controls else "; no controls were trained") + more + "."


def paired_difference(first: Values, second: Values, resolution: float = 0.0) -> Difference:
    """Mean and two-sided 90% Student-t interval of `first - second`, paired by replicate.

    `resolution` is the least standard deviation that is believed: the accuracy of one image.
    """
    differences = np.asarray(first, float) - np.asarray(second, float)
    count, mean = len(differences), float(differences.mean())
    if count < 2:
        return Difference(mean, -math.inf, math.inf, count)
    half = _quantile(count) * _spread(differences, resolution) / math.sqrt(count)
    return Difference(mean, mean - half, mean + half, count)


def above_chance(accuracies: Values, chance: float, images: int) -> bool:
    """Whether a mean accuracy is more than guessing on so many images (0: without end) reaches by three sigma."""
    return float(np.mean(accuracies)) > chance + 3 * math.sqrt(chance * (1 - chance) / images if images else 0.0)


def half_width(values: Values, confidence: float = 0.95) -> float:
    """Half the width of the two-sided Student-t interval of a mean; inf for fewer than two values."""
    if len(values) < 2:
        return math.inf
    quantile = float(stdtrit(len(values) - 1, 0.5 + confidence / 2))
    return quantile * float(np.std(values, ddof=1)) / math.sqrt(len(values))


def judge(ticket: Values, dense: Values, controls: Mapping[str, Values], margin: float, *, images: int = 0,
          chance: float = 0.0) -> Verdict:
    """The verdict on a ticket.

    Args:
        ticket: accuracies in [0, 1], one a replicate.
        dense: those of the dense networks, in the same order; empty if there are none.
        controls: those of each control.
        margin: loss of accuracy that counts as matching.
        images: number of test images, which is how finely an accuracy is known; 0 for exact values.
        chance: accuracy of guessing; a dense network that is not clearly above it did not learn.
    """
    resolution = 1 / images if images else 0.0
    if not len(dense):
        return Verdict("undecided", Difference(math.nan, -math.inf, math.inf, 0), {}, margin, None, dense_there=False)
    against = paired_difference(ticket, dense, resolution)
    others = {name: paired_difference(ticket, values, resolution) for name, values in controls.items()}
    learned = above_chance(dense, chance, images)
    word = _word(against, others, margin) if learned else "undecided"
    spread = _spread(np.asarray(ticket, float) - np.asarray(dense, float), resolution)
    more = (_more(against, spread, margin) if learned else None) if word == "undecided" else 0
    return Verdict(word, against, others, margin, more, learned)


def _word(d: Difference, controls: Mapping[str, Difference], margin: float) -> str:
    if d.count < 2:
        return "undecided"
    if d.low > 0 and all(c.low > 0 for c in controls.values()):
        return "winning"
    if d.low > -margin:
        return "matching"
    return "failing" if d.high < 0 else "undecided"


def _more(d: Difference, spread: float, margin: float) -> int | None:
    """Replicates still missing until the interval clears -margin or 0, if mean and spread stay as they are."""
    if d.count < 2:
        return 3 - d.count
    for count in range(d.count + 1, 101):
        half = _quantile(count) * spread / math.sqrt(count)
        if d.mean - half > -margin or d.mean + half < 0:
            return count - d.count
    return None


def _quantile(count: int) -> float:
    """Student's t for one side at ALPHA and `count` values."""
    return float(stdtrit(count - 1, 1 - ALPHA))


def _spread(differences: Values, resolution: float) -> float:
    return max(float(np.std(differences, ddof=1)), resolution) if len(differences) > 1 else resolution


def _against(name: str, d: Difference) -> str:
    word = "above" if d.low > 0 else "below" if d.high < 0 else "not told apart from"
    return f"{word} {name} ({_points(d.mean)} points, {_points(d.low)} to {_points(d.high)})"


def _points(fraction: float) -> str:
    return f"{100 * fraction:+.2f}"

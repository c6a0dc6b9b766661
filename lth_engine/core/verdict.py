"""Is it a winning ticket? One function decides, over replicates, with a test and a margin.

The differences of test accuracy (ticket minus dense, replicate by replicate) get a two-sided 90% Student-t interval,
which is two one-sided tests at 5%:

- winning: the interval lies above 0, and so does that of the ticket over every control;
- matching: it lies above -margin (not worse than dense by more than the margin);
- failing: it lies below 0;
- undecided: anything else, and always with fewer than two replicates.

The first that applies holds: a ticket that is a little below the dense network, but surely within the margin, matches.
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
        against_controls: ticket minus each control, by the control's name.
        margin: largest loss of accuracy that counts as matching, a fraction.
        more: rough number of further replicates that would settle it; 0 if it is settled, None if none would.
    """

    word: str
    against_dense: Difference
    against_controls: Mapping[str, Difference]
    margin: float
    more: int | None

    @property
    def beats_controls(self) -> bool:
        """Whether the ticket is above every control by the same test; False without controls."""
        return bool(self.against_controls) and all(d.low > 0 for d in self.against_controls.values())

    @property
    def sentence(self) -> str:
        """The verdict with everything that it rests on."""
        d = self.against_dense
        if d.count < 2:
            return (f"undecided (n = {d.count}): one replicate has no spread, so no test is possible. "
                    "Ask for 3 replicates or more.")
        head = (f"{self.word} (n = {d.count}, margin {100 * self.margin:g} points, paired t-test at 5%: "
                f"ticket - dense = {_points(d.mean)} points, 90% interval {_points(d.low)} to {_points(d.high)})")
        controls = "; ".join(_against(name, c) for name, c in self.against_controls.items())
        more = f". About {self.more} more replicates would settle it" if self.more else ""
        return head + (f"; {controls}" if controls else "") + more + "."


def paired_difference(first: Values, second: Values) -> Difference:
    """Mean and two-sided 90% Student-t interval of `first - second`, paired by replicate."""
    differences = np.asarray(first, float) - np.asarray(second, float)
    count, mean = len(differences), float(differences.mean())
    if count < 2:
        return Difference(mean, -math.inf, math.inf, count)
    half = half_width(differences, 1 - 2 * ALPHA)
    return Difference(mean, mean - half, mean + half, count)


def half_width(values: Values, confidence: float = 0.95) -> float:
    """Half the width of the two-sided Student-t interval of a mean; inf for fewer than two values."""
    if len(values) < 2:
        return math.inf
    quantile = float(stdtrit(len(values) - 1, 0.5 + confidence / 2))
    return quantile * float(np.std(values, ddof=1)) / math.sqrt(len(values))


def judge(ticket: Values, dense: Values, controls: Mapping[str, Values], margin: float) -> Verdict:
    """The verdict on a ticket from accuracies in [0, 1], one a replicate, in the same order everywhere."""
    against = paired_difference(ticket, dense)
    others = {name: paired_difference(ticket, values) for name, values in controls.items()}
    word = _word(against, others, margin)
    return Verdict(word, against, others, margin, _more(ticket, dense, against, margin) if word == "undecided" else 0)


def _word(d: Difference, controls: Mapping[str, Difference], margin: float) -> str:
    if d.count < 2:
        return "undecided"
    if d.low > 0 and all(c.low > 0 for c in controls.values()):
        return "winning"
    if d.low > -margin:
        return "matching"
    return "failing" if d.high < 0 else "undecided"


def _more(ticket: Values, dense: Values, d: Difference, margin: float) -> int | None:
    """Replicates still missing until the interval clears -margin, if mean and spread stay as they are."""
    if d.count < 2:
        return 3 - d.count
    spread = float(np.std(np.asarray(ticket) - np.asarray(dense), ddof=1))
    gap = abs(d.mean + margin)
    for count in range(d.count + 1, 101):
        if float(stdtrit(count - 1, 1 - ALPHA)) * spread / math.sqrt(count) < gap:
            return count - d.count
    return None


def _against(name: str, d: Difference) -> str:
    word = "above" if d.low > 0 else "below" if d.high < 0 else "not told apart from"
    return f"{word} {name.replace('_', ' ')} ({_points(d.mean)} points, {_points(d.low)} to {_points(d.high)})"


def _points(fraction: float) -> str:
    return f"{100 * fraction:+.2f}"

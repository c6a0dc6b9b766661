"""Whether two networks have a common past: one trained from the other, or both from one draw.

Weights that were drawn and trained apart have no correlation, give or take one over the root of their number (with
unequal sizes: the root of the sum of a^2 b^2, the deviation of the sum of a b if signs were coins). Neighbouring
weights of a filter go together, which widens that a little, so a common past is told from ten such errors and a
correlation of 0.1; between that and chance, nothing is told.
"""

from __future__ import annotations

from dataclasses import dataclass

from lth_engine.diagnosis.findings.finding import percent
from lth_engine.diagnosis.layer_pair import Sums

ERRORS = 10.0
"""Standard errors of independent signs from which chance is ruled out."""

RELATED = 0.1
"""Correlation from which a common past is told."""

APART = 0.05
"""Correlation below which two networks are told to be apart: trainings from different draws stay below."""

COPIED = 0.999
"""Share of the weights kept by both that must be exactly equal for one to be a copy of the other with another mask,
and share of all weights that must be equal once rounded for a copy in less precision."""

ROUNDED = 2e-3
"""Relative distance of a copy in half precision (2^-11 a weight) or in bfloat16 (2^-9)."""


@dataclass(frozen=True)
class Kinship:
    """What two networks are to one another.

    Attributes:
        code: "same" (what stands beside the weights may differ; the text says so), "rounded", "masked" (equal where
            both keep weights), "start" (one is the draw that the other was
            trained from), "related", "apart" or "unclear".
        text: in words with the numbers.
    """

    code: str
    text: str


def kinship(total: Sums, fresh_first: bool, fresh_second: bool, others: str = "") -> Kinship:
    """The verdict.

    Args:
        total: sums over all layers that both have.
        fresh_first: whether the first network looks like a fresh draw.
        fresh_second: whether the second one does.
        others: a sentence on factors, shifts, biases and statistics, which are no part of the sums.
    """
    cosine = total.cosine
    if cosine is None or not total.both:
        return Kinship("unclear", "Whether they have a common past cannot be told: no weight is kept by both.")
    numbers = f"correlation {cosine:.3f} over {total.size:,} weights, {total.errors:,.0f} standard errors from 0"
    if total.apart == 0:
        return Kinship("same", f"All {total.size:,} weights are equal. {others}".strip())
    if total.equal >= COPIED * total.both:
        return Kinship("masked", f"{percent(total.equal / total.both)} of the {total.both:,} weights that both keep "
                       "are exactly equal: one is the other with another mask, not trained in between, as a "
                       f"rewind is. {others}".strip())
    if (total.relative or 0) < ROUNDED and max(total.halves, total.bfloats) >= COPIED * total.size:
        kind = "half precision (float16)" if total.halves >= total.bfloats else "bfloat16"
        return Kinship("rounded", f"The same weights up to rounding (relative distance {total.relative:.1e}), as "
                       f"after saving in {kind}. {others}".strip())
    if total.errors > ERRORS and cosine > RELATED:
        return _related(numbers, fresh_first, fresh_second)
    if abs(cosine) < APART:
        return Kinship("apart", "They were drawn and trained apart, or their units stand in another order: "
                       f"{numbers}, where independent networks have 0 give or take "
                       f"{total.squares**0.5 / (total.aa * total.bb)**0.5:.4f}.")
    return Kinship("unclear", f"Whether they have a common past is unclear: {numbers}. Independent trainings stay "
                   f"below {APART}, a common past shows from {RELATED}.")


def _related(numbers: str, fresh_first: bool, fresh_second: bool) -> Kinship:
    if fresh_first != fresh_second:
        start, end = ("first", "second") if fresh_first else ("second", "first")
        return Kinship("start", f"The {start} looks like the draw that the {end} was trained from: it is untrained, "
                       f"and their weights go together ({numbers}).")
    return Kinship("related", "They have a common past: one was trained further from the other, or both from one "
                   f"start ({numbers}). Independent trainings have 0.")

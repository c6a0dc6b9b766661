"""The terms of a stored PAC-Bayes bound, read from its summary."""

from __future__ import annotations

import math

from lth_engine.core.summary import number
from lth_engine.figures.bound import CONFIDENCE, DRAWS, GAUSSIAN, IMAGES, MASK, PRIOR, Terms
from lth_engine.specs.bounds import PacBayes
from pages.ui import diagnosing
from pages.ui.explaining import with_error

PRIORS = {"spike_and_slab": "Spike and slab", "gaussian_init": "Gaussian around the start",
          "gaussian_zero": "Gaussian around 0"}
"""What the priors are called."""

SIDES = {"oracle": "Oracle", "certified": "Certified"}
"""The two bounds that are always given."""

_DELTA_SHARE = {"oracle": 1.0, "certified": 0.5}
"""The share of delta that the KL term spends; the certified bound spends the other half on the drawn networks."""


def value(question: PacBayes, name: str) -> float:
    """A number of the summary; nan if it holds none."""
    return number(diagnosing.summary(question), name)


def said(question: PacBayes, name: str) -> str:
    """A sentence of the summary; "" if it holds none."""
    return str(diagnosing.summary(question).get(name) or "")


def guessing(question: PacBayes) -> float:
    """The error of guessing, from which on a bound says nothing; 1 if it is not known."""
    found = value(question, "chance_error")
    return found if math.isfinite(found) else 1.0


def vacuous(question: PacBayes, side: str) -> bool:
    """Whether a bound says nothing."""
    return bool(diagnosing.summary(question).get(f"{side}_vacuous"))


def bound_words(question: PacBayes, side: str) -> str:
    """A bound in words: "43.1 %", "104 %, vacuous"."""
    return with_error(100 * value(question, f"{side}_bound"), None, "%") + ", vacuous" * vacuous(question, side)


def terms(question: PacBayes, side: str, label: str) -> Terms:
    """A bound taken apart, for the figure; what costs nothing is left out."""
    nats = {GAUSSIAN: value(question, f"{side}_kl_gaussian"), MASK: value(question, f"{side}_kl_mask"),
            CONFIDENCE: confidence(question, side)}
    added = {}
    if side == "certified":
        nats |= {PRIOR: value(question, "certified_grid_cost"),
                 IMAGES: value(question, "certified_input_cost")}
        added = {DRAWS: value(question, "certified_sample_term")}
    return Terms(label, value(question, f"{side}_risk"), value(question, f"{side}_bound"), vacuous(question, side),
                 _paid(added), _paid(nats))


def confidence(question: PacBayes, side: str) -> float:
    """log(2 sqrt(n) / delta), in nats, with the share of delta that this bound spends on it."""
    n, delta = value(question, "n"), value(question, "delta") * _DELTA_SHARE[side]
    return math.log(2 * math.sqrt(n) / delta) if n > 0 and delta > 0 else math.nan


def _paid(costs: dict[str, float]) -> dict[str, float]:
    return {name: cost for name, cost in costs.items() if math.isfinite(cost) and cost > 0}

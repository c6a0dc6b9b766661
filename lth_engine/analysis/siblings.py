"""Pairwise barriers between siblings, gathered from the lines between them."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from lth_engine.analysis.lines.barrier import STABLE
from lth_engine.analysis.lines.barriers import gathered
from lth_engine.core.artifact import Answer, Inputs, Scalar
from lth_engine.core.workbench import Workbench
from lth_engine.specs.connecting import Siblings


def answer(question: Siblings, inputs: Inputs, bench: Workbench) -> Answer:
    """Mean and standard deviation of the barriers over the pairs.

    Arrays pair/first and pair/second (numbers of siblings) and those of :func:`gathered` under pair/. The summary says
    barrier_mean, barrier_std (n - 1; None for a single pair), barrier_highest, and stable: the mean is below 2 points.
    """
    pairs = list(combinations(range(question.count), 2))
    rows = gathered([line.key for line in question.lines()], inputs, "pair")
    barriers = rows["pair/barrier_test"]
    summary: dict[str, Scalar] = {
        "pairs": len(pairs), "barrier_mean": float(barriers.mean()),
        "barrier_std": float(barriers.std(ddof=1)) if len(pairs) > 1 else None,
        "barrier_highest": float(barriers.max()), "stable": bool(barriers.mean() < STABLE)}
    return Answer({"pair/first": np.array([one for one, _ in pairs]),
                   "pair/second": np.array([other for _, other in pairs])} | rows, summary)

"""Pairwise barriers between siblings, gathered from the lines between them."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from lth_engine.analysis.lines.barriers import gathered
from lth_engine.core.artifact import Answer, Inputs, Scalar
from lth_engine.core.connected import connected
from lth_engine.core.workbench import Workbench
from lth_engine.specs.connecting import Siblings


def answer(question: Siblings, inputs: Inputs, bench: Workbench) -> Answer:
    """Mean and standard deviation of the barriers over the pairs.

    Arrays pair/first and pair/second (numbers of siblings) and those of :func:`gathered` under pair/. The summary says
    barrier_mean, barrier_std (n - 1; None for a single pair), barrier_highest, and the verdict: that of the line for a
    single pair, of the mean for several (see :func:`connected`), since pairs that share a sibling have no interval.
    """
    pairs = list(combinations(range(question.count), 2))
    rows = gathered([line.key for line in question.lines()], inputs, "pair")
    barriers = rows["pair/barrier_test"]
    mean, alone = float(barriers.mean()), len(pairs) == 1
    ends = [float(rows[name][0]) if alone and name in rows else None
            for name in ("pair/barrier_test_low", "pair/barrier_test_high")]
    summary: dict[str, Scalar] = {
        "pairs": len(pairs), "barrier_mean": mean, "barrier_std": None if alone else float(barriers.std(ddof=1)),
        "barrier_highest": float(barriers.max()), "verdict": connected(mean, *ends)}
    return Answer({"pair/first": np.array([one for one, _ in pairs]),
                   "pair/second": np.array([other for _, other in pairs])} | rows, summary)

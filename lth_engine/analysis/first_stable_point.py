"""The first stable point of training, from the barriers that the bisection asked for."""

from __future__ import annotations

import math

import numpy as np

from lth_engine.core.artifact import Answer, Inputs, Scalar, text_array
from lth_engine.core.connected import connected
from lth_engine.core.summary import number
from lth_engine.core.workbench import Workbench
from lth_engine.specs.stability import FirstStablePoint


def answer(question: FirstStablePoint, inputs: Inputs, bench: Workbench) -> Answer:
    """The point, and the trail that led to it.

    Arrays trail/point, trail/barrier, trail/low and trail/high (its 95% interval; nan if there is none), trail/stable
    and trail/key, in the order of the tries; those from `tries` on were made to find contradictions. The bisection
    goes by the barrier alone; `undecided` counts the tries whose interval holds the threshold. The summary says the
    point in the unit of the length (the length itself if no earlier point is stable), its share of training, the
    tries of the bisection, `monotone` (False: some point contradicts it; None if that was not asked), and which ones
    contradict.
    """
    trail = question.trail(inputs.summary)
    assert trail.found is not None, "every line is answered before this"
    length = question.start.training.length
    point = length.count if trail.found.point is None else trail.found.point
    summary: dict[str, Scalar] = {
        "point": point, "unit": length.unit, "length": length.count, "share": point / length.count,
        "before_end": trail.found.point is not None, "tries": len(trail.found.tried),
        "most_tries": length.count.bit_length(), "threshold": question.threshold,
        "monotone": None if trail.against is None else not trail.against,
        "contradictions": ", ".join(map(str, trail.against or ()))}
    points, barriers = zip(*trail.tried, strict=True)
    keys = [question.at(p).key for p in points]
    low, high = ([number(inputs.summary(key), f"barrier_test_{end}") if question.judged_on == "test" else math.nan
                  for key in keys] for end in ("low", "high"))
    words = [connected(*row, question.threshold) for row in zip(barriers, low, high, strict=True)]
    return Answer({"trail/point": np.array(points), "trail/barrier": np.array(barriers), "trail/low": np.array(low),
                   "trail/high": np.array(high), "trail/stable": np.array(barriers) < question.threshold,
                   "trail/key": text_array(keys)}, summary | {"undecided": words.count("undecided")})

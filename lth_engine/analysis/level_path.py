"""The barriers from level to level of a search, gathered from the lines between them."""

from __future__ import annotations

import numpy as np

from lth_engine.analysis.lines.barriers import gathered
from lth_engine.core.artifact import Answer, Inputs, Scalar
from lth_engine.core.connected import STABLE
from lth_engine.core.workbench import Workbench
from lth_engine.specs.connecting import LevelPath


def answer(question: LevelPath, inputs: Inputs, bench: Workbench) -> Answer:
    """Arrays step/level (the level that a line starts from) and those of :func:`gathered` under step/.

    The curves themselves are in the answers of the lines, by step/key.
    """
    rows = gathered([line.key for line in question.lines()], inputs, "step")
    barriers = rows["step/barrier_test"]
    summary: dict[str, Scalar] = {
        "steps": len(barriers), "barrier_mean": float(barriers.mean()), "barrier_highest": float(barriers.max()),
        "highest_from_level": int(barriers.argmax()), "stable_steps": int((barriers < STABLE).sum())}
    return Answer({"step/level": np.arange(len(barriers))} | rows, summary)

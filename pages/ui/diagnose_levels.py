"""From level to level of a search: one long curve, and the barrier of each step."""

from __future__ import annotations

from typing import cast

import numpy as np
import streamlit as st

from lth_engine.core.artifact import Array
from lth_engine.core.connected import STABLE
from lth_engine.core.summary import number
from lth_engine.figures.barriers import Barriers, dots
from lth_engine.figures.long_line import Path, long_line
from lth_engine.specs.connecting import LevelPath
from lth_engine.specs.question import Question
from pages.ui import diagnosing, lines
from pages.ui.chart import chart
from pages.ui.explaining import Number, numbers
from pages.ui.lab import lab
from pages.ui.titles import lettered
from pages.ui.unfinished import from_inputs
from pages.ui.words import counted

KIND = LevelPath


def show() -> None:
    """The tab."""
    diagnosing.show((LevelPath,), "levels", _draw, begin={"points": 31},
                    partial=from_inputs(lambda q: cast(LevelPath, q).lines(), _so_far))


def _draw(done: list[Question]) -> None:
    asked = cast(list[LevelPath], done)
    names = lettered(asked)
    if len(asked) == 1:
        _verdict(asked[0])
        lines.guessing({line.key: f"the step from level {n}" for n, line in enumerate(asked[0].lines())})
    measure, parts = lines.controls("levels")
    chart(long_line([_path(q, names[q.key]) for q in asked], measure, parts), "level-path",
          f"{measure.capitalize()} from level to level of a search")
    st.caption("At each level lies a trained network; between two levels the straight line from one to the next. "
               "Where the curve stays flat, pruning has not left the valley (Pruning Close to Home, figure 2).")
    chart(dots([_barriers(q, names[q.key]) for q in asked], "Step from level to level", STABLE),
          "level-barriers", "Barrier of each step from level to level")
    for question in asked:
        if len(asked) > 1:
            st.markdown(f"**{names[question.key]}**")
        _numbers(question)


def _verdict(question: LevelPath) -> None:
    said = diagnosing.summary(question)
    connected, steps = int(number(said, "stable_steps")), int(number(said, "steps"))
    words = f"The highest barrier is **{lines.points(number(said, 'barrier_highest'))}**, from level " \
            f"{number(said, 'highest_from_level'):.0f} to the next"
    stays = "the one step stays" if steps == 1 else f"all {steps} steps stay"
    if connected == steps:
        st.success(f"**One valley all the way down.** {words}; {stays} below 2 points.",
                   icon=":material/check_circle:")
    else:
        st.warning(f"**{connected} of {counted(steps, 'step')} {'stays' if connected == 1 else 'stay'} in one "
                   f"valley.** {words}; connected is what stays below 2 points.", icon=":material/landscape:")


def _numbers(question: LevelPath) -> None:
    said = diagnosing.summary(question)
    level, steps = number(said, "highest_from_level"), number(said, "steps")
    numbers([
        Number("Mean barrier", lines.points(number(said, "barrier_mean")), "barrier"),
        Number("Highest barrier", lines.points(number(said, "barrier_highest")), "barrier",
               f"from level {level:.0f} to {level + 1:.0f}"),
        Number("Connected steps", f"{number(said, 'stable_steps'):.0f} of {steps:.0f}", "connected",
               "barrier below 2 points")], f"levels.{question.key[:6]}")


def _path(question: LevelPath, label: str) -> Path:
    """The lines that are stored."""
    asked = question.lines()
    held = lab().store.has([q.key for q in asked])
    steps = [(level, lines.line_of(q, label)) for level, q in enumerate(asked) if q.key in held]
    return Path(label, steps, [question.of.search.density(n) if n else 1.0 for n in range(len(asked) + 1)])


def _barriers(question: LevelPath, label: str) -> Barriers:
    found = diagnosing.arrays(question, "step")
    return Barriers(label, [f"{int(n)} to {int(n) + 1}" for n in found["level"]], found["barrier_test"],
                    *bounds(found))


def bounds(found: dict[str, Array]) -> tuple[Array, Array]:
    """Ends of the intervals of gathered barriers; NaN where they were not asked for."""
    nothing = np.full(len(found["barrier_test"]), np.nan)
    return found.get("barrier_test_low", nothing), found.get("barrier_test_high", nothing)


def _so_far(question: Question) -> None:
    path = _path(cast(LevelPath, question), "so far")
    if path.steps:
        chart(long_line([path]), f"levels-{question.key[:6]}", "Error from level to level, so far", save=False)

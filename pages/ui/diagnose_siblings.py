"""Stability to the noise of SGD: siblings of one ticket, and the barrier between each two of them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import cast

import numpy as np
import streamlit as st

from lth_engine.core.artifact import Array
from lth_engine.core.connected import STABLE
from lth_engine.core.summary import number
from lth_engine.figures.barriers import Barriers, bundle, dots, matrix
from lth_engine.figures.line import Line
from lth_engine.specs.connecting import Siblings
from lth_engine.specs.question import Question
from pages.ui import diagnosing, lines
from pages.ui.chart import chart
from pages.ui.diagnose_levels import bounds
from pages.ui.explaining import Number, numbers, with_error
from pages.ui.lab import lab
from pages.ui.titles import lettered
from pages.ui.unfinished import from_inputs
from pages.ui.words import counted

KIND = Siblings


def show() -> None:
    """The tab."""
    diagnosing.show((Siblings,), "siblings", _draw, begin={"points": 31},
                    partial=from_inputs(lambda q: cast(Siblings, q).lines(), _so_far))


def _draw(done: list[Question]) -> None:
    asked = cast(list[Siblings], done)
    names = lettered(asked)
    if len(asked) > 1:
        _together(asked, names)
    _one(diagnosing.in_detail(asked, names, "siblings"))


def _together(asked: list[Siblings], names: dict[str, str]) -> None:
    """Mean and standard deviation of several answers side by side."""
    said = [diagnosing.summary(q) for q in asked]
    mean = np.array([number(s, "barrier_mean") for s in said])
    spread = np.array([number(s, "barrier_std") for s in said])
    series = [Barriers(names[q.key], [names[q.key][0]], mean[i:i + 1], mean[i:i + 1] - spread[i:i + 1],
                       mean[i:i + 1] + spread[i:i + 1]) for i, q in enumerate(asked)]
    chart(dots(series, "Ticket", STABLE, "one standard deviation"), "siblings-together",
          "Mean barrier between siblings, a dot a ticket")
    st.caption("Means over the pairs; the bars reach one standard deviation of the pairs up and down.")


def _one(question: Siblings) -> None:
    said = diagnosing.summary(question)
    mean, spread = number(said, "barrier_mean"), number(said, "barrier_std")
    pairs = int(number(said, "pairs"))
    found = diagnosing.arrays(question, "pair")
    word, words = said["verdict"], _words(mean, spread, pairs, found)
    if word == "undecided":
        st.info(f"**Undecided.** {words}; the interval contains the 2 points that siblings in one valley stay below.",
                icon=":material/help:")
    elif word == "connected":
        st.success(f"**Stable.** {words}, below 2 points: in whatever order it sees the images, training ends in the "
                   "same valley.", icon=":material/check_circle:")
    else:
        st.warning(f"**Not stable.** {words}, 2 points or more: the order of the images decides in which valley "
                   "training ends.", icon=":material/landscape:")
    places = [f"{a}–{b}" for a, b in combinations(range(question.count), 2)]
    lines.guessing({line.key: f"pair {place}" for line, place in zip(question.lines(), places, strict=True)})
    measure, _ = lines.controls("siblings", parts=False)
    left, right = st.columns([3, 2])
    with left:
        chart(bundle(_lines(question), measure), "siblings", f"Test {measure} on the lines between siblings")
    with right:
        chart(matrix([str(n) for n in range(question.count)], _matrix(question)), "siblings-matrix",
              "Barrier between each two siblings")
    numbers([Number("Mean barrier", with_error(100 * mean, 100 * spread, "points"), "barrier",
                    f"± standard deviation of {pairs} pairs" if pairs > 1 else "of one pair"),
             Number("Highest barrier", lines.points(number(said, "barrier_highest")), "barrier"),
             Number("Siblings", f"{question.count}", "siblings", "they differ in the order of the images alone")],
            "siblings.numbers")
    with st.expander("Each pair with its interval"):
        chart(dots([Barriers("pairs", places, found["barrier_test"], *bounds(found))], "Pair of siblings",
                   STABLE), "siblings-pairs", "Barrier of each pair of siblings")


def _words(mean: float, spread: float, pairs: int, found: Mapping[str, Array]) -> str:
    """The barrier between siblings: a single pair's with its interval, else the mean with its spread."""
    if pairs == 1:
        low, high = bounds(found)
        interval = lines.interval(float(low[0]), float(high[0]), " (", ")")
        return f"The barrier between the two siblings is **{lines.points(mean)}**{interval}"
    words = with_error(100 * mean, 100 * spread, "points")
    return f"The barrier between two siblings is **{words}** (mean and standard deviation over {pairs} pairs)"


def _matrix(question: Siblings) -> Array:
    found = diagnosing.arrays(question, "pair")
    height = np.full((question.count, question.count), np.nan)
    np.fill_diagonal(height, 0.0)
    first, second = found["first"].astype(int), found["second"].astype(int)
    height[first, second] = height[second, first] = found["barrier_test"]
    return height


def _lines(question: Siblings) -> list[Line]:
    asked = question.lines()
    labels = [f"siblings {a} and {b}" for a, b in combinations(range(question.count), 2)]
    return lines.stored_lines(asked, lab().store.has([q.key for q in asked]), labels)


def _so_far(question: Question) -> None:
    found = _lines(cast(Siblings, question))
    if found:
        chart(bundle(found), f"siblings-{question.key[:6]}", "Error between siblings, so far", save=False)
        count = len(cast(Siblings, question).lines())
        st.caption(f"{len(found)} of {counted(count, 'pair')} {'is' if len(found) == 1 else 'are'} measured.")

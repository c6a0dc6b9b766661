"""The first stable point of training: the tries that led to it, and several settings side by side."""

from __future__ import annotations

from typing import cast

import numpy as np
import streamlit as st

from lth_engine.core.bisection import least_tries
from lth_engine.core.summary import number
from lth_engine.figures.stable_point import UNITS, Trail, shares, trail
from lth_engine.specs.question import Question
from lth_engine.specs.stability import FirstStablePoint
from pages.ui import diagnosing, lines
from pages.ui.chart import chart
from pages.ui.explaining import Number, explained, numbers, with_error
from pages.ui.line_parts import summary_of
from pages.ui.titles import lettered
from pages.ui.unfinished import Partial
from pages.ui.words import counted


def show() -> None:
    """The page."""
    diagnosing.show((FirstStablePoint,), "stability", _draw, begin={"points": 31}, cost=_cost,
                    partial=Partial(_so_far, lambda q: len(_live(cast(FirstStablePoint, q)).point)))


def _draw(done: list[Question]) -> None:
    asked = cast(list[FirstStablePoint], done)
    names = lettered(asked)
    if len(asked) > 1:
        st.subheader("Settings side by side", anchor=False)
        chart(shares([_stored(q, names[q.key]) for q in asked]), "stability-settings",
              "First stable point as a share of training, a bar a setting")
    _one(diagnosing.in_detail(asked, names, "stability"))


def _one(question: FirstStablePoint) -> None:
    said = diagnosing.summary(question)
    unit, share = UNITS[str(said["unit"])], number(said, "share")
    point, length = number(said, "point"), number(said, "length")
    if said.get("before_end"):
        st.success(f"**Stable from {counted(int(point), unit[:-1])} on**, {100 * share:.3g} % of training: two copies "
                   "that part there and see the images in different orders end in the same valley.",
                   icon=":material/anchor:")
    else:
        st.warning(f"**Not stable before the end** of {length:,.0f} {unit}: wherever two copies part, they end in "
                   "different valleys.", icon=":material/landscape:")
    if said.get("monotone") is False:
        st.warning(f"**Not monotone.** The bisection takes for granted that what is stable stays so, but the tries at "
                   f"{said.get('contradictions')} {unit} say otherwise, so the point is less certain than it looks. "
                   "The barrier is noisy near the threshold: try other seeds.", icon=":material/swap_vert:")
        explained("monotone", "stability", "Why this matters")
    chart(trail(_stored(question, "tries")), "stability", "Barrier at each point of training that was tried")
    st.caption(f"Numbers tell the order of the tries. Below the dashed line ({lines.points(question.threshold)}) two "
               "siblings count as connected: blue circles; orange squares are not.")
    tries, most = number(said, "tries"), number(said, "most_tries")
    more = len(diagnosing.arrays(question, "trail")["point"]) - tries
    numbers([
        Number("First stable point", counted(int(point), unit[:-1]), "first_stable_point", f"of {length:,.0f} {unit}"),
        Number("Share of training", with_error(100 * share, unit="%"), "first_stable_point"),
        Number("Tries", f"{tries:.0f}", "bisection", f"at most {most:.0f}, and {more:.0f} more for contradictions"),
        Number("Threshold", lines.points(question.threshold), "connected")], "stability.numbers")


def _stored(question: FirstStablePoint, label: str) -> Trail:
    """The trail of a stored answer."""
    said, found = diagnosing.summary(question), diagnosing.arrays(question, "trail")
    return Trail(label, found["point"], found["barrier"], question.threshold, int(number(said, "length")),
                 str(said["unit"]), int(number(said, "point")), int(number(said, "tries")))


def _live(question: FirstStablePoint) -> Trail:
    """The tries whose lines are stored, while the search goes on."""
    length = question.start.training.length
    tried = question.trail(summary_of).tried
    return Trail("so far", np.array([p for p, _ in tried]), np.array([b for _, b in tried]), question.threshold,
                 length.count, length.unit)


def _so_far(question: Question) -> None:
    found = _live(cast(FirstStablePoint, question))
    if len(found.point):
        chart(trail(found), f"stability-{question.key[:6]}", "Barrier at each point tried so far", save=False)
        st.caption(f"{counted(len(found.point), 'try').replace('trys', 'tries')} of at most "
                   f"{found.length.bit_length()} are done.")


def _cost(question: Question) -> str:
    """The bisection's best and worst case."""
    asked = cast(FirstStablePoint, question)
    length = asked.start.training.length
    tries, extra = length.count.bit_length(), 2 * asked.contradictions
    unit = UNITS[length.unit]
    line, least = asked.at(0).epochs, least_tries((), asked.last)
    return (f"At most **{tries} tries**{f' and {extra} more that look for contradictions' if extra else ''}. Each "
            f"trains two networks to the end ({length.count:,} {unit} at most, once to where they part) and measures "
            f"the line between them (as much as {line:.2g} epochs). All in all that is as much as "
            f"**{least * asked.try_epochs:,.0f} epochs at least**; what is stored is not computed again.")

"""The first stable point of training: the tries that led to it, and several settings side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import streamlit as st

from lth_engine.core.artifact import Scalar
from lth_engine.core.bisection import least_tries
from lth_engine.core.summary import number
from lth_engine.figures.stable_point import UNITS, Trail, shares, trail
from lth_engine.specs.question import Question
from lth_engine.specs.stability import FirstStablePoint
from pages.ui import diagnosing, lines
from pages.ui.chart import chart
from pages.ui.explaining import Number, explained, numbers, with_error
from pages.ui.lab import lab
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
    found = _stored(question, "tries")
    _verdict(said)
    _undecided(found)
    lines.guessing({question.at(int(p)).key: f"the try at {int(p):,}" for p in found.point})
    chart(trail(found), "stability", "Barrier at each point of training that was tried")
    st.caption(f"Numbers tell the order of the tries. Below the dashed line ({lines.points(question.threshold)}) two "
               "siblings count as connected: blue circles; orange squares are not." + _bars(found))
    unit, tries, most = UNITS[found.unit], number(said, "tries"), number(said, "most_tries")
    numbers([
        Number("First stable point", counted(int(number(said, "point")), unit[:-1]), "first_stable_point",
               f"of {counted(found.length, unit[:-1])}"),
        Number("Share of training", with_error(100 * number(said, "share"), unit="%"), "first_stable_point"),
        Number("Tries", f"{tries:.0f}", "bisection",
               f"at most {most:.0f}, and {len(found.point) - tries:.0f} more for contradictions"),
        Number("Threshold", lines.points(question.threshold), "connected")], "stability.numbers")


def _verdict(said: Mapping[str, Scalar]) -> None:
    """The point in a sentence, and whether other tries contradict it."""
    unit, point = UNITS[str(said["unit"])], number(said, "point")
    if said.get("before_end"):
        begin = f"from {unit[:-1]} {point:,.0f} on" if point else "from the very start"
        share = 100 * number(said, "share")
        st.success(f"**Stable {begin}**, {share:.3g} % of training: two copies that part there and see the images "
                   "in different orders end in the same valley.", icon=":material/anchor:")
    else:
        length = counted(int(number(said, "length")), unit[:-1])
        st.warning(f"**Not stable before the end** of {length}: wherever two copies part, they end in "
                   "different valleys.", icon=":material/landscape:")
    if said.get("monotone") is False:
        st.warning(f"**Not monotone.** The bisection takes for granted that what is stable stays so, but "
                   f"{_tries_at(str(said.get('contradictions')).split(', '), unit)} otherwise, so the point is less "
                   "certain than it looks. The barrier is noisy near the threshold: try other seeds.",
                   icon=":material/swap_vert:")
        explained("monotone", "stability", "Why this matters")


def _stored(question: FirstStablePoint, label: str) -> Trail:
    """The trail of a stored answer."""
    said, found = diagnosing.summary(question), diagnosing.arrays(question, "trail")
    return Trail(label, found["point"], found["barrier"], found["low"], found["high"],
                 question.threshold, int(number(said, "length")), str(said["unit"]), int(number(said, "point")),
                 int(number(said, "tries")))


def _live(question: FirstStablePoint) -> Trail:
    """The tries whose lines are stored, while the search goes on."""
    length = question.start.training.length
    tried = question.trail(lab().store.summary).tried
    low, high = (np.array([_end(question, p, end) for p, _ in tried]) for end in ("low", "high"))
    return Trail("so far", np.array([p for p, _ in tried]), np.array([b for _, b in tried]), low, high,
                 question.threshold, length.count, length.unit)


def _end(question: FirstStablePoint, point: int, end: str) -> float:
    """An end of the interval of a try, nan if it has none: only that of the test error does."""
    said = lab().store.summary(question.at(point).key) if question.judged_on == "test" else None
    return math.nan if said is None else number(said, f"barrier_test_{end}")


def _undecided(found: Trail) -> None:
    """Say which tries the test images do not settle; nothing if they settle all."""
    points = sorted(int(p) for p, word in zip(found.point, found.verdicts, strict=True) if word == "undecided")
    if points:
        st.info(f"**{_tries(len(points))} undecided.** At "
                f"{', '.join(f'{p:,}' for p in points)} {UNITS[found.unit]} the 95 % interval of the barrier holds "
                "the threshold; the search goes by the barrier itself, so the point may lie elsewhere.",
                icon=":material/help:")


def _bars(found: Trail) -> str:
    """What the bars in the figure are, where there are any."""
    if not np.isfinite(found.low).any():
        return ""
    return (" Bars are 95 % bootstrap intervals over the test images; a hollow mark is undecided, its interval holds "
            "the threshold.")


def _tries_at(points: Sequence[str], unit: str) -> str:
    """"the try at 6 epochs says", "the tries at 6, 7 epochs say"."""
    if len(points) > 1:
        return f"the tries at {', '.join(points)} {unit} say"
    return f"the try at {counted(int(points[0]), unit[:-1])} says"


def _so_far(question: Question) -> None:
    found = _live(cast(FirstStablePoint, question))
    if len(found.point):
        chart(trail(found), f"stability-{question.key[:6]}", "Barrier at each point tried so far", save=False)
        st.caption(f"{_tries(len(found.point))} of at most {found.length.bit_length()} "
                   f"{'is' if len(found.point) == 1 else 'are'} done.{_bars(found)}")


def _tries(count: int) -> str:
    return counted(count, "try").replace("trys", "tries")


def _cost(question: Question) -> str:
    """The bisection's best and worst case."""
    asked = cast(FirstStablePoint, question)
    length = asked.start.training.length
    tries, extra = length.count.bit_length(), 2 * asked.contradictions
    unit = UNITS[length.unit]
    line, least = asked.at(0).epochs, least_tries((), asked.last)
    return (f"At most **{_tries(tries)}**{f' and {extra} more that look for contradictions' if extra else ''}. Each "
            f"trains two networks to the end ({counted(length.count, unit[:-1])} at most, once to where they part) "
            f"and measures the line between them (as much as {line:.2g} epochs). All in all that is as much as "
            f"**{least * asked.try_epochs:,.0f} epochs at least**; what is stored is not computed again.")

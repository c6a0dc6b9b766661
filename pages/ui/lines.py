"""Stored answers about lines, as the figures draw them, and what a barrier says in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from lth_engine.core.artifact import Array, Scalar
from lth_engine.core.connected import STABLE
from lth_engine.core.summary import number
from lth_engine.figures.line import Line, Top
from lth_engine.specs.connecting import Connectivity
from pages.ui.explaining import between, with_error
from pages.ui.lab import lab
from pages.ui.reading import arrays, summary
from pages.ui.unfinished import Saved
from pages.ui.words import literal

OF_MEASURED = ", of the places measured"
"""What an interval of the adaptive mode speaks of: it cannot see a peak between them."""

_MEASURE = {"error": "Error", "loss": "Loss"}
_PARTS = {"test": "Test images", "train": "Training images"}


def line_of(question: Connectivity, label: str) -> Line:
    """A stored line with its barriers.

    Raises:
        KeyError: it is not stored.
    """
    values = dict(arrays(question))
    return Line(label, values.pop("alpha"), values, tops_of(values, summary(question), arrays(question)["alpha"]))


def tops_of(values: Mapping[str, Array], said: Mapping[str, Scalar], alpha: Array) -> dict[str, Top]:
    """The barriers that a line's summary holds, each where its curve is highest."""
    found = {}
    for name, curve in values.items():
        part, _, measure = name.partition("_")
        key = f"barrier_{part}" if measure == "error" else f"loss_barrier_{part}"
        if key in said:
            found[name] = Top(number(said, key), float(alpha[int(np.argmax(curve))]), number(said, f"{key}_low"),
                              number(said, f"{key}_high"))
    return found


def partial_line(question: Connectivity, saved: Saved) -> Line | None:
    """The points of a line that are measured so far, from its checkpoint; None if there are fewer than two."""
    curve = saved[0].get("curve")
    if curve is None or curve.ndim != 2 or len(curve) != question.points:
        return None
    known = np.isfinite(curve).all(axis=1)
    if known.sum() < 2:
        return None
    names = [f"{part}_{what}" for part in ("test", "train") for what in ("error", "loss")][:curve.shape[1]]
    alpha = np.arange(question.points) / (question.points - 1)
    return Line("so far", alpha[known], {name: curve[known, i] for i, name in enumerate(names)})


def controls(key: str, *, parts: bool = True) -> tuple[str, list[str]]:
    """What is drawn: "error" or "loss", and of which images."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        measure = st.segmented_control("Measure", list(_MEASURE), format_func=_MEASURE.__getitem__, default="error",
                                       required=True, key=f"{key}.measure", persist_state="session")
        if not parts:
            return str(measure), ["test"]
        shown = st.pills("Images", list(_PARTS), format_func=_PARTS.__getitem__, default=list(_PARTS),
                         selection_mode="multi", key=f"{key}.images", persist_state="session")
    return str(measure), [part for part in _PARTS if part in shown] or ["test"]


def verdict(said: Mapping[str, Scalar], adaptive: bool = False) -> None:
    """Whether a line's two networks are connected, in a sentence."""
    height, low, high = (number(said, f"barrier_test{end}") for end in ("", "_low", "_high"))
    words = f"Between the two networks the test error rises by **{points(height)}**"
    words += interval(low, high, " (", OF_MEASURED * adaptive + ")")
    word = said["verdict"]
    if word == "undecided":
        st.info(f"**Undecided.** {words}; the interval contains the 2 points that two networks in one valley stay "
                "below.", icon=":material/help:")
    elif word == "connected" and said.get("both_guess"):
        st.info(f"{words}, less than 2 points.", icon=":material/horizontal_rule:")
    elif word == "connected":
        st.success(f"**One valley.** {words}, less than 2 points: the two networks are linearly connected.",
                   icon=":material/check_circle:")
    else:
        st.warning(f"**A barrier.** {words}, 2 points or more: the two networks lie in different valleys of the loss.",
                   icon=":material/landscape:")


def guessing(lines: Mapping[str, str]) -> None:
    """A warning if both ends of a line guess; nothing elsewhere.

    Args:
        lines: keys of stored lines -> what each is called, where there are several.
    """
    rows = lab().store.rows(lines)
    found = [name for key, name in lines.items() if key in rows and rows[key].summary.get("both_guess")]
    if found:
        where = f" of {literal(', '.join(found))}" if len(lines) > 1 else ""
        st.warning(f"**Both ends{where} guess.** Their test errors are those of networks that have learned "
                   "nothing: a flat error between them proves nothing; look at the loss.", icon=":material/casino:")


def from_ends(said: Mapping[str, Scalar]) -> str:
    """What of a barrier the two ends alone make, where that is not next to nothing; "" elsewhere."""
    share = abs(number(said, "first_test_error") - number(said, "second_test_error")) / 2
    if not share > STABLE / 4:
        return ""
    return f"{points(share)} of it because the two ends differ: a straight rise between them counts, too."


def points(fraction: float) -> str:
    """A difference of errors: 0.034 -> "3.40 points"."""
    return with_error(100 * fraction, unit="points")


def interval(low: float, high: float, before: str = "", after: str = "") -> str:
    """The 95% interval of a barrier in points, "" if it is not known."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return before + between(100 * low, 100 * high) + after


def stored_lines(questions: Sequence[Connectivity], held: set[str], labels: Sequence[str]) -> list[Line]:
    """The lines that are stored, in order."""
    return [line_of(q, label) for q, label in zip(questions, labels, strict=True) if q.key in held]

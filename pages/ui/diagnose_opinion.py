"""A second opinion: what PyHessian's own functions say of the same Hessian, beside ours."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import streamlit as st

from lth_engine.core.artifact import Scalar
from lth_engine.core.summary import number
from lth_engine.specs.curvature import AtNetwork, HessianEigenpairs, HessianTrace, PyhessianOpinion
from lth_engine.specs.question import Question
from pages.ui import diagnosing
from pages.ui.answer import state_of
from pages.ui.companions import chosen_keys, there
from pages.ui.explaining import explained, with_error
from pages.ui.places import WEIGHTS, companion
from pages.ui.words import duration, literal, percent

NAME = "curvature"


def show(first: AtNetwork, known: Sequence[Question]) -> None:
    """The table: trace and largest eigenvalue, ours, PyHessian's, and how far they are apart."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader("Second opinion", anchor=False, width="content")
        explained("pyhessian_opinion", f"{NAME}.opinion")
    question = companion(PyhessianOpinion, first, first.weights, known)
    if not there(question, f"{NAME}.opinion", f"PyHessian's opinion, {WEIGHTS[first.weights].lower()}",
                 chosen_keys(NAME)):
        return
    theirs = diagnosing.summary(question)
    trace = _ours(companion(HessianTrace, first, first.weights, known))
    top = _ours(companion(HessianEigenpairs, first, first.weights, known))
    rows = [_trace(trace, theirs), _top(top, theirs)]
    st.table({name: [row[name] for row in rows] for name in rows[0]}, hide_index=True, border="horizontal")
    times = [duration(number(theirs, f"seconds_{part}")) for part in ("trace", "top")]
    st.caption(literal(f"PyHessian {theirs.get('version', '')} on the same images, "
                       f"{WEIGHTS[question.weights].lower()}; its trace took {times[0]} for "
                       f"{theirs.get('trace_samples')} samples, its largest eigenvalue "
                       f"{times[1]}. {theirs.get('note') or ''}"))


def _trace(ours: Mapping[str, Scalar] | None, theirs: Mapping[str, Scalar]) -> dict[str, str]:
    value, error = number(theirs, "trace"), number(theirs, "trace_stderr")
    row = {"": "Trace ± standard error", "Here": "not computed", "PyHessian": with_error(value, error, "nats"),
           "Apart": ""}
    if ours is not None:
        mine, own_error = number(ours, "trace"), number(ours, "trace_stderr")
        both = math.hypot(error, 0.0 if ours.get("exact") else own_error)
        row |= {"Here": with_error(mine, own_error, "nats"), "Apart": f"{percent(abs(value - mine) / abs(mine), 2)}"
                + (f", {abs(value - mine) / both:.1f} standard errors" if both > 0 else "")}
    return row


def _top(ours: Mapping[str, Scalar] | None, theirs: Mapping[str, Scalar]) -> dict[str, str]:
    value = number(theirs, "top")
    row = {"": "Largest eigenvalue", "Here": "not computed", "PyHessian": with_error(value, None, "nats", 4),
           "Apart": ""}
    if ours is not None:
        mine = number(ours, "top")
        row |= {"Here": f"{with_error(mine, None, 'nats', 4)} (residual {number(ours, 'top_residual'):.1g})",
                "Apart": percent(abs(value - mine) / abs(mine), 2)}
    return row


def _ours(question: Question) -> Mapping[str, Scalar] | None:
    return diagnosing.summary(question) if state_of(question) == "done" else None

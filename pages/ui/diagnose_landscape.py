"""The landscape page: loss and error around up to three networks, along a line or over a plane, on one scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import streamlit as st

from lth_engine.core.artifact import Array, Scalar
from lth_engine.figures.landscapes import ERROR, LOSS, Around, Shown, contour, lines, span_of, surface
from lth_engine.specs.landscapes import Landscape
from lth_engine.specs.question import Question
from pages.ui import diagnosing
from pages.ui.chart import chart
from pages.ui.explaining import Number, numbers, with_error
from pages.ui.made import like_the_newest, named
from pages.ui.places import WEIGHTS, place_of, place_words
from pages.ui.titles import subject
from pages.ui.trained import warn_of_loss
from pages.ui.unfinished import Saved, from_checkpoint
from pages.ui.words import counted, literal

NAME = "landscape"
MOST = 3
"""Networks on one scale: as many surfaces as fit side by side."""
STEEP = 100.0
"""Ratio of the highest to the lowest loss from which on the scale is logarithmic to begin with."""

_SHOWN = {"loss": LOSS, "error": ERROR}
_FORMS = {"contour": "Contours", "surface": "Surface"}
_SCALES = {"filter": "1 is every filter's own length", "unit": "1 is a length of 1 in weight space"}
_UNITS = {"filter": "1: each filter's own length", "unit": "1: a length of 1 in weight space"}
_DIRECTIONS = {"random": "random direction", "eigenvectors": "eigenvector of the Hessian"}


def show() -> None:
    """The page."""
    diagnosing.show((Landscape,), NAME, _draw, partial=from_checkpoint("", _draw_partial), most=MOST, first=_first)


def _first(known: Mapping[str, Question]) -> list[str]:
    """The newest plane, or line if there is none, and what asks the same of other networks."""
    planes = {key: q for key, q in known.items() if cast(Landscape, q).dimensions == 2}
    return like_the_newest(planes or known)[-MOST:]


def _draw(done: list[Question]) -> None:
    questions = [cast(Landscape, question) for question in done]
    names = named(questions) if len(questions) > 1 else {q.key: subject(q) for q in questions}
    found = {q.key: diagnosing.arrays(q) for q in questions}
    flat = [q for q in questions if q.dimensions == 2]
    shown, log, form = _controls(found, surfaces=bool(flat))
    _alike(questions)
    for q in questions:
        warn_of_loss(q.of, diagnosing.summary(q), names[q.key] if len(questions) > 1 else "This network",
                     "loss_middle")
    straight = [q for q in questions if q.dimensions == 1]
    if straight:
        if flat:
            st.markdown(f"**Along a line** · {literal('; '.join(names[q.key] for q in straight))}")
        through = [_around(names[q.key], found[q.key], shown) for q in straight]
        chart(lines(through, shown, _across(straight[0]), log=log), "landscape-line",
              f"{shown.title} along a line through {counted(len(straight), 'network')}")
    around = [_around(names[q.key], found[q.key], shown) for q in flat]
    if len(questions) == len(flat) == 1:
        left, right = st.columns([3, 2], vertical_alignment="center")
        with left:
            _planes(flat, around, shown, form, log=log)
        with right:
            _numbers(questions, names)
        return
    if flat:
        _planes(flat, around, shown, form, log=log, others=bool(straight))
    _numbers(questions, names)


def _controls(found: Mapping[str, Mapping[str, Array]], *, surfaces: bool) -> tuple[Shown, bool, str]:
    """What is drawn upwards, on which scale, and as what."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        what = st.segmented_control("Show", list(_SHOWN), format_func=str.capitalize, default="loss", required=True,
                                    key="show", bind="query-params", width="content")
        form = "contour"
        if surfaces:
            form = st.segmented_control("As", list(_FORMS), format_func=_FORMS.__getitem__, default="contour",
                                        required=True, key="form", bind="query-params", width="content",
                                        help="A surface can be turned with the mouse or a finger.")
        log = False
        if what == "loss":
            if "log" not in st.session_state and "log" not in st.query_params:
                st.session_state["log"] = _steep(found)
            log = st.toggle("Log scale", key="log", bind="query-params",
                            help="Shows the valley where the walls around it are high.")
    return _SHOWN[what], log, form


def _steep(found: Mapping[str, Mapping[str, Array]]) -> bool:
    """Whether the walls are so high that a linear scale shows nothing of the valley."""
    values = np.concatenate([arrays["loss"].ravel() for arrays in found.values()])
    values = values[np.isfinite(values) & (values > 0)]
    return bool(values.size) and float(values.max() / values.min()) > STEEP


def _alike(questions: Sequence[Landscape]) -> None:
    """Say so if the networks are not drawn under the same conditions."""
    if len({(q.directions, q.scale, q.weights, place_of(q)[1:]) for q in questions}) > 1:
        st.warning("These landscapes differ in more than the network: in the directions, the scale of a step, the "
                   "weights that move, or the images. Their shapes do not compare.", icon=":material/warning:")


def _around(label: str, found: Mapping[str, Array], shown: Shown) -> Around:
    return Around(label, found["x"], found.get("y"), found[shown.name])


def _across(question: Landscape) -> str:
    return f"Step ({_UNITS[question.scale]})"


def _planes(questions: Sequence[Landscape], around: Sequence[Around], shown: Shown, form: str, *, log: bool,
            others: bool = False) -> None:
    """One figure a network, all on one scale of height and colour; `others` stand above on a scale of their own."""
    span = span_of(around, shown, log=log)
    height = 520 if len(around) == 1 else 400
    for place, question, network in zip(st.columns(len(around)), questions, around, strict=True):
        with place:
            if len(around) > 1 or others:
                st.markdown(f"**{literal(network.label)}**")
            figure = (surface if form == "surface" else contour)(network, shown, span, log=log)
            figure.update_layout(height=height)
            chart(figure, f"landscape-{form}-{question.key[:6]}",
                  f"{shown.title} over a plane through {network.label}")
    which = " of the planes" * others
    st.caption(("Drag to turn, scroll to come nearer. " if form == "surface" else "The cross is the network. ")
               + (f"Height and colour{which} have one scale." if len(around) > 1 and form == "surface" else
                  f"The colours{which} have one scale." if len(around) > 1 else "")
               + " The figure of lines has its own scale." * others)


def _numbers(questions: Sequence[Landscape], names: Mapping[str, str]) -> None:
    """What was measured: of one network as numbers, of several as a table."""
    found = {q.key: diagnosing.summary(q) for q in questions}
    value = {key: {n: float(s.get(n) or 0) for n in ("loss_middle", "error_middle", "loss_highest", "error_highest",
                                                     "length")} for key, s in found.items()}
    if len(questions) == 1:
        v = value[questions[0].key]
        numbers([Number("Loss of the network", with_error(v["loss_middle"], None, "nats"), "landscape"),
                 Number("Highest loss drawn", with_error(v["loss_highest"], None, "nats"), "landscape"),
                 Number("Error of the network", with_error(100 * v["error_middle"], None, "%"), "landscape"),
                 Number("A step of 1", with_error(v["length"]), "filter_normalisation",
                        "long in weight space (L2)")], NAME, 2 if questions[0].dimensions == 2 else 4)
    else:
        st.dataframe({
            "network": list(names.values()),
            **{f"{words} (nats)": [v[n] for v in value.values()] for n, words in (
                ("loss_middle", "loss"), ("loss_highest", "highest loss drawn"))},
            "error (%)": [100 * v["error_middle"] for v in value.values()],
            "a step of 1 (L2 in weight space)": [v["length"] for v in value.values()],
        }, hide_index=True, key=f"{NAME}.table", column_config={
            name: st.column_config.NumberColumn(format="%.4g")
            for name in ("loss (nats)", "highest loss drawn (nats)", "error (%)", "a step of 1 (L2 in weight space)")})
    said = {q.key: _conditions(q, found[q.key]) for q in questions}
    for words in dict.fromkeys(said.values()):
        letters = ", ".join(names[key][0] for key in said if said[key] == words)
        st.caption(literal((f"{letters}: " if len(set(said.values())) > 1 else "") + words))


def _conditions(question: Landscape, found: Mapping[str, Scalar]) -> str:
    """On what, and where, the points were measured."""
    odd = int(found.get("not_finite") or 0)
    return (f"{counted(int(found['points'] or 0), 'point')} on {place_words(question)}; "
            f"{WEIGHTS[question.weights].lower()} move; {_DIRECTIONS[question.directions]}"
            f"{'s' * (question.dimensions == 2)}, {_SCALES[question.scale]}"
            + (f"; at {counted(odd, 'point')} the loss is not finite, and nothing is drawn" if odd else "") + ".")


def _draw_partial(question: Question, saved: Saved) -> None:
    """The points that are measured so far."""
    found = saved[0]
    if not {"x", "loss"} <= set(found) or not np.isfinite(found["loss"]).any():
        return
    loss = found["loss"]
    st.markdown(f"**{int(np.isfinite(loss).sum()):,} of {loss.size:,} points** so far.")
    around = _around("so far", found, LOSS)
    asked = cast(Landscape, question)
    figure = lines([around], LOSS, _across(asked)) if around.y is None else contour(
        around, LOSS, span_of([around], LOSS))
    chart(figure, f"landscape-so-far-{question.key[:6]}", "The landscape so far", save=False)

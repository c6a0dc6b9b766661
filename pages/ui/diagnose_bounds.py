"""The bounds page: both bounds of each network side by side, their terms, and many networks in one scatter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import streamlit as st

from lth_engine.figures.risk_and_kl import Judged, risk_and_kl
from lth_engine.specs.bounds import PacBayes
from lth_engine.specs.question import Question
from pages.ui import diagnose_bound, diagnosing
from pages.ui.bound_terms import PRIORS, SIDES, bound_words, value
from pages.ui.chart import chart
from pages.ui.explaining import glossary
from pages.ui.made import apart, density_words, like_the_newest, named
from pages.ui.titles import subject
from pages.ui.trained import warn_of_error
from pages.ui.unfinished import from_checkpoint

NAME = "bounds"
MOST = 60
"""Bounds that may be chosen together: six learning rates under three priors in three replicates, and some."""


TOGETHER = 12
"""Bounds that the page opens with."""


def show() -> None:
    """The page."""
    diagnosing.show((PacBayes,), NAME, _draw, partial=from_checkpoint("history", diagnose_bound.draw_partial),
                    most=MOST, first=lambda known: like_the_newest(known, ("prior",))[-TOGETHER:])


def _draw(done: list[Question]) -> None:
    questions = [cast(PacBayes, question) for question in done]
    if len(questions) == 1:
        warn_of_error(questions[0].of, diagnosing.summary(questions[0]), "train_error")
        diagnose_bound.show(questions[0], subject(questions[0]))
        return
    _scatter(questions)
    names = named(questions)
    _table(questions, list(names.values()))
    st.subheader("One bound", anchor=False)
    keys = [q.key for q in questions]
    key = st.selectbox("Bound", keys, format_func=names.__getitem__, key=f"{NAME}.one",
                       label_visibility="collapsed")
    one = questions[keys.index(key)]
    warn_of_error(one.of, diagnosing.summary(one), "train_error")
    diagnose_bound.show(one, names[key])


def _scatter(questions: Sequence[PacBayes]) -> None:
    """Risk against KL, one figure a prior, coloured by test accuracy on one scale."""
    st.subheader("Risk against complexity", anchor=False)
    side = st.segmented_control("Bound", list(SIDES), format_func=SIDES.__getitem__, default="oracle", required=True,
                                key="side", bind="query-params", width="content",
                                help="The KL of the bound as in the paper's code, or of the certified one.")
    held = [prior for prior in PRIORS if any(q.prior == prior for q in questions)]
    accuracies = [1 - value(q, "test_error") for q in questions]
    span = (min(accuracies), max(accuracies)) if max(accuracies) > min(accuracies) else (0.0, 1.0)
    for place, prior in zip(st.columns(len(held)), held, strict=True):
        shown = [q for q in questions if q.prior == prior]
        labels = [how or density_words(q.of) for how, q in zip(apart([q.of for q in shown]), shown, strict=True)]
        with place:
            st.markdown(f"**{PRIORS[prior]}**")
            chart(risk_and_kl([_judged(q, label, side) for q, label in zip(shown, labels, strict=True)], span),
                  f"risk-and-kl-{prior}", f"Risk against KL under the prior {PRIORS[prior].lower()}, {side}")
    st.caption("A point is a network; down and to the left is the lower bound. The prior captures what makes networks "
               "generalise if the points of the highest test accuracy lie there.")


def _judged(question: PacBayes, label: str, side: str) -> Judged:
    return Judged(label, value(question, f"{side}_risk"), value(question, f"{side}_risk_stderr"),
                  value(question, f"{side}_kl"), value(question, f"{side}_bound"), 1 - value(question, "test_error"))


def _table(questions: Sequence[PacBayes], names: Sequence[str]) -> None:
    """Both bounds of each network."""
    st.subheader("Oracle and certified", anchor=False)
    glossary({"Oracle": "bound_oracle", "Certified": "bound_certified", "Vacuous": "vacuous"}, f"{NAME}.table")
    st.dataframe({
        "network": list(names),
        **{f"{words.lower()} bound": [bound_words(q, side) for q in questions] for side, words in SIDES.items()},
        "test error (%)": [100 * value(q, "test_error") for q in questions],
        "risk, oracle (%)": [100 * value(q, "oracle_risk") for q in questions],
        "KL, oracle (nats)": [value(q, "oracle_kl") for q in questions],
        "KL, certified (nats)": [value(q, "certified_kl") for q in questions],
    }, hide_index=True, key=f"{NAME}.all", column_config={
        name: st.column_config.NumberColumn(format="%.2f" if "%" in name else "%.0f")
        for name in ("test error (%)", "risk, oracle (%)", "KL, oracle (nats)", "KL, certified (nats)")})

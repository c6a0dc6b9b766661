"""Sanity checks of a ticket: what is left of it when one thing about it is destroyed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import streamlit as st

from lth_engine.core.artifact import Array, Scalar, texts
from lth_engine.core.summary import number
from lth_engine.figures.beside import Row, beside
from lth_engine.figures.look import GRAY, Look, look
from lth_engine.specs.question import Question
from lth_engine.specs.sanity import SanityChecks
from pages.ui import diagnose_sanity_form, diagnosing
from pages.ui.chart import chart
from pages.ui.compared_words import interval, signed
from pages.ui.explaining import glossary
from pages.ui.lab import lab
from pages.ui.titles import lettered
from pages.ui.unfinished import from_inputs
from pages.ui.words import counted, literal

NAME = "sanity"

LOOKS: dict[str, Look] = {
    "dense": Look("Dense network", GRAY, "dash", "cross"),
    "inverted_mask": Look("Lowest scores kept", "#7a6fd0", "longdashdot", "triangle-down"),
    "small_dense": Look("Small dense network", "#c2495a", "dash", "star")}
"""Variants that no ticket search trains."""

_WHY = {
    "shuffled_mask": "the ticket uses more than how many weights each layer keeps",
    "redrawn": "mask and initial weights belong together",
    "inverted_mask": "the scores tell good weights from bad ones",
    "random_mask": "the mask is better than chance",
    "small_dense": "sparsity is worth more than a smaller network of as many weights"}
"""What a ticket that passes a check shows."""

_LABEL = {"success": "verified", "warning": "rule", "info": "help"}


def show() -> None:
    """The page."""
    st.caption("A ticket is more than its density only if it beats what is left when one thing about it is destroyed. "
               "Each check trains such a network beside the ticket, with the same seeds and the same training.")
    diagnose_sanity_form.follow_address(NAME)
    diagnosing.show((SanityChecks,), NAME, _draw, form=diagnose_sanity_form.form,
                    partial=from_inputs(lambda q: cast(SanityChecks, q).inputs(), _so_far))


def _draw(done: list[Question]) -> None:
    asked = cast(list[SanityChecks], done)
    names = lettered(asked)
    if len(asked) > 1:
        _together(asked, names)
    _one(diagnosing.in_detail(asked, names, NAME))


def _one(question: SanityChecks) -> None:
    said, table, checks = (diagnosing.summary(question), diagnosing.arrays(question, "table"),
                           diagnosing.arrays(question, "check"))
    _verdict(question, said)
    word = dict(zip(texts(checks["name"]), texts(checks["word"]), strict=True))
    rows = [Row(_look(name), 100 * table["test_accuracy"][_is(table, name)].astype(float), signed(word.get(name, "")))
            for name in _order(question)]
    mean = 100 * float(np.mean(table["test_accuracy"][_is(table, "ticket")]))
    chart(beside(rows, "Test accuracy (%)", {"ticket": mean}), "sanity",
          "Test accuracy of the ticket and of what is left of it")
    st.caption("Large points are means with 95 % intervals, small ones replicates, the dashed line is the ticket's "
               "mean. The words are those of a paired test: of ticket minus check, replicate by replicate.")
    _checks(checks)
    glossary({"Sanity checks": "sanity_check", "Small dense network": "small_dense", "Density": "density"}, NAME)


def _verdict(question: SanityChecks, said: Mapping[str, Scalar]) -> None:
    word = str(said.get("verdict", "undecided"))
    kind = "success" if word.startswith("passes") else "warning" if word.startswith("fails") else "info"
    first, _, rest = str(said.get("verdict_text") or "").partition(". ")
    counts = ", ".join(f"{int(number(said, name))} {words}" for name, words in (
        ("passed", "passed"), ("failed", "failed"), ("undecided", "undecided")) if number(said, name))
    words = word.capitalize() + ("" if word == "undecided" else " checks" if word != "fails 1" else " check")
    getattr(st, kind)(f"**{words}**: {counts}.  \n{literal(first)}.", icon=f":material/{_LABEL[kind]}:")
    if rest:
        with st.expander("The verdict in full"):
            st.markdown(literal(rest))
    if question.of.replicates < 3:
        st.caption(f"With {counted(question.of.replicates, 'replicate')} the test can hardly settle anything; ask a "
                   "search of 3 or more.")


def _checks(checks: Mapping[str, Array]) -> None:
    """A row a check: difference, interval, word, and what passing it shows."""
    names = texts(checks["name"])
    st.table({
        "Check": [_look(name).label for name in names],
        "Verdict": [f"**{signed(word)}**" for word in texts(checks["word"])],
        "Ticket minus check (points, 90 % interval)": [
            interval(float(d), float(low), float(high)) for d, low, high in zip(
                checks["difference"], checks["low"], checks["high"], strict=True)],
        "A ticket that passes shows that": [_WHY.get(name, "") for name in names]}, hide_index=True)


def _so_far(question: Question) -> None:
    """The runs that are trained."""
    asked = cast(SanityChecks, question)
    runs = asked.runs()
    found = {cell: said for cell, run in runs.items() if (said := lab().store.summary(run.key)) is not None}
    if not found:
        return
    st.markdown(f"So far: **{len(found)} of {len(runs)}** networks are trained.")
    rows = [Row(_look(name), np.array([100 * number(said, "test_accuracy") for (variant, _), said in found.items()
                                       if variant == name])) for name in _order(asked)]
    chart(beside([row for row in rows if len(row.values)], "Test accuracy (%)", {}), f"sanity-{question.key[:6]}",
          "Test accuracy of what is trained so far", save=False)


def _together(asked: Sequence[SanityChecks], names: Mapping[str, str]) -> None:
    """Several tickets: a word each and check."""
    said = [diagnosing.summary(q) for q in asked]
    found = [diagnosing.arrays(q, "check") for q in asked]
    words = [dict(zip(texts(f["name"]), texts(f["word"]), strict=True)) for f in found]
    checks = list(dict.fromkeys(name for one in words for name in one))
    st.subheader("Tickets side by side", anchor=False)
    st.dataframe(
        {"ticket": [names[q.key] for q in asked], "verdict": [str(s.get("verdict", "")) for s in said],
         "accuracy (%)": [100 * number(s, "accuracy") for s in said]}
        | {_look(name).label: [signed(one.get(name, "")) for one in words] for name in checks},
        hide_index=True, key="sanity.table", height="content",
        column_config={"accuracy (%)": st.column_config.NumberColumn(format="%.2f")})
    st.subheader("One ticket", anchor=False)


def _order(question: SanityChecks) -> list[str]:
    return ["ticket", *question.checks, "dense"]


def _look(name: str) -> Look:
    return LOOKS[name] if name in LOOKS else look(name)


def _is(table: Mapping[str, Array], variant: str) -> Array:
    return np.array([name == variant for name in texts(table["variant"])])

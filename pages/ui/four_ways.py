"""The same two networks measured in four ways: normalisation re-estimated or interpolated, units matched or not."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lth_engine.figures.line import panel
from lth_engine.specs.connecting import Connectivity
from pages.ui import diagnosing, lab, lines
from pages.ui.answer import act, state_of
from pages.ui.chart import chart
from pages.ui.explaining import explained
from pages.ui.unfinished import finished

NORM = {"recalibrated": "statistics re-estimated", "interpolated": "statistics interpolated"}
MATCHING = {"none": "units as they are", "weights": "units matched"}


def show(asked: Sequence[Connectivity], names: dict[str, str]) -> None:
    """The panel of one of the lines, or the button that asks for what is missing of it."""
    st.subheader("Four ways to measure it", anchor=False)
    question = diagnosing.in_detail(asked, names, "pairs.four", "Line")
    with st.container(horizontal=True, gap="small"):
        explained("norm_statistics", "pairs.four", "Statistics of normalisation")
        explained("weight_matching", "pairs.four", "Matched units")
    ways = four(question)
    states = {q.key: state_of(q) for q in ways.values()}
    missing = [q for q in ways.values() if states[q.key] == "not asked"]
    if missing:
        _offer(missing)
    busy = [q for q in ways.values() if states[q.key] in ("running", "failed") and q not in asked]
    finished(busy, "pairs.four")
    there = {way: q for way, q in ways.items() if states[q.key] == "done"}
    if len(there) < 2:
        return
    found = {(NORM[norm], MATCHING[matching]): lines.line_of(q, f"{MATCHING[matching]}, {NORM[norm]}")
             for (norm, matching), q in there.items()}
    chart(panel(found, list(NORM.values()), list(MATCHING.values())), "four-ways",
          "Error along one line, measured in four ways")
    st.caption("Solid: test images; dotted: training images; one scale. A barrier that goes away when the units are "
               "matched was a matter of their order. One that goes away when the statistics of normalisation are "
               "re-estimated was not in the weights. Without normalisation layers the rows are equal.")


def four(question: Connectivity) -> dict[tuple[str, str], Connectivity]:
    """The line in each of the four ways, by (norm_statistics, matching)."""
    return {(norm, matching): question.replace(norm_statistics=norm, matching=matching)
            for norm in NORM for matching in MATCHING}


def _offer(missing: Sequence[Connectivity]) -> None:
    def submit() -> None:
        for question in missing:
            lab.submit(question)
    with st.container(horizontal=True, vertical_alignment="center"):
        count = "other way" if len(missing) == 1 else f"{len(missing)} other ways"
        st.button(f"Measure the {count}", icon=":material/grid_view:", key="pairs.four.ask",
                  disabled=not lab.lab().store.writable, on_click=lambda: act(submit))
        st.caption("Statistics of normalisation re-estimated or interpolated, units of the second network in their "
                   f"own order or matched to the first: each costs as much as {missing[0].epochs:.2g} epochs.")

"""How many signs tickets keep, level by level, for several searches: in training, and from the network pruned."""

from __future__ import annotations

import streamlit as st

from lth_engine.core.measures import MEASURES
from lth_engine.figures.over_density import Searched, compared
from pages.ui.chart import chart
from pages.ui.explaining import explained
from pages.ui.naming import lettered
from pages.ui.picker import pick

_COLUMNS = {"signs_inherited": "From the network pruned", "signs_kept": "In training"}


def show() -> None:
    """Choose searches; a line each over density."""
    st.subheader("How many signs do tickets keep?", anchor=False)
    chosen = pick()
    there = [state for state in chosen if state.runs]
    if not there:
        if chosen:
            st.info("Nothing of these searches is finished yet.", icon=":material/hourglass_empty:")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        column = str(st.segmented_control(
            "Signs kept", list(_COLUMNS), format_func=_COLUMNS.__getitem__, required=True, default="signs_inherited",
            key="kept", bind="query-params", width="content"))
        explained(column, "signs.agreement", "What is counted?")
    labels = lettered([state.search for state in there])
    sides = [Searched(label, state.table) for state, label in zip(there, labels, strict=True)]
    if not any(column in side.table for side in sides):
        st.info("These searches read no trained network, so there is none to inherit signs from. Choose a search such "
                "as iterative magnitude pruning, LRR or AWS.", icon=":material/info:")
        return
    figure = compared(sides, MEASURES[column])
    short = MEASURES[column].label.split(" from ")[0].split(" in ")[0]
    figure.update_yaxes(title_text=f"{short} (% of kept weights)", maxallowed=100.2)
    chart(figure, f"signs-{column}", f"{MEASURES[column].title} over density, one line a search")
    st.caption("Lines are means over the replicates, bands 95 % Student-t intervals of the mean, small points single "
               "trainings. Signs drawn at random would agree for half of the weights.")

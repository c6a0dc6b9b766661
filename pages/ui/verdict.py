"""The verdict on a search, in words."""

from __future__ import annotations

import streamlit as st

from pages.ui.searching import Searching
from pages.ui.words import literal, percent

_LOOK = {"winning": ("success", "emoji_events"), "matching": ("success", "check_circle"),
         "failing": ("warning", "trending_down"), "undecided": ("info", "help")}

_MEANING = {
    "winning": "The ticket is more accurate than the dense network{}.",
    "matching": "The ticket is as accurate as the dense network, within the margin.",
    "failing": "The ticket is less accurate than the dense network.",
    "undecided": "The replicates do not settle it.",
}


def verdict(state: Searching) -> None:
    """The word, what it means, and what it rests on."""
    if state.row is None:
        return
    summary = state.row.summary
    if not state.search.levels:
        st.info(literal(summary.get("verdict_text", "")), icon=":material/info:")
        return
    word = str(summary.get("verdict", "undecided"))
    kind, icon = _LOOK.get(word, ("info", "help"))
    density = summary.get("verdict_density")
    also = ", and than every control" if state.search.controls else ""
    where = f" at {percent(density)} of the weights" if isinstance(density, float) else ""
    getattr(st, kind)(f"**{word.capitalize()} ticket{where}.** {_MEANING.get(word, '').format(also)}  \n"
                      f"{summary.get('verdict_text', '')}", icon=f":material/{icon}:")

"""Picking searches from the store; the address says which, so that a view can be sent to somebody."""

from __future__ import annotations

import streamlit as st

from lth_engine.specs.questions import TicketSearch
from pages.ui import frame, lab
from pages.ui.asked import key_of
from pages.ui.naming import title
from pages.ui.searching import Searching, known_searches, look_up, search_of
from pages.ui.words import literal

PARAMETER = "search"

_FEW = {1: "one search", 2: "two searches"}


def pick(least: int = 1) -> list[Searching]:
    """The chosen searches, at least so many; empty after saying what to do instead."""
    lab.lay_examples()
    known = known_searches()
    texts = [text for text in st.query_params.get_all(PARAMETER) if text.strip()]
    asked = list(dict.fromkeys(key_of(text) or text for text in texts))
    for key in asked:
        found = search_of(key) if key not in known else None
        if found is not None:
            known[key] = found
    if not known:
        st.info("The store holds no search yet.", icon=":material/inbox:")
        frame.link("start/home.py", "Find a winning ticket in 60 seconds", "confirmation_number")
        return []
    missing = [key for key in asked if key not in known]
    if missing:
        not_held(missing)
    chosen = _choose(known, [key for key in asked if key in known] or list(known)[:least])
    if len(chosen) < least:
        st.info(f"Choose at least {_FEW[least]} above.", icon=":material/arrow_upward:")
        return []
    return [look_up(known[key]) for key in chosen]


def not_held(keys: list[str]) -> None:
    """Say that the store lacks the searches of a link."""
    names = literal(", ".join(key[:40] for key in keys[:3]))
    st.warning(f"The store does not hold {names}. The link may belong to another store.", icon=":material/link_off:")


def _choose(known: dict[str, TicketSearch], asked: list[str]) -> list[str]:
    """The multiselect, kept equal to the address both ways."""
    if st.session_state.get("explore.seen") != asked:
        st.session_state["explore.pick"] = asked
    chosen: list[str] = st.multiselect(
        "Searches", list(known), format_func=lambda key: title(known[key]), key="explore.pick",
        help="Choose several to draw them into one figure.", placeholder="Choose one or more searches")
    st.session_state["explore.seen"] = chosen
    st.query_params[PARAMETER] = chosen
    return chosen


def one_of(states: list[Searching], key: str) -> Searching:
    """The search that a view of a single one is about."""
    if len(states) == 1:
        return states[0]
    names = {state.search.key: state for state in states}
    asked = st.selectbox("Search", list(names), format_func=lambda k: title(names[k].search), key=key)
    return names[asked]

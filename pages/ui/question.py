"""The form of a ticket search, section by section."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lth_engine.core.knob import Knob, knobs
from lth_engine.specs.questions import TicketSearch
from pages.ui.form import Incomplete, branch, build, part

SECTIONS = (("data", "Images", "image"), ("model", "Network", "hub"), ("search", "Search", "search"),
            ("training", "Training", "fitness_center"))
"""Parts of a search in the order of the form: knob, heading, icon."""

EXPERIMENT = ("levels", "replicates", "controls", "seed", "margin")


def ticket_search(start: TicketSearch) -> TicketSearch | None:
    """Draw the form with `start` in it; None while something is wrong (it has been said where)."""
    declared: dict[str, Knob] = {k.name: k for k in knobs(TicketSearch)}
    values: dict[str, Any] = {}
    key, wrong = f"find.{start.key}", False
    for name, heading, icon in SECTIONS:
        with st.container(border=True):
            st.subheader(f":material/{icon}: {heading}", anchor=False)
            try:
                values[name] = branch(declared[name], getattr(start, name), f"{key}.{name}")
            except Incomplete:
                wrong = True
    with st.container(border=True):
        st.subheader(":material/science: Experiment", anchor=False)
        try:
            values |= part(TicketSearch, {n: getattr(start, n) for n in EXPERIMENT}, key, only=EXPERIMENT)
        except Incomplete:
            wrong = True
        if wrong:
            return None
        try:
            search = build(TicketSearch, values)
        except Incomplete:
            return None
    assert isinstance(search, TicketSearch)
    return search

"""The form of a ticket search, section by section."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from lth_engine.core.knob import Knob, knobs
from lth_engine.specs.phases import Own
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.training import Training
from pages.ui.fields import label
from pages.ui.form import Incomplete, branch, build, opened, part
from pages.ui.prose import prose

SECTIONS = (("data", "Images", "image"), ("model", "Network", "hub"), ("search", "Search", "search"),
            ("training", "Training", "fitness_center"))
"""Parts of a search in the order of the form: knob, heading, icon."""

PHASES = ("pretraining", "mask_search")
"""Knobs of the phases beside the training that is reported."""

EXPERIMENT = ("levels", "replicates", "controls", "seed", "margin")


DECLARED: dict[str, Knob] = {k.name: k for k in knobs(TicketSearch)}


def ticket_search(start: TicketSearch) -> TicketSearch | None:
    """Draw the form with `start` in it; None while something is wrong (it has been said where)."""
    values: dict[str, Any] = {}
    key, wrong = f"find.{start.key}", False
    for name, heading, icon in SECTIONS:
        with st.container(border=True):
            st.subheader(f":material/{icon}: {heading}", anchor=False)
            try:
                values[name] = branch(DECLARED[name], getattr(start, name), f"{key}.{name}")
                if name == "training":
                    values |= _phases(start, values, key)
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


def _phases(start: TicketSearch, values: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The other phases, which do as in the training above unless they are given settings of their own."""
    names = (*PHASES, "whole")
    found = {name: getattr(start, name) for name in names}
    changed = [label(DECLARED[name]).lower() for name in names if found[name] != DECLARED[name].default]
    heading = "Pretraining and mask search" + f" (set: {', '.join(changed)})" * bool(changed)
    with opened(heading, f"{key}.phases") as draw:
        if not draw:
            return found
        for name in PHASES:
            st.caption(prose(name))
            found[name] = branch(DECLARED[name], found[name], f"{key}.{name}",
                                 fresh={Own.name: Own(training=_first(f"{key}.{name}", values["training"]))})
        return found | part(TicketSearch, {"whole": start.whole}, key, only=("whole",), flat=True)


def _first(key: str, training: Training) -> Training:
    """What settings of its own begin with: the training above as it was when they were picked, since what a field
    begins with must not change under the user."""
    if st.session_state.get(f"{key}.name") != Own.name:
        st.session_state[f"{key}.first"] = training
    first: Training = st.session_state.setdefault(f"{key}.first", training)
    return first

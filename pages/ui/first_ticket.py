"""The live view of one search on the start page: curve, mask, checks, verdict, what to try next."""

from __future__ import annotations

import streamlit as st

from lth_engine.figures.over_density import accuracy_over_density
from lth_engine.specs.questions import TicketSearch
from pages.ui import frame
from pages.ui.answer import answer
from pages.ui.chart import chart
from pages.ui.invariants import badges
from pages.ui.masks import layers_of, player, views
from pages.ui.searching import Searching, levels_done, look_up
from pages.ui.verdict import verdict
from pages.ui.words import literal, short_name

ALT = "Test accuracy over density: the ticket beside its controls"


def show(search: TicketSearch) -> None:
    """The search in whatever state it is in."""
    state = look_up(search)
    seen = len(state.levels)
    st.caption(f"{literal(short_name(search))} · {search.replicates} replicates, {search.levels} levels")
    answer(search, "first", not_asked=lambda: st.info("This search was taken off the list. Press the button to start "
                                                      "another."),
           done=lambda: _found(state), partial=lambda: _pictures(state),
           more=lambda: levels_done(search) > seen)


def _found(state: Searching) -> None:
    verdict(state)
    _pictures(state)
    st.subheader("What to try next")
    with st.container(horizontal=True):
        frame.link("explore/ticket.py", "Explore this search: layers, masks, weights, curves", "query_stats",
                   search=state.search.key)
        frame.link("find/ticket.py", "Real clothes: the same network on Fashion-MNIST", "checkroom",
                   preset="fashion-lenet")
        frame.link("find/ticket.py", "A search that fails, and why: one shot to 1 %", "trending_down",
                   preset="one-shot-1-percent")


def _pictures(state: Searching) -> None:
    left, right = st.columns([3, 2], gap="large")
    table = state.complete if state.row is None else state.table
    if not len(table["level"]):
        st.caption("The first point appears when the dense network has been trained in every replicate.")
        return
    with left:
        st.subheader("Accuracy over density")
        chart(accuracy_over_density([state.drawn(live=state.row is None)]), "accuracy", ALT)
        st.caption("Lines are means over the replicates, bands 95 % Student-t intervals, small points single runs.")
    with right:
        st.subheader("The first layer's mask")
        dense = bytes(table["key"][0]).decode()
        layer, shape = next(iter(layers_of(dense).items()))
        player(table, layer, views(shape, state.search.data.name, first=True)[0], state.search.data.name, 0, "mask")
    badges(table)

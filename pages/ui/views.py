"""The views of the chosen searches: one tab each, drawn only while it is open."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from lth_engine.core.errors import LotteryError
from pages.ui import view_accuracy, view_layers, view_provenance, view_runs
from pages.ui.answer import answer
from pages.ui.searching import Searching, look_up
from pages.ui.start_question import submit_again
from pages.ui.words import short_name

VIEWS: dict[str, Callable[[list[Searching]], None]] = {
    "Accuracy": view_accuracy.accuracy,
    "Layers": view_layers.density,
    "Masks": view_layers.masks,
    "Weights": view_layers.weights,
    "Learning curves": view_runs.curves,
    "Learning distance": view_accuracy.distance,
    "Checks": view_accuracy.invariants,
    "Price": view_runs.price,
    "Provenance": view_provenance.provenance,
}


def show(states: list[Searching]) -> None:
    """The state of each search that is not finished, then the tabs over what there is."""
    for state in states:
        if state.row is None:
            _unfinished(state)
    there = [state for state in states if state.runs]
    if not there:
        st.info("Nothing is finished yet; the first figure appears with the first trained network.",
                icon=":material/hourglass_empty:")
        return
    tabs = st.tabs(list(VIEWS), key="view", on_change="rerun", bind="query-params")
    for tab, draw in zip(tabs, VIEWS.values(), strict=True):
        if tab.open:
            with tab:
                _safely(draw, there)


def _unfinished(state: Searching) -> None:
    search, seen = state.search, len(state.levels)
    with st.container(border=True):
        st.markdown(f"**{short_name(search)}** is not finished: {len(state.levels)} of {search.levels + 1} levels.")
        answer(search, f"explore.{search.key}", not_asked=lambda: submit_again(search), done=lambda: None,
               more=lambda: len(look_up(search).levels) > seen)


def _safely(draw: Callable[[list[Searching]], None], states: list[Searching]) -> None:
    """Draw a view; what the store refuses is said in its own words."""
    try:
        draw(states)
    except LotteryError as error:
        st.error(str(error), icon=":material/broken_image:")
    except KeyError as error:
        st.error(f"The store does not hold {error.args[0]} any more. Start the search again: what is stored is not "
                 "computed twice.", icon=":material/broken_image:")

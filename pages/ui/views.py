"""The views of the chosen searches: one tab each, drawn only while it is open."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.ui import lab, view_accuracy, view_layers, view_provenance, view_runs
from pages.ui.answer import act, answer
from pages.ui.guard import guard
from pages.ui.searching import Searching, levels_done
from pages.ui.start_question import submit_again
from pages.ui.words import literal, short_name

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
    there = standing(states)
    if not there:
        return
    tabs = st.tabs(list(VIEWS), key="view", on_change="rerun", bind="query-params")
    for tab, draw in zip(tabs, VIEWS.values(), strict=True):
        if tab.open:
            with tab, guard():
                draw(there)


def standing(states: list[Searching]) -> list[Searching]:
    """Draw the state of each search that is not whole; those of which something is there, or a word if none is."""
    for state in states:
        if state.row is None:
            _unfinished(state)
        elif state.missing:
            _missing(state)
    there = [state for state in states if state.runs]
    if not there:
        st.info("Nothing is finished yet; the first figure appears with the first trained network.",
                icon=":material/hourglass_empty:")
    return there


def _unfinished(state: Searching) -> None:
    search, seen = state.search, len(state.levels)
    with st.container(border=True):
        st.markdown(f"**{literal(short_name(search))}** is not finished: {len(state.levels)} of "
                    f"{len(search.reported_levels)} levels.")
        answer(search, f"explore.{search.key}", not_asked=lambda: submit_again(search), done=lambda: None,
               more=lambda: levels_done(search) > seen)


def _missing(state: Searching) -> None:
    count, all_of_them = len(state.missing), len(state.runs) + len(state.missing)
    st.warning(f"{count} of its {all_of_them} runs {'is' if count == 1 else 'are'} missing from the store (damaged or "
               f"removed), so figures of {literal(short_name(state.search))} are drawn without.",
               icon=":material/warning:")

    def compute() -> None:
        for cell in state.missing:
            lab.submit(state.search.run(*cell))
    st.button("Compute again what is missing", key=f"missing.{state.search.key}", icon=":material/replay:",
              disabled=not lab.lab().store.writable, on_click=lambda: act(compute))

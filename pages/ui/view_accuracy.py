"""Views over all levels: accuracy with the verdict, learning distance, the checks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from lth_engine.core.artifact import texts
from lth_engine.figures import over_density
from pages.ui import frame
from pages.ui.chart import chart
from pages.ui.invariants import badges
from pages.ui.lab import lab
from pages.ui.naming import apart
from pages.ui.searching import Searching
from pages.ui.share import to_text
from pages.ui.verdict import verdict
from pages.ui.words import literal, short_name

_MEASURES = {"test_accuracy": "Test", "validation_accuracy": "Validation"}


def accuracy(states: list[Searching]) -> None:
    """Accuracy over density of all chosen searches, and the verdict of each."""
    names = apart([state.search for state in states])
    for state, words in zip(states, names, strict=True):
        if len(states) > 1 and state.row is not None:
            st.caption(literal(words))
        verdict(state)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        column = st.segmented_control("Images", list(_MEASURES), format_func=_MEASURES.__getitem__, required=True,
                                      default="test_accuracy", key="images", bind="query-params", width="content",
                                      help="Validation images decide what is selected; test images judge it.")
        zoom = st.toggle("Zoom to the dense network", key="zoom", bind="query-params",
                         help="Within six margins of the dense accuracy, where tickets win or fail.")
    figure = over_density.accuracy_over_density(_drawn(states), column, zoom=zoom)
    chart(figure, "accuracy-over-density", f"{_MEASURES[column]} accuracy over density, ticket beside controls")
    st.caption("Lines are means over the replicates, bands 95 % Student-t intervals of the mean, small points single "
               "runs. The star is the ticket of the verdict, chosen on validation images.")
    for state, words in zip(states, names, strict=True):
        if state.row is not None:
            _levels(state, words)
    for state, words in zip(states, names, strict=True):
        if not state.search.levels:
            continue
        name = literal(words)
        frame.link("diagnose/sanity.py", "Check this ticket" if len(states) == 1 else f"Check the ticket of {name}",
                   "fact_check", spec=to_text(state.search))


def _drawn(states: list[Searching]) -> list[over_density.Searched]:
    names = apart([state.search for state in states])
    return [replace(state.drawn(), label=name) for state, name in zip(states, names, strict=True)]


def distance(states: list[Searching]) -> None:
    """How far training moves the kept weights."""
    chart(over_density.learning_distance(_drawn(states)), "learning-distance",
          "Learning distance over density")
    st.caption("The L2 norm of final minus starting weights, over the kept weights only, so it shrinks with their "
               "number as well.")


def invariants(states: list[Searching]) -> None:
    """What must hold in every run, and whether it did."""
    for state in states:
        st.markdown(f"**{literal(short_name(state.search))}** · {len(state.runs)} runs")
        badges(state.table)
        table = state.table
        names = [n for n in ("masked_nonzero", "moved_positive", "moved_negative", "rewind_exact", "signs_kept",
                             "thinnest_layer", "thinnest_density", "disconnected_units", "dead_layers", "finite")
                 if n in table]
        shown = {n: texts(table[n]) if table[n].dtype.kind == "S" else table[n]
                 for n in ("level", "replicate", "variant", *names)}
        st.dataframe(shown, hide_index=True, key=f"checks.{state.search.key}", column_config={
            "masked_nonzero": st.column_config.NumberColumn("pruned but not 0"),
            "moved_positive": st.column_config.NumberColumn("moved, positive", format="percent"),
            "moved_negative": st.column_config.NumberColumn("moved, negative", format="percent"),
            "rewind_exact": st.column_config.CheckboxColumn(
                "starts exactly", help="From the weights that the ticket comes from: those of the rewind point, or "
                                       "the end of the level before where a search goes on (LRR, AWS)."),
            "signs_kept": st.column_config.NumberColumn(
                "signs kept", format="percent", help="Kept weights whose sign training did not change; no check, but "
                                                     "what AWS is about."),
            "thinnest_density": st.column_config.NumberColumn("its density", format="percent"),
            "disconnected_units": st.column_config.NumberColumn("units cut off"),
            "dead_layers": st.column_config.NumberColumn("layers cut off"),
            "finite": st.column_config.CheckboxColumn("finite")})


def _levels(state: Searching, words: str) -> None:
    with st.expander(f"Verdict at each level: {literal(words)}"):
        found = lab().store.read(state.search.key, "verdict")
        st.dataframe({
            "level": found["level"], "density": found["density"], "verdict": texts(found["word"]),
            "ticket - dense (points)": np.round(100 * found["difference"], 2),
            "90 % interval from": np.round(100 * found["low"], 2), "to": np.round(100 * found["high"], 2),
            "above all controls": found["beats_controls"].astype(bool), "in words": texts(found["text"]),
        }, hide_index=True, key=f"levels.{state.search.key}", column_config={
            "density": st.column_config.NumberColumn(format="percent"),
            "in words": st.column_config.TextColumn(width="large")})

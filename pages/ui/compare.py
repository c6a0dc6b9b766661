"""Searches side by side: a figure over density or cost, a test at each density that they share, what differs."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from lth_engine.core.comparison import Comparison, compare, default_margin
from lth_engine.core.measures import MEASURES, TOTALS, Measure
from lth_engine.core.search_table import Table, variants, with_above_dense
from lth_engine.figures.look import look
from lth_engine.figures.over_density import Searched, compared
from lth_engine.specs.differences import differences, share_seeds
from pages.ui.chart import chart
from pages.ui.naming import lettered, name
from pages.ui.searching import Searching
from pages.ui.views import standing

ACROSS = {"density": "Density", "total_epochs": "Epochs", "total_train_seconds": "Seconds",
          "total_flops_dense": "FLOPs, dense", "total_flops_sparse": "FLOPs, ideal sparse"}
"""What may lie along x, and what the choice is called."""

WORDS = ("better", "higher", "equivalent", "undecided", "lower", "worse")
"""The words of a comparison in the order in which they are counted."""


@dataclass(frozen=True)
class Side:
    """One search of the comparison: its state, its name here, and its table with costs."""

    state: Searching
    label: str
    table: Table


def show(states: list[Searching]) -> None:
    """The state of what is not finished, the figure, the tests, and the settings that differ."""
    there = standing(states)
    if len(there) < 2:
        if there:
            st.info("Of one search only is something finished; the comparison begins with the second.",
                    icon=":material/hourglass_empty:")
        return
    labels = lettered([state.search for state in there])
    sides = [Side(state, label, with_above_dense(state.table_with_costs))
             for state, label in zip(there, labels, strict=True)]
    by, over, variant = _controls(sides)
    figure = compared([Searched(side.label, side.table) for side in sides], by, TOTALS.get(over), variant)
    chart(figure, "compare",
          f"{by.title} over {ACROSS[over].lower()}, one line a search: {look(variant).label.lower()}")
    st.caption("Lines are means over the replicates, bands 95 % Student-t intervals of the mean, small points single "
               "runs." + (" A total is what a ticket cost from nothing: its own training and every one before it that "
                          "it rests on, of its replicate." if over != "density" else ""))
    _tests(sides, by, variant)
    _settings(sides)


def _controls(sides: list[Side]) -> tuple[Measure, str, str]:
    """What is compared, what lies along x, and the ticket or which control."""
    held = [name for name in MEASURES if all(name in side.table for side in sides)]
    shared = [name for name in variants(sides[0].table) if all(name in variants(side.table) for side in sides)]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        metric = st.selectbox("Metric", held, format_func=lambda name: MEASURES[name].label, key="metric",
                              bind="query-params", width=340)
        over = st.segmented_control("Over", list(ACROSS), format_func=ACROSS.__getitem__, default="density",
                                    required=True, key="over", bind="query-params", width="content",
                                    help="Density, or the total cost of a ticket from nothing, on a log scale.")
        variant = "ticket"
        if len(shared) > 1:
            variant = st.selectbox("Trained", shared, format_func=lambda name: look(name).label, key="trained",
                                   bind="query-params", width=260)
    return MEASURES[metric], over, variant


def _tests(sides: list[Side], by: Measure, variant: str) -> None:
    """Every search against the reference at each density that they share."""
    st.subheader("Density by density", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        keys = [side.state.search.key for side in sides]
        names = {side.state.search.key: f"{side.label[0]}: {name(side.state.search)}" for side in sides}
        chosen = st.selectbox("Reference", keys, format_func=names.__getitem__, key="reference", bind="query-params",
                              width=420)
        reference = sides[keys.index(chosen)]
        margin = _margin(reference, by)
    others = [side for side in sides if side is not reference]
    found = [compare(side.table, reference.table, by, margin, variant=variant,
                     paired=share_seeds(side.state.search, reference.state.search)) for side in others]
    st.markdown("  \n".join(f"**{side.label[0]} - {reference.label[0]}**: {_summary(comparisons)}"
                            for side, comparisons in zip(others, found, strict=True)))
    places = st.tabs([f"{side.label[0]} - {reference.label[0]}" for side in others]) if len(others) > 1 else \
        [st.container()]
    for place, side, comparisons in zip(places, others, found, strict=True):
        with place:
            _table(side, reference, by, comparisons)


def _margin(reference: Side, by: Measure) -> float:
    """The margin in stored units, asked in those that are shown."""
    own = reference.state.search.margin if by.is_accuracy else default_margin(by, reference.table)
    shown = st.number_input(f"Equivalence margin ({by.unit})" if by.unit else "Equivalence margin",
                            value=by.scale * own, min_value=0.0, step=by.scale * own / 2 or 0.1, format="%g",
                            key=f"margin.{by.name}", bind="query-params", width=220,
                            help="A difference below which nobody cares: an interval within minus and plus the margin "
                                 "is called equivalent.")
    return shown / by.scale


def _table(side: Side, reference: Side, by: Measure, found: list[Comparison]) -> None:
    """One search against the reference: a line a density."""
    if not found:
        return
    scale, known = by.scale, [c.difference.count > 1 for c in found]
    numbers = {
        f"difference ({by.unit})" if by.unit else "difference": [scale * c.difference.mean for c in found],
        "90 % interval from": [scale * c.difference.low if k else None for c, k in zip(found, known, strict=True)],
        "to": [scale * c.difference.high if k else None for c, k in zip(found, known, strict=True)],
        f"mean of {side.label[0]}": [scale * c.means[0] for c in found],
        f"mean of {reference.label[0]}": [scale * c.means[1] for c in found]}
    st.dataframe(
        {"density": [c.density for c in found], "verdict": [c.word for c in found], **numbers,
         "test": [c.test for c in found]}, hide_index=True, key=f"compare.{side.state.search.key}", height="content",
        column_config={"density": st.column_config.NumberColumn(format="percent"), **{
            name: st.column_config.NumberColumn(format="%.2f" if scale == 100 else "%.4g") for name in numbers}})
    st.caption(("Paired by replicate: both searches share network, images, seeds and replicates. " if found[0].paired
                else "Network, images, seeds or replicates differ, so nothing pairs: Welch's interval of two "
                     "independent samples. ")
               + "The 90 % interval is two one-sided tests at 5 %; several densities are not corrected for.")


def _summary(found: list[Comparison]) -> str:
    """How often each word was said."""
    if not found:
        return "they have no density in common."
    said = [comparison.word for comparison in found]
    return ", ".join(f"{word} at {said.count(word)}" for word in WORDS if word in said) + f" of {len(said)} densities."


def _settings(sides: list[Side]) -> None:
    """Only the settings that are not the same in all."""
    st.subheader("What differs in the question", anchor=False)
    found = differences([side.state.search for side in sides])
    if not found:
        st.caption("Nothing.")
        return
    cells = {side.label[0]: [values[index] for values in found.values()] for index, side in enumerate(sides)}
    st.table({"setting": [path.replace("_", " ") for path in found]} | cells, hide_index=True, border="horizontal")
    st.caption("  \n".join(side.label for side in sides))

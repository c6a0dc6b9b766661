"""Views of the trainings: their learning curves, and what they cost."""

from __future__ import annotations

import numpy as np
import streamlit as st

from lth_engine.core.artifact import Array
from lth_engine.core.search_table import rows_where, variants
from lth_engine.figures.curves import METRICS, Trained, learning_curves
from lth_engine.figures.look import look
from lth_engine.figures.price import COSTS, price_by_level
from pages.ui.chart import chart
from pages.ui.lab import lab
from pages.ui.picker import one_of
from pages.ui.searching import Searching
from pages.ui.words import duration, many, percent


def curves(states: list[Searching]) -> None:
    """A metric over epochs, one line a level."""
    state = one_of(states, "curves.search")
    table = state.table
    if state.search.search.brought:
        st.info("These networks were trained elsewhere and brought without their learning curves.",
                icon=":material/info:")
        return
    cells = st.columns(3)
    metric = cells[0].selectbox("Metric", list(METRICS), format_func=lambda m: METRICS[m][0], key="curves.metric")
    variant = cells[1].selectbox("Variant", variants(table), format_func=lambda v: look(v).label, key="curves.variant")
    replicate = cells[2].selectbox("Replicate", range(state.search.replicates), key="curves.replicate")
    rows = rows_where(table, variant)
    chosen = np.flatnonzero(rows["replicate"] == replicate)
    runs = [Trained(f"level {int(rows['level'][i])} ({percent(float(rows['density'][i]))})",
                    _history(bytes(rows["key"][i]).decode())) for i in chosen]
    chart(learning_curves(runs, metric), "learning-curves",
          f"{METRICS[metric][0]} over epochs by level: {look(variant).label.lower()}, replicate {replicate}")
    st.caption("From blue (dense) to orange (sparse).")


def price(states: list[Searching]) -> None:
    """What each level cost, and the whole."""
    state = one_of(states, "price.search")
    table = state.table
    if state.search.search.brought:
        st.info("These networks were trained elsewhere; what that cost is not known.", icon=":material/info:")
        return
    total = {name: float(np.nansum(table[name])) for name in COSTS if name in table}
    with st.grid(4, min_column_width=150):
        st.metric("Training time", duration(total.get("train_seconds", 0)), help="Of the training loops alone.")
        st.metric("Training", f"{total.get('epochs', 0):,.0f} epochs")
        st.metric("Compute as done", many(total.get("flops_dense", 0), "FLOP"), help="With dense kernels.")
        st.metric("If zeros were free", many(total.get("flops_sparse", 0), "FLOP"),
                  help="What a kernel that skips every pruned weight would need.")
    cost = st.segmented_control("Cost", list(total), format_func=lambda c: COSTS[c][0], default="train_seconds",
                                required=True, key="price.cost")
    chart(price_by_level(table, cost), "price-by-level", f"{COSTS[cost][0]} of each level, all replicates")
    st.caption("A ticket is found by training every level before it. Unstructured zeros do not make dense kernels "
               "faster: the time of a level does not fall with its density.")


@st.cache_data(max_entries=500, show_spinner=False)
def _history(run: str) -> dict[str, Array]:
    """A stored run's history; a key stands for its content, so this never changes."""
    return lab().store.read(run, "history")

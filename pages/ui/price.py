"""What a search will cost: epochs at once from the question, the rest measured by a short job."""

from __future__ import annotations

import platform

import streamlit as st

from lth_engine.specs.questions import Price, TicketSearch
from pages.ui import lab
from pages.ui.answer import act, answer
from pages.ui.searching import run_keys
from pages.ui.words import duration, many, size


def epochs(search: TicketSearch) -> None:
    """How many trainings of which length, and how many of them are in the store already."""
    keys = set(run_keys(search).values())
    there = len(lab.lab().store.has(keys))
    length = search.training.length
    unit = "epochs" if length.unit == "ep" else "steps"
    work = f"**{(len(keys) - there) * length.count:,} {unit}**"
    left = f"; {there:,} of them are in the store already, so {work} are left." if there else f": {work}."
    st.markdown(f"**{len(keys):,} trainings** of {length.count:,} {unit}{left}")


def measured(search: TicketSearch) -> None:
    """FLOPs, time, memory and disk, from a few timed steps on this machine."""
    question = Price(of=search, machine=f"{platform.node()} auto")

    def ask() -> None:
        st.button("Measure time and memory", icon=":material/timer:", key="price.ask",
                  help="Times a few training steps on this machine; takes some seconds.",
                  on_click=lambda: act(lambda: lab.submit(question)), disabled=not lab.lab().store.writable)

    def show() -> None:
        summary = lab.lab().store.rows([question.key])[question.key].summary
        value = {name: float(summary.get(name) or 0) for name in
                 ("seconds", "flops_dense", "flops_sparse", "peak_bytes", "store_bytes", "prunable")}
        cells = st.grid(2, min_column_width=110)
        with cells:
            st.metric("Time here", duration(value["seconds"]),
                      help="Number of steps times the time of a step measured on this machine.")
            st.metric("Compute", many(value["flops_dense"], "FLOP"),
                      help=f"As done, with dense kernels. If zeros were free: {many(value['flops_sparse'], 'FLOP')}. "
                           "Unstructured zeros do not speed up dense kernels.")
            st.metric("Peak memory", size(value["peak_bytes"]))
            st.metric("Store", size(value["store_bytes"]))
        st.caption(f"{value['prunable']:,.0f} prunable weights. Measured on {platform.node()}.")
    answer(question, "price", not_asked=ask, done=show)

"""What a search will cost: epochs at once from the question, the rest measured by a short job."""

from __future__ import annotations

import platform
from collections.abc import Callable

import streamlit as st

from lth_engine.specs.questions import Price, TicketSearch
from pages.ui import lab
from pages.ui.answer import act, answer
from pages.ui.searching import run_keys
from pages.ui.words import duration, many, size

LOOKED_UP = 5000
"""Trainings from which on the store is not asked which of them it holds: their keys alone take seconds."""


def epochs(search: TicketSearch) -> None:
    """How many trainings of which length, and how many of them are in the store already
    (not asked of a very large search)."""
    count = search.replicates * (1 + search.levels * (1 + len(search.controls)))
    there = len(lab.lab().store.has(run_keys(search).values())) if count < LOOKED_UP else 0
    length = search.training.length
    unit = "epochs" if length.unit == "ep" else "steps"
    work = f"**{(count - there) * length.count:,} {unit}**"
    left = f"; {there:,} of them are in the store already, so {work} are left." if there else f": {work}."
    st.markdown(f"**{count:,} trainings** of {length.count:,} {unit}{left}")


def measured(search: TicketSearch) -> None:
    """FLOPs, time, memory and disk, from a few timed steps on this machine."""
    question = Price(of=search, machine=machine())

    def ask() -> None:
        _button(lambda: search)

    def show() -> None:
        summary = lab.lab().store.rows([question.key])[question.key].summary
        value = {name: float(summary.get(name) or 0) for name in
                 ("seconds", "flops_dense", "flops_sparse", "peak_bytes", "store_bytes", "prunable")}
        st.table({
            "": ["Time", "Memory", "Store", "Compute", "If zeros were free"],
            " ": [duration(value["seconds"]), size(value["peak_bytes"]), size(value["store_bytes"]),
                  many(value["flops_dense"], "FLOP"), many(value["flops_sparse"], "FLOP")],
        }, hide_index=True, hide_header=True, border="horizontal")
        st.caption(f"{value['prunable']:,.0f} prunable weights; measured on {platform.node()} with nothing else of it "
                   "in the store. Unstructured zeros do not speed up dense kernels.")
    answer(question, "price", not_asked=ask, done=show)


def unmeasured(find: Callable[[], TicketSearch]) -> None:
    """The button to measure a search that has to be completed first (by reading its images)."""
    _button(find)


def machine() -> str:
    """The machine that times are for; the command line names it alike."""
    return f"{platform.node()} auto"


def _button(find: Callable[[], TicketSearch]) -> None:
    st.button("Measure time and memory", icon=":material/timer:", key="price.ask",
              help="Times a few training steps on this machine; takes some seconds.",
              on_click=lambda: act(lambda: lab.submit(Price(of=find(), machine=machine()))),
              disabled=not lab.lab().store.writable)

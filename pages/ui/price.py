"""What a search will cost: epochs at once from the question, the rest measured by a short job."""

from __future__ import annotations

import functools
import platform
from collections.abc import Callable, Mapping

import streamlit as st

from lth_engine.core.sizes import size
from lth_engine.specs.questions import Price, TicketSearch, in_order, trainings
from lth_engine.specs.tickets import DenseTicket, LearnedMask, Run
from pages.ui import lab
from pages.ui.answer import act, answer
from pages.ui.words import counted, duration, many

LOOKED_UP = 5000
"""Reported trainings from which on the store is not asked which of them it holds: their keys alone take seconds."""

_UNITS = {"ep": "epochs", "it": "steps"}


def epochs(search: TicketSearch) -> None:
    """How many trainings of which length, and how many of them are in the store already
    (only counted for a very large search)."""
    reported = search.replicates * (1 + search.levels * (1 + len(search.controls)))
    if reported >= LOOKED_UP:
        length = search.training.length
        st.markdown(f"**{reported:,} trainings** of {length.count:,} {_UNITS[length.unit]} are reported"
                    + (": " + _amount({length.unit: reported * length.count}) + "."
                       if search.mask_training == search.training else ", beside those of the mask search."))
        return
    lengths = _lengths(search)
    held = lab.lab().store.has(lengths)
    left = {key: length for key, length in lengths.items() if key not in held}
    stored = f"; {len(held):,} of them are in the store already, so {_amount(_sum(left))} are left." if held else \
        f": {_amount(_sum(left))}."
    behind = f" ({reported:,} of them are reported, the others lead to the masks)" if len(lengths) > reported else ""
    st.markdown(f"**{len(lengths):,} trainings**{behind}{stored}")
    masks = _masks(search)
    if masks:
        done = lab.lab().store.has(masks)
        work = counted(round(sum(cost for key, cost in masks.items() if key not in done)), "epoch")
        searches = "search" if len(masks) == 1 else "searches"
        held = f"{len(done):,} of them are in the store already, what is left is" if done else "that is"
        st.markdown(f"Before them **{len(masks):,} {searches} of a mask**: {held} as much work as **{work}** of "
                    "training.")


@functools.lru_cache(maxsize=64)
def _lengths(search: TicketSearch) -> dict[str, tuple[int, str]]:
    """The length of every training that a search needs, by key: how many, and of what ("ep" or "it")."""
    found: dict[str, tuple[int, str]] = {}
    alike = search.mask_training == search.training and not search.whole  # masks are read from reported runs
    for question in search.inputs() if alike else trainings(search):
        if isinstance(question, DenseTicket):
            if question.trains:
                found[question.key] = question.rewind.count, question.rewind.unit
        elif isinstance(question, Run) and question.trains:
            length, begin = question.training.length, question.begin
            skipped = begin.count if begin.unit == length.unit else 0
            found[question.key] = length.count - skipped, length.unit
    return found


@functools.lru_cache(maxsize=64)
def _masks(search: TicketSearch) -> dict[str, float]:
    """What every search of a mask costs, by key, in epochs of training."""
    if not search.search.learns:
        return {}
    return {q.key: q.epochs for q in in_order(search) if isinstance(q, LearnedMask)}


def _sum(lengths: Mapping[str, tuple[int, str]]) -> dict[str, int]:
    return {unit: total for unit in _UNITS if (total := sum(count for count, u in lengths.values() if u == unit))}


def _amount(total: Mapping[str, int]) -> str:
    return "**" + (" and ".join(f"{count:,} {_UNITS[unit]}" for unit, count in total.items()) or "0 epochs") + "**"


def measured(search: TicketSearch) -> None:
    """FLOPs, time, memory and disk, from a few timed steps on this machine."""
    question = Price(of=search, machine=machine())

    def ask() -> None:
        _button(lambda: search)

    def show() -> None:
        summary = lab.lab().store.rows([question.key])[question.key].summary
        value = {name: float(summary.get(name) or 0) for name in
                 ("trainings", "seconds", "flops_dense", "flops_sparse", "peak_bytes", "accelerator_peak_bytes",
                  "store_bytes", "prunable")}
        st.table({
            "": ["Trainings", "Time", "Memory", "Store", "Compute", "If zeros were free"],
            " ": [f"{value['trainings']:,.0f}", duration(value["seconds"]), size(value["peak_bytes"]),
                  size(value["store_bytes"]), many(value["flops_dense"], "FLOP"), many(value["flops_sparse"], "FLOP")],
        }, hide_index=True, hide_header=True, border="horizontal")
        beside = (" The time is that of one run after the other; a GPU trains small networks side by side, in less."
                  if value["accelerator_peak_bytes"] else "")
        st.caption(f"{value['prunable']:,.0f} prunable weights; measured on {platform.node()} with nothing else of it "
                   "in the store. Unstructured zeros do not speed up dense kernels." + beside)
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

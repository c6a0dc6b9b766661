"""Does it run faster? Measured time, operations if zeros were free, and bytes, with the sentence that says why not."""

from __future__ import annotations

import streamlit as st

from lth_engine.figures.file_sizes import file_sizes
from pages.ui.chart import chart
from pages.ui.explaining import Number, explained, numbers
from pages.ui.upload_answer import Later, answered, later
from pages.ui.upload_card import Card, number, part, parts, text, whole
from pages.ui.upload_held import Brought
from pages.ui.words import counted, literal, many, percent

_STORED = {"raw": "dense", "zipped": "dense, zipped", "sparse_rows": "sparse rows",
           "packed": "packed mask and kept values"}
"""Ways of storing a network, by their name in the answer."""


QUESTION = Later(
    "speed", "Does it run faster?",
    "Times the network on this machine, and counts its operations and bytes, with and without its zeros.",
    "Measure", ":material/timer:", "Measuring")


def show(brought: Brought) -> None:
    """The button, or the answer."""
    answer = answered(later(brought, QUESTION))
    if answer is not None:
        _answer(answer)


def _answer(answer: Card) -> None:
    st.markdown(f"**{literal(text(answer, 'sentence'))}**")
    if text(answer, "reason"):
        st.caption(literal(text(answer, "reason")))
    shown = [_time(one) for one in parts(answer, "times") if number(one, "median")]
    dense, sparse = number(answer, "flops_dense"), number(answer, "flops_sparse")
    if dense and sparse is not None:
        shown.append(Number("If zeros were free", percent(sparse / dense), "",
                            f"{many(sparse, 'FLOP')} of {many(dense, 'FLOP')} an image"))
    filters = number(answer, "flops_filters")
    if dense and filters is not None:
        shown.append(Number("Empty filters cut out", percent(filters / dense), "",
                            "what a smaller dense network needs"))
    if shown:
        numbers(shown, "upload.speed.numbers")
        threads = whole(answer, "threads")
        st.caption(f"Forward passes on this machine, with {counted(threads or 1, 'thread')}; the median, and the "
                   "middle half below it. The zeros are multiplied like any other number.")
    sizes = part(answer, "bytes")
    found = {words: whole(sizes, name) or 0 for name, words in _STORED.items() if whole(sizes, name)}
    if found:
        explained("sizes_of_a_file", "upload.speed", "Sizes")
        chart(file_sizes(found), "size-of-the-network", "Size of the network, stored in several ways")


def _time(one: Card) -> Number:
    batch, median = whole(one, "batch") or 1, number(one, "median") or 0.0
    low, high = number(one, "low") or 0.0, number(one, "high") or 0.0
    return Number("One image" if batch == 1 else f"{batch} images", f"{1000 * median:.3g} ms", "measured_time",
                  f"{1000 * low:.3g} to {1000 * high:.3g} ms")

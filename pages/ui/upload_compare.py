"""Two files side by side: how far apart, layer by layer, and whether one was trained on from the other."""

from __future__ import annotations

import functools

import streamlit as st

from pages.ui import upload_ask, upload_gate, upload_headline, upload_held, upload_states
from pages.ui.upload_answer import answered
from pages.ui.upload_card import status
from pages.ui.upload_held import Brought
from pages.ui.upload_work import begin


def show(first: Brought) -> None:
    """Ask for the second file; once both are read, how they relate."""
    st.subheader("Compare it with another file", anchor=False)
    second = upload_held.brought("second")
    upload_ask.ask("second", expanded=False)
    if second is None:
        st.caption("Is one trained on from the other? Do they keep the same weights, with the same signs?")
        return
    if second.card is None:
        upload_states.reading("second", second)
    elif status(second.card) != "read":
        upload_states.not_read(second.card)
    else:
        upload_headline.show(second.card)
        _relation(first, second)


def _relation(first: Brought, second: Brought) -> None:
    if first.clean is None or second.clean is None:
        return
    if "upload.comparison" not in st.session_state:
        st.session_state["upload.comparison"] = begin("Comparing", functools.partial(
            upload_gate.ask, "compare", [first.clean, second.clean], {}))
    answer = answered(st.session_state["upload.comparison"])
    if answer is not None:
        st.json(dict(answer), expanded=False)

"""The spectrum of each weight matrix: asked on request, drawn with the edge of noise and the heavy-tail fit."""

from __future__ import annotations

import functools

import streamlit as st

from pages.ui import upload_gate as gate
from pages.ui.upload_answer import answered
from pages.ui.upload_held import Brought, ask


def show(brought: Brought) -> None:
    """The button, or the answer."""
    st.subheader("What do the speed of its layers say?", anchor=False)
    if brought.clean is None:
        return
    if "speed" not in brought.asked:
        st.caption("The singular values of every weight matrix beside those of noise, and a fit of their tail. Takes "
                   "some seconds.")
        st.button("Compute the speed", icon=":material/ssid_chart:", key="upload.speed.ask", on_click=ask, args=(
            brought.asked, "speed", "Computing the speed",
            functools.partial(gate.ask, "speed", [brought.clean], {})))
        return
    answer = answered(brought.asked["speed"])
    if answer is not None:
        st.json(dict(answer), expanded=False)

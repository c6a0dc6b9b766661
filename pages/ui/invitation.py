"""What the start page shows before anything was asked; needs no figures, so that it is there at once."""

from __future__ import annotations

import streamlit as st

from pages.ui import frame
from pages.ui.prose import prose


def invitation() -> None:
    """What will be seen, and the other ways to begin."""
    left, right = st.columns([3, 2])
    with left:
        st.subheader("What will happen")
        st.markdown(prose("what_will_happen"))
    with right:
        st.subheader("Or go on with")
        frame.link("find/ticket.py", "Ask your own question: networks, images, ways to search", "search")
        frame.link("explore/ticket.py", "Look at the tickets that are stored", "query_stats")
        frame.link("runs/jobs.py", "See what is running", "list_alt")

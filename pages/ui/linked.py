"""The search that the address spells out (?spec=...)."""

from __future__ import annotations

import streamlit as st

from lth_engine.core.errors import BadInput
from lth_engine.specs.questions import TicketSearch
from pages.ui import share
from pages.ui.words import literal


def linked_search() -> TicketSearch | None:
    """The search of the address; None without one, or with one that is damaged, which is said."""
    text = st.query_params.get("spec")
    if not text:
        return None
    try:
        return share.from_text(text)
    except BadInput as error:
        st.error(literal(error), icon=":material/error:")
        return None

"""The line between two files that were brought, measured in four ways: one click, once the first is in the lab."""

from __future__ import annotations

import streamlit as st

from lth_engine.core.errors import LotteryError
from lth_engine.specs.connecting import Connectivity
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.tickets import Run
from pages.ui import frame, lab, where
from pages.ui.answer import state_of
from pages.ui.four_ways import four
from pages.ui.guard import refused
from pages.ui.upload_card import Card, part
from pages.ui.upload_held import Brought
from pages.ui.upload_use import into_lab


def show(first: Brought, second: Brought) -> None:
    """The panel; nothing where the two are not one network of the lab."""
    if not same_network(first.card or {}, second.card or {}):
        return
    with st.container(border=True):
        st.markdown("**Do the two lie in one valley?** The error on the straight line between them, measured in four "
                    "ways: statistics of normalisation re-estimated or interpolated, units as they are or matched.")
        if first.search is None:
            st.caption("Bring the first file into the lab, above, to choose the images that the line is measured on.")
            return
        theirs = second.search
        asked = _line(first.search, theirs) if theirs is not None and theirs.data == first.search.data else None
        if asked is not None and state_of(asked) != "not asked":
            frame.link(where.PAGES[Connectivity.name], "Connectivity of the two", "timeline", ask=asked.key)
            return
        st.button("Measure the line in four ways", icon=":material/grid_view:", key="upload.line.ask",
                  disabled=not lab.lab().store.writable, on_click=_ask, args=(first.search, second),
                  help="Brings the second file into the lab, too, with the images of the first. The two ends are the "
                       "last level of each.")


def same_network(first: Card, second: Card) -> bool:
    """Whether two cards are of one network of the lab."""
    one, other = (part(part(card, "architecture"), "spec") for card in (first, second))
    return bool(one) and dict(one) == dict(other)


def _line(first: TicketSearch, second: TicketSearch) -> Connectivity:
    """The line, as it is usually measured.

    Raises:
        BadInput: the two are not alike.
    """
    return Connectivity(first=_last(first), second=_last(second))


def _last(search: TicketSearch) -> Run:
    return search.run(search.levels, 0)


def _ask(first: TicketSearch, second: Brought) -> None:
    """Bring the second file, and ask for the four lines."""
    try:
        line = _line(first, into_lab(second, first.data))
        for question in four(line).values():
            lab.submit(question)
    except (LotteryError, OSError) as error:
        refused(error)

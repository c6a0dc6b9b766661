"""Asking for the sanity checks of a ticket: a search, and the level by its density."""

from __future__ import annotations

import streamlit as st

from lth_engine.core.knob import knobs
from lth_engine.specs.question import Question
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.sanity import CHECKS, SanityChecks, unknown
from pages.ui.find_titles import at_density, search_words
from pages.ui.form import Incomplete, build, part
from pages.ui.linked import linked_search
from pages.ui.networks import Picked, pick_search
from pages.ui.searching import look_up
from pages.ui.words import literal, short_name

_LINKED = "sanity.linked"
"""Where the link that the form follows is kept."""


def follow_address(name: str) -> None:
    """Open the form on the search that a link names (?spec=, ?level=), the first time that it is seen.

    Args:
        name: prefix of the widgets' keys.
    """
    text = st.query_params.get("spec")
    if text and st.session_state.get(_LINKED) != text:
        st.session_state[_LINKED] = text
        st.session_state[f"{name}.panel"] = True


def form(key: str) -> tuple[Question, dict[str, Picked]] | None:
    """The form; None while something is wrong, which has been said.

    Args:
        key: prefix of the widgets' keys.
    """
    linked = linked_search()
    if linked is None:
        picked = pick_search("Search", f"{key}.of")
        search = picked.spec
        assert isinstance(search, TicketSearch)
    else:
        search, picked = linked, Picked(linked, "", linked)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f":material/link: **{literal(short_name(search))}** "
                        f"({literal(', '.join(search_words(search.search)))})", width="content")
            st.button("Choose another search", key=f"{key}.forget", on_click=_forget)
    key = f"{key}.{search.key[:8]}"
    levels = list(range(1, search.levels + 1))
    if not levels:
        st.error("This is a dense network alone, so it has no ticket to check. Choose another search.",
                 icon=":material/error:")
        return None
    level = int(st.selectbox("Ticket", levels, index=_first(search, levels), key=f"{key}.level",
                             format_func=lambda n: at_density(search.search, n), persist_state="session",
                             help="Its level, and the share of the weights that it keeps."))
    declared = [k.name for k in knobs(SanityChecks) if k.name not in ("of", "level")]
    try:
        possible = tuple(name for name in CHECKS if name not in unknown(search, level))
        values = part(SanityChecks, {"checks": possible}, f"{key}.{len(possible)}", only=tuple(declared))
        asked = build(SanityChecks, {"of": search, "level": level, **values})
    except Incomplete:
        return None
    assert isinstance(asked, SanityChecks)
    return asked, {"of": picked}


def _first(search: TicketSearch, levels: list[int]) -> int:
    """Place of the level of the link, else of the verdict, else of the sparsest level."""
    given = st.query_params.get("level", "")
    if given.isascii() and given.isdigit() and len(given) < 5 and int(given) in levels:
        return levels.index(int(given))
    row = look_up(search).row
    found = row.summary.get("verdict_level") if row is not None else None
    return levels.index(found) if isinstance(found, int) and found in levels else len(levels) - 1


def _forget() -> None:
    for name in ("spec", "level"):
        st.query_params.pop(name, None)

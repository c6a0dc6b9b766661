"""A network that was brought, on the other pages: what can be asked of it, and what has been."""

from __future__ import annotations

from collections.abc import Iterator

import streamlit as st

from lth_engine.core.errors import LotteryError
from lth_engine.specs.bounds import PacBayes
from lth_engine.specs.curvature import HessianEigenpairs, HessianTrace
from lth_engine.specs.health import DataHealth
from lth_engine.specs.imported import Imported, start_known
from lth_engine.specs.landscapes import Landscape
from lth_engine.specs.question import Question
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.sanity import SanityChecks
from pages.ui import frame, lab, where
from pages.ui.answer import act, answer, state_of
from pages.ui.searching import search_of
from pages.ui.words import literal

PARAMETER = "search"
IMAGES = "Health on images"
"""Title of the tab."""

_WHY: dict[str, tuple[str, str]] = {
    "data_health": (IMAGES, "Accuracy class by class, calibration, and which normalisation of the input "
                    "fits."),
    "hessian_trace": ("Curvature", "The trace of the Hessian over the kept weights."),
    "hessian_eigenpairs": ("Eigenvalues", "The largest and the smallest eigenvalues of the Hessian."),
    "landscape": ("Landscape", "The loss around it, as a surface."),
    "pac_bayes": ("Bound", "How well it is certain to do on images that it never saw."),
    "sanity_checks": ("Sanity checks", "Whether its mask, its signs and its weights matter."),
}
"""Kind of a question -> its name here, and what it tells."""


def show() -> None:
    """What can be asked of the network that the address names; nothing if it names none."""
    asked = st.query_params.get(PARAMETER, "")
    if not asked:
        return
    search = search_of(asked)
    if search is None or not isinstance(search.search, Imported):
        st.warning(f"The lab holds no file that was brought as {literal(asked[:40])}. Bring it again.",
                   icon=":material/link_off:")
        return
    with st.container(border=True):
        st.subheader(f"In the lab: {literal(search.search.label or 'a file')}", anchor=False)
        answer(search, "upload.lab", not_asked=lambda: _ask_again(search), done=lambda: _open(search),
               partial=lambda: _open(search))


def _ask_again(search: TicketSearch) -> None:
    st.button("Bring it into the lab", key="upload.lab.again",
              on_click=lambda: act(lambda: lab.submit(search)))


def questions(search: TicketSearch) -> Iterator[Question]:
    """What the lab can compute of a file that was brought alone."""
    level = search.levels
    run = search.run(level, 0)
    yield DataHealth(of=run)
    yield HessianTrace(of=run)
    yield HessianEigenpairs(of=run)
    yield Landscape(of=run)
    yield PacBayes(of=run)
    if level and start_known(search.search, level, search.replicates):
        yield SanityChecks(of=search, level=level)


def _open(search: TicketSearch) -> None:
    """The pages that have it, and one click for what has not been asked yet."""
    with st.container(horizontal=True):
        frame.link("explore/ticket.py", "Explore it", "query_stats", search=search.key)
        for path, label, icon in (("connectivity", "Connectivity", "timeline"),
                                  ("curvature", "Curvature", "ssid_chart"), ("bounds", "Bounds", "verified_user")):
            frame.link(f"diagnose/{path}.py", label, icon)
    st.caption("On these pages choose it by its name under *Ask your own*. One click asks what is asked most:")
    with st.grid(3, min_column_width=240):
        for question in _possible(search):
            _cell(question)


def _images(key: str) -> None:
    """Open the other tab of this page on an answer."""
    st.session_state["view"] = IMAGES
    st.query_params["ask"] = key


def _possible(search: TicketSearch) -> list[Question]:
    try:
        return list(questions(search))
    except LotteryError:
        return []


def _cell(question: Question) -> None:
    title, why = _WHY[question.name]
    state = state_of(question)
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"**{title}**")
        st.caption(why)
        if state == "not asked":
            st.button("Ask", key=f"upload.lab.{question.name}", icon=":material/play_arrow:",
                      on_click=lambda: act(lambda: lab.submit(question)), disabled=not lab.lab().store.writable)
        elif question.name == DataHealth.name:
            st.button("Show", key=f"upload.lab.{question.name}.open", icon=":material/arrow_forward:", type="tertiary",
                      on_click=_images, args=(question.key,))
        else:
            frame.link(where.PAGES[question.name], {"done": "Open", "running": "Under way"}.get(state, "See why not"),
                       "arrow_forward", ask=question.key)

"""Where a question comes from (preset, link, file) and where it goes to (the queue, a link, a file)."""

from __future__ import annotations

import json

import streamlit as st

from lth_engine.core.errors import BadInput
from lth_engine.specs.data import OwnImages
from lth_engine.specs.presets import Preset, presets
from lth_engine.specs.questions import TicketSearch
from pages.ui import frame, lab, price, share
from pages.ui.answer import act, answer
from pages.ui.linked import linked_search
from pages.ui.own_images import remembered, with_fingerprint
from pages.ui.searching import Searching, look_up
from pages.ui.upload import upload
from pages.ui.verdict import verdict
from pages.ui.words import in_words, literal


def choose() -> tuple[TicketSearch, str | None]:
    """The search that the form begins with, and the preset that it is, from the address or the picker."""
    linked = linked_search()
    if linked is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(":material/link: The form holds the question of a link or a file.", width="content")
            st.button("Back to the presets", on_click=_forget, key="find.forget")
        return linked, None
    known = {name: p for name, p in presets().items() if isinstance(p.question, TicketSearch)}
    chosen = _preset(known)
    found = known[chosen].question
    assert isinstance(found, TicketSearch)
    return found, chosen


def card(search: TicketSearch, preset: str | None, start: TicketSearch) -> None:
    """The question in words, its price, and what to do with it."""
    search = remembered(search)
    st.subheader("Your question", anchor=False)
    st.markdown(literal(in_words(search)))
    ready = not isinstance(search.data, OwnImages) or bool(search.data.fingerprint)
    if ready:
        answer(search, "find", not_asked=lambda: _ask(search), done=lambda: _done(look_up(search)),
               partial=lambda: frame.link("runs/jobs.py", "Watch it on the Jobs page", "list_alt"))
    else:
        _ask(search)
    with st.expander("Share, save, command line", icon=":material/ios_share:"):
        _share(search, preset, start)


def submit_again(search: TicketSearch) -> None:
    """A button that puts a search (back) on the queue; what is stored is not computed again."""
    st.button("Finish it", icon=":material/play_arrow:", key=f"again.{search.key}",
              disabled=not lab.lab().store.writable, on_click=lambda: act(lambda: lab.submit(search)))


def _ask(search: TicketSearch) -> None:
    price.epochs(search)
    if isinstance(search.data, OwnImages) and not search.data.fingerprint:
        price.unmeasured(lambda: with_fingerprint(search))
    else:
        price.measured(search)

    def start() -> None:
        lab.submit(with_fingerprint(search))
    if st.button("Start", type="primary", icon=":material/play_arrow:", key="find.start", width="stretch",
                 disabled=not lab.lab().store.writable) and act(start):
        st.switch_page(frame.ROOT / "pages" / "runs" / "jobs.py")


def _done(state: Searching) -> None:
    st.caption("This question is answered already:")
    verdict(state)
    frame.link("explore/ticket.py", "Explore the answer", "query_stats", search=state.search.key)


def _share(search: TicketSearch, preset: str | None, start: TicketSearch) -> None:
    text = share.to_text(search)
    if len(text) < share.LONGEST_LINK:
        st.caption("Link to this form as it is")
        st.code(f"{st.context.url or ''}?spec={text}", language=None, wrap_lines=True)
    st.caption("The same on the command line")
    st.code(share.command(search, preset, start if preset else None), language="bash", wrap_lines=True)
    st.download_button("Save as JSON", json.dumps(search.to_dict(), indent=2), f"{search.key}.json",
                       "application/json", on_click="ignore", icon=":material/download:", key="find.json")
    try:
        file = upload("Open a saved question", ["json"], "find.file", max_upload_size=1)
        opened = share.from_json(file.getvalue()) if file is not None else search
    except BadInput as error:
        st.error(literal(error), icon=":material/error:")
        return
    if opened != search:
        st.query_params.from_dict({"spec": share.to_text(opened)})
        st.rerun()


def _forget() -> None:
    del st.query_params["spec"]


def _preset(known: dict[str, Preset]) -> str:
    """Pick a preset; the address says which, and follows."""
    names = list(known)
    asked = st.query_params.get("preset")
    if asked in names and st.session_state.get("find.seen") != asked:
        st.session_state["find.preset"] = asked
    name = st.selectbox("Begin with", names, format_func=lambda n: known[n].title, key="find.preset",
                        persist_state="session")
    st.session_state["find.seen"] = st.query_params["preset"] = name
    st.caption(known[name].reason)
    if known[name].fails:
        st.warning(known[name].fails, icon=":material/trending_down:")
    return name

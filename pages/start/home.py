"""Start: one question, one button, and a winning ticket found live."""

import secrets

import streamlit as st

from lth_engine.specs.presets import question_for_preset
from pages.ui import frame, lab
from pages.ui.answer import act
from pages.ui.invitation import invitation
from pages.ui.picker import not_held
from pages.ui.prose import prose
from pages.ui.searching import known_searches, search_of

st.title("Which few weights does a network really need?")

preset = question_for_preset("first-ticket")
asked = st.query_params.get("search")
search = search_of(asked) if asked else None
if asked and search is None:
    not_held([asked])
if search is None:
    st.markdown(prose("what_is_a_ticket"))


def begin() -> None:
    """Ask the first-ticket question with a seed that nobody has used, so that all is computed now."""
    fresh = preset.replace(seed=secrets.randbelow(1_000_000))
    if act(lambda: lab.submit(fresh)):
        st.query_params["search"] = fresh.key


with st.container(horizontal=True, vertical_alignment="center"):
    st.button("Find a winning ticket in 60 seconds", type="primary", icon=":material/confirmation_number:",
              on_click=begin, disabled=not lab.lab().store.writable, key="begin")
    known = [s for s in known_searches().values() if s.replace(seed=preset.seed) == preset]
    if known and search is None:
        frame.link("start/home.py", "Show the one found last", "visibility", search=known[0].key)
    if search is not None:
        with st.popover("What is a ticket?", icon=":material/help:", key="what"):
            st.markdown(prose("what_is_a_ticket"))
            st.markdown(prose("what_will_happen"))
    st.caption("Trains LeNet-300-100 on 1,797 handwritten digits, 93 times, on this machine. Nothing is prepared: "
               "each click draws new seeds.")

if search is not None:
    from pages.ui import first_ticket  # brings the figures: only now, so that all above is drawn before

    first_ticket.show(search)
else:
    invitation()

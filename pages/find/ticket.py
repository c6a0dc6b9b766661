"""Find > Ticket: ask your own question, see its price, start it."""

import streamlit as st

from pages.ui import start_question
from pages.ui.question import ticket_search

st.title("Find a ticket")
st.caption("Every setting comes with a reason; hover over the question marks. What is stored already is not computed "
           "again.")
start, preset = start_question.choose()
form, side = st.columns([5, 3], gap="large")
with form:
    search = ticket_search(start)
with side, st.container(border=True, key="ask"):
    if search is None:
        st.info("Correct what is marked in the form; then the price and the start button appear here.",
                icon=":material/edit:")
    else:
        start_question.card(search, preset, start)

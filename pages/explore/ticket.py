"""Explore > Ticket: one or many searches side by side, from every angle."""

import streamlit as st

from pages.ui import views
from pages.ui.picker import pick

st.title("Explore tickets")
chosen = pick()
if chosen:
    views.show(chosen)

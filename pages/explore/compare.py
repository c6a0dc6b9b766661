"""Explore > Compare searches: two or more searches, density by density and cost by cost, with a test."""

import streamlit as st

from pages.ui import compare
from pages.ui.picker import pick

st.title("Compare searches")
chosen = pick(least=2)
if chosen:
    compare.show(chosen)

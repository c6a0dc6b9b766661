"""Diagnose > Bounds: how much a ticket is guaranteed to generalise."""

import streamlit as st

from pages.ui import diagnose_bounds

st.title("How well is it sure to generalise?")
diagnose_bounds.show()

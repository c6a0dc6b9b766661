"""Diagnose > Sanity checks: whether a ticket needs what makes it this ticket."""

import streamlit as st

from pages.ui import diagnose_sanity

st.title("Does the ticket pass its sanity checks?")
diagnose_sanity.show()

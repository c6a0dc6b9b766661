"""Diagnose > Landscape: what the loss looks like around a network."""

import streamlit as st

from pages.ui import diagnose_landscape

st.title("What does the loss look like around a network?")
diagnose_landscape.show()

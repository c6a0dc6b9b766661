"""Diagnose > Curvature: how sharply the loss bends around a network."""

import streamlit as st

from pages.ui import diagnose_curvature

st.title("How sharply does the loss bend?")
diagnose_curvature.show()

"""Diagnose > Stability: from which point of training on the noise of SGD no longer matters."""

import streamlit as st

from pages.ui import diagnose_stability

st.title("From when on does the noise of training not matter?")
diagnose_stability.show()

"""Diagnose > Stability: from which point of training on the noise of SGD no longer matters."""

import streamlit as st

from pages.ui import diagnose_stability

st.title("When does the noise of training stop mattering?")
diagnose_stability.show()

"""Find > Search near initialization: learn which weights to keep before any of them is trained."""

import streamlit as st

from pages.ui import find_near

st.title("Can a ticket be found without training?")
find_near.show()

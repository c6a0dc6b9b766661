"""Transfer > Signs: what a ticket's mask, signs and normalisation are worth on other weights."""

import streamlit as st

from pages.ui import transfer_signs

st.title("What do the signs of a ticket carry?")
transfer_signs.show()

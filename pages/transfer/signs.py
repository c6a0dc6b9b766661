"""Transfer > Signs: what a ticket's mask, signs and normalisation are worth on other weights."""

import streamlit as st

from pages.ui import transfer_signs

st.title("What do the signs of a ticket carry?")
st.caption("A ticket is a mask and the weights under it. Here its mask, its signs and its normalisation are laid over "
           "the magnitudes of another, untrained network, each alone and together, and what comes out is trained.")
transfer_signs.show()

"""Diagnose > Bring a file: what a checkpoint from anywhere holds, read without running anything of it."""

import streamlit as st

from pages.ui import upload_page

st.title("What is in this checkpoint?")
upload_page.show()

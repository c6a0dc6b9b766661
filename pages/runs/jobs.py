"""Runs > Jobs: what is waiting, running, done or failed, the same in every tab."""

import streamlit as st

from pages.ui import job_board

st.title("Jobs")
st.caption("A job goes on when this page, or the server, is closed. What it finishes is in the store at once; a job "
           "that is stopped or killed goes on from there.")
job_board.board()

"""The web app: `streamlit run app.py` serves pages/ui/main.py on 127.0.0.1."""

from pathlib import Path

import streamlit as st

from pages.ui.server import lifespan, middleware, routes

app = st.App(Path(__file__).parent / "pages" / "ui" / "main.py", lifespan=lifespan, routes=routes(),
             middleware=middleware())

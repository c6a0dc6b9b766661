"""The line between two networks: error and loss along it, its barrier, and the four ways to measure it."""

from __future__ import annotations

import streamlit as st

from lth_engine.specs.comparing_networks import NetworkComparison
from lth_engine.specs.question import Question
from pages.ui import diagnosing

KIND = NetworkComparison


def show() -> None:
    """The tab."""
    diagnosing.show((NetworkComparison,), "weights", _draw)


def _draw(done: list[Question]) -> None:
    for question in done:
        st.write(dict(diagnosing.summary(question)))

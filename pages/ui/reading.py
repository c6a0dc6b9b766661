"""Reading stored answers: summaries and arrays."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from lth_engine.core.artifact import Array, Scalar
from lth_engine.specs.question import Question
from pages.ui.lab import lab


def summary(question: Question) -> Mapping[str, Scalar]:
    """The summary of a stored answer.

    Raises:
        KeyError: it is not stored (any more); the page says so.
    """
    return lab().store.rows([question.key])[question.key].summary


def arrays(question: Question, prefix: str = "") -> dict[str, Array]:
    """Arrays of a stored answer: those below `prefix`, cut off, or all by their whole paths."""
    return read_arrays(question.key, prefix)


@st.cache_data(max_entries=300, show_spinner=False)
def read_arrays(key: str, prefix: str) -> dict[str, Array]:
    """:func:`arrays` by key; a key stands for its content, so this never changes."""
    return lab().store.read(key, prefix)

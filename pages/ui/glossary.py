"""Words of a table or a figure that are explained one by one, in a row below it."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from pages.ui.explaining import text_of


def glossary(words: Mapping[str, str], key: str) -> None:
    """A pop-over a word.

    Args:
        words: word -> name of its text in assets/explained.
        key: prefix of the widgets' keys, unique on the page.
    """
    with st.container(horizontal=True, gap="small"):
        for word, name in words.items():
            with st.popover(word, icon=":material/help:", type="tertiary", key=f"{key}.{name}.word"):
                st.markdown(text_of(name))

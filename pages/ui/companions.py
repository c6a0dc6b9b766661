"""An answer that a page shows beside the chosen one: drawn if it is there, else the way to it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lth_engine.specs.question import Question
from pages.ui import lab
from pages.ui.answer import act, answer, state_of
from pages.ui.behind import cost_words
from pages.ui.unfinished import Partial


def there(question: Question, name: str, words: str, chosen: Sequence[str], partial: Partial | None = None) -> bool:
    """Whether the answer is stored; if not, its state is drawn: asked for by a button, running, failed.

    Args:
        question: what is shown beside the chosen answers.
        name: prefix of the widgets' keys.
        words: what it is, for the button's line.
        chosen: keys of the chosen answers, whose states the page has drawn already.
        partial: how to show what there is of it.
    """
    state = state_of(question)
    if state == "done":
        return True
    if question.key in chosen and state != "not asked":
        st.caption(f"{words}: being computed, see above.")
        return False
    key = f"{name}.{question.key}"

    def ask() -> None:
        st.button(f"Compute: {words}", key=f"{key}.beside", icon=":material/add:",
                  disabled=not lab.lab().store.writable, on_click=lambda: act(lambda: lab.submit(question)))
        st.caption(cost_words(question))
    with st.container(border=True):
        if state != "not asked":
            st.markdown(f"**{words}**")
        before = partial.seen(question) if partial is not None else None
        answer(question, key, not_asked=ask, done=lambda: None,
               partial=None if partial is None else lambda: partial.draw(question),
               more=None if partial is None else lambda: partial.seen(question) != before)
    return False


def chosen_keys(name: str) -> list[str]:
    """Keys of the answers that are chosen on a page."""
    return list(st.session_state.get(f"{name}.pick", []))

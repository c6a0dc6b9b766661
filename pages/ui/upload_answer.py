"""Waiting for what is under way behind the page, and drawing a later answer in its state."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.ui import upload_gate as gate
from pages.ui import upload_held
from pages.ui.upload_card import text
from pages.ui.upload_work import Task, soon
from pages.ui.words import counted, literal

EVERY = 0.5
"""Seconds from look to look while something is under way."""


@dataclass(frozen=True)
class Later:
    """A question about a file that is asked by a button, for its answer takes some seconds.

    Attributes:
        name: of the question (:mod:`lth_engine.diagnosis.entries`).
        title: the heading.
        caption: what the answer says, before it has been asked.
        button, icon: of the button.
        words: what is under way, once it has been asked.
    """

    name: str
    title: str
    caption: str
    button: str
    icon: str
    words: str


def later(brought: upload_held.Brought, question: Later) -> Task | None:
    """The heading, and the button where nothing has been asked; else what is under way or has come. None as well for
    a file without a clean copy, of which nothing is drawn."""
    if brought.clean is None:
        return None
    st.subheader(question.title, anchor=False)
    if question.name not in brought.asked:
        st.caption(question.caption)
        st.button(question.button, icon=question.icon, key=f"upload.{question.name}.ask", on_click=upload_held.ask,
                  args=(brought.asked, question.name, question.words,
                        functools.partial(gate.ask, question.name, [brought.clean], {})))
    return brought.asked.get(question.name)


def watch(waited: Sequence[Task]) -> None:
    """Draw the page anew once something that it waits for has come.

    Args:
        waited: what was under way before the page was drawn; what was begun since is known here.
    """
    tasks = list(dict.fromkeys([*waited, *upload_held.under_way()]))
    if tasks:
        if soon(tasks):
            st.rerun()
        _look(tasks, _come(tasks))


@st.fragment(run_every=EVERY)
def _look(tasks: list[Task], drawn: int) -> None:
    if any(task.done for task in tasks) or _come(tasks) > drawn:
        st.rerun()


def _come(tasks: list[Task]) -> int:
    """Parts of answers that have come."""
    return sum(len(task.heard("layer")) for task in tasks)


def answered(task: Task | None) -> Mapping[str, Any] | None:
    """The answer of a later question; None after saying how it stands if there is none."""
    if task is None:
        return None
    if not task.done:
        before = task.before()
        line = f", after {counted(before, 'other')}" if before else ""
        st.caption(f":material/hourglass_top: {task.words}{line} ...")
        return None
    answer: Mapping[str, Any] = task.future.result()
    if text(answer, "status") in ("refused", "unreadable"):
        st.warning(literal(text(answer, "reason") or "It could not be computed."), icon=":material/info:")
        return None
    return answer

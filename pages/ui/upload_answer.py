"""Waiting for what is under way behind the page, and drawing a later answer in its state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from pages.ui import upload_held
from pages.ui.upload_card import text
from pages.ui.upload_work import Task, soon
from pages.ui.words import counted, literal

EVERY = 0.5
"""Seconds from look to look while something is under way."""


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

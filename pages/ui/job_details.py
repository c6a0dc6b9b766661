"""One job up close: what it has found so far, the training in progress, its log, its question."""

from __future__ import annotations

import json

import streamlit as st

from lth_engine.core.artifact import Array
from lth_engine.core.errors import LotteryError
from lth_engine.core.spec import Spec
from lth_engine.figures.curves import Trained, learning_curves
from lth_engine.figures.over_density import accuracy_over_density
from lth_engine.jobs.job import Job
from lth_engine.specs.questions import TicketSearch
from pages.ui.chart import chart
from pages.ui.lab import lab
from pages.ui.searching import Searching, look_up, run_keys
from pages.ui.words import literal

LOG_BYTES = 8000
"""How much of the end of a log is shown."""


def show(job: Job, question: Spec | None) -> None:
    """The details of a job."""
    if isinstance(question, TicketSearch):
        state = look_up(question)
        left, right = st.columns(2)
        with left:
            st.markdown("**Accuracy over density so far**")
            if state.levels:
                chart(accuracy_over_density([state.drawn(live=state.row is None)]), f"over-{job.id}",
                      "Accuracy over density of the levels that are finished", save=False)
            else:
                st.caption("Appears when the first level is finished in every replicate.")
        with right:
            _training(job, state)
    st.markdown("**Log**")
    st.code(tail(job), language=None, wrap_lines=True)
    st.markdown("**Question**")
    st.code(json.dumps(dict(job.spec), indent=2), language="json", height=240)


def tail(job: Job) -> str:
    """The end of a job's log."""
    path = lab().queue.log_path(job.id)
    try:
        with path.open("rb") as log:
            log.seek(0, 2)
            log.seek(max(0, log.tell() - LOG_BYTES))
            text = log.read().decode(errors="replace")
    except FileNotFoundError:
        return "No log yet."
    except OSError as error:
        return f"The log {path} cannot be read ({error.strerror})."
    return text.strip() or "The log is empty so far."


def _training(job: Job, state: Searching) -> None:
    title, history = _newest_history(state)
    st.markdown(f"**{literal(title)}**")
    if history is None or not len(history.get("epoch", [])):
        st.caption("A training of more than 20 seconds shows its curve here while it runs.")
        return
    chart(learning_curves([Trained("test accuracy", history)]), f"curve-{job.id}",
          "Test accuracy over epochs", save=False)


def _newest_history(state: Searching) -> tuple[str, dict[str, Array] | None]:
    """The history of the training in progress, else of the newest one that is finished."""
    store = lab().store
    missing = [(cell, key) for cell, key in run_keys(state.search).items() if cell not in state.runs]
    try:
        for (level, replicate, variant), key in missing[:4]:
            saved = store.checkpoint(key).peek("history")
            if saved is not None and saved[0]:
                return f"Training now: level {level}, replicate {replicate}, {variant.replace('_', ' ')}", saved[0]
        if state.runs:
            (level, replicate, variant), row = max(state.runs.items(), key=lambda item: item[1].created)
            words = f"Last finished: level {level}, replicate {replicate}, {variant.replace('_', ' ')}"
            return words, store.read(row.key, "history")
    except (LotteryError, KeyError) as error:
        return f"No curve: {error}", None
    return "Learning curve", None

"""The four states of an answer, drawn the same everywhere: not asked, running, failed, done."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from lth_engine.core.errors import LotteryError
from lth_engine.core.spec import Spec
from lth_engine.jobs.job import Job
from pages.ui import lab
from pages.ui.guard import guard, refused
from pages.ui.words import duration, literal, many

POLL_SECONDS = 1.0

COLOURS = {"queued": "gray", "running": "blue", "cancelling": "gray", "done": "green", "failed": "orange",
           "cancelled": "gray"}
ICONS = {"queued": "hourglass_empty", "running": "play_arrow", "cancelling": "pending", "done": "check",
         "failed": "warning", "cancelled": "block"}


def state_of(question: Spec) -> str:
    """"done", "running", "failed" (or cancelled) or "not asked"."""
    here = lab.lab()
    if here.store.has([question.key]):
        return "done"
    job = here.queue.find(question.key)
    if job is None or job.state == "done":
        return "not asked"
    return "running" if job.live else "failed"


def answer(question: Spec, key: str, *, not_asked: Callable[[], None], done: Callable[[], None],
           partial: Callable[[], None] | None = None, more: Callable[[], bool] | None = None) -> None:
    """Draw the state that the question is in.

    Args:
        question: what is asked.
        key: prefix of the widgets' keys.
        not_asked: draws what to do to ask it.
        done: draws the answer.
        partial: draws what is there already, while it runs and after it failed.
        more: whether there is more to draw than `partial` drew; asked each second.
    """
    state = state_of(question)
    if state == "done":
        done()
        return
    job = lab.lab().queue.find(question.key)
    if state == "not asked" or job is None:
        not_asked()
        return
    if state == "running":
        watch(question, job.state, key, more)
    else:
        failed(job, key)
    if partial is not None:
        partial()


def watch(question: Spec, seen_state: str, key: str, more: Callable[[], bool] | None = None) -> None:
    """Show a live job's progress each second; the page is drawn again when its state changes or
    when `more` says that there is more to see."""
    @st.fragment(run_every=POLL_SECONDS)
    def poll() -> None:
        with guard():
            job = lab.lab().queue.find(question.key)
            if job is None or job.state != seen_state or (more is not None and more()):
                st.rerun()
            with st.container(horizontal=True, vertical_alignment="bottom"):
                progress(job)
                st.button("Cancel", key=f"{key}.cancel", icon=":material/stop:", disabled=job.state == "cancelling",
                          on_click=lambda: act(lambda: lab.lab().queue.cancel(job.id)))
            lab.wake()
    poll()


def progress(job: Job) -> None:
    """A progress bar with what is being done, the remaining time and the throughput."""
    st.progress(job.fraction, text=status(job))


def status(job: Job) -> str:
    """One line on a job: what it does, how far it is, how long it will take."""
    if job.state == "queued":
        return "Waiting for its turn ..."
    if job.state == "cancelling":
        return "Stopping; what is finished stays in the store ..."
    parts = [literal(job.progress.message) or "Starting"]
    if job.eta_seconds is not None:
        parts.append(f"about {duration(job.eta_seconds)} left")
    if job.progress.images_per_second:
        parts.append(many(job.progress.images_per_second, " images/s").replace("  ", " "))
    return " · ".join(parts)


def badge(state: str) -> None:
    """The state of a job as a badge: word, colour and icon."""
    st.badge(state, color=COLOURS[state], icon=f":material/{ICONS[state]}:")  # type: ignore[arg-type]


def act(change: Callable[[], object]) -> bool:
    """Do something that the store, the queue or the disk may refuse; the refusal is shown in its own words."""
    try:
        change()
    except (LotteryError, OSError) as error:
        refused(error)
        return False
    return True


def failed(job: Job, key: str) -> None:
    """Why a job failed or that it was cancelled, and the way to go on."""
    if job.state == "cancelled":
        st.info("Cancelled. What was finished is kept, and Resume goes on from there.",
                icon=":material/block:")
    else:
        st.warning(literal(job.error) or "It failed without a word; the log on the Jobs page may say more.",
                   icon=":material/warning:")

    def resume() -> None:
        lab.lab().queue.resume(job.id)
        lab.wake()
    if st.button("Resume", key=f"{key}.resume", icon=":material/replay:", type="primary") and act(resume):
        st.rerun()

"""The list of jobs: a card each; the progress of live ones is drawn again every second."""

from __future__ import annotations

import time

import streamlit as st

from lth_engine.core.errors import BadInput
from lth_engine.jobs.job import Job
from lth_engine.specs.question import Question
from lth_engine.specs.questions import question_from_dict
from pages.ui import frame, job_details, lab
from pages.ui.answer import POLL_SECONDS, act, badge, progress
from pages.ui.guard import guard
from pages.ui.where import in_one_line, open_answer
from pages.ui.words import duration, literal, when

SHOWN = 30
"""Jobs on the page before "Show all"."""
SCREENFUL = 100
"""Jobs on the page at a time with "Show all"."""
IDLE_SECONDS = 3.0
"""How often the page looks for jobs that were asked elsewhere while nothing runs."""
DETAIL_SECONDS = 5.0
"""How often the curves of a live job are drawn again."""


def board() -> None:
    """The list with its controls; live jobs are polled one by one, the list as a whole for changes."""
    if not lab.lab().queue.list(1):
        _empty()
        return
    options = st.container(horizontal=True)
    everything = options.toggle("Show all", key="jobs.all", help=f"Not only the newest {SHOWN}.")
    quick = options.toggle("Show quick jobs", key="jobs.quick", help="Prices and other answers that take seconds.")
    stamp, states = lab.lab().queue.change_stamp(), lab.lab().queue.states()  # before the cards: a later change counts
    jobs = [job for job in lab.lab().queue.list() if quick or not job.quick]
    jobs = jobs if everything else jobs[:SHOWN]
    st.markdown(_counts(jobs))
    for job in _some(jobs):
        _card(job)
    _watch(stamp, states, any(job.live for job in jobs))


def _some(jobs: list[Job]) -> list[Job]:
    """The jobs of the chosen screenful; nothing to choose while one holds them all."""
    if len(jobs) <= SCREENFUL:
        return jobs
    first = st.selectbox("Jobs, newest first", range(0, len(jobs), SCREENFUL), key="jobs.first", width=240,
                         format_func=lambda n: f"{n + 1:,} to {min(n + SCREENFUL, len(jobs)):,} of {len(jobs):,}")
    return jobs[first:first + SCREENFUL]


def _watch(stamp: int, states: dict[str, str], live: bool) -> None:
    """Draw the page again when a job came, went or changed its state, here or in another tab."""
    seen = [stamp]

    @st.fragment(run_every=2 * POLL_SECONDS if live else IDLE_SECONDS)
    def watch() -> None:
        with guard():
            now = lab.lab().queue.change_stamp()
            if now != seen[0]:
                seen[0] = now
                if lab.lab().queue.states() != states:
                    st.rerun()
            if live:
                lab.wake()
    watch()


def _counts(jobs: list[Job]) -> str:
    states = [job.state for job in jobs]
    words = [f"{states.count(state)} {state}" for state in dict.fromkeys(states)]
    return " · ".join(words) or "No long jobs."


def _card(job: Job) -> None:
    question = _question(job)
    with st.container(border=True, key=f"job-{job.id}"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            with st.container(horizontal=True, vertical_alignment="center", width="content"):
                badge(job.state)
                st.markdown(f"**{in_one_line(question) if question else literal(job.kind)}**")
            _buttons(job, question)
        if job.live:
            st.fragment(run_every=POLL_SECONDS)(_live)(job.id)
        else:
            if job.error:
                st.warning(literal(job.error), icon=":material/warning:")
            st.caption(_times(job))
        box = st.expander("Curves, log, question", key=f"details-{job.id}", on_change="rerun")
        if box.open:
            with box:
                st.fragment(run_every=DETAIL_SECONDS if job.live else None)(_details)(job.id)


def _live(id: str) -> None:
    """How far a live job is."""
    with guard():
        job = lab.lab().queue.get(id)
        progress(job)
        _metrics(job)
        st.caption(_times(job))


def _details(id: str) -> None:
    with guard():
        job = lab.lab().queue.get(id)
        job_details.show(job, _question(job))


def _question(job: Job) -> Question | None:
    try:
        return question_from_dict(dict(job.spec))
    except BadInput:
        return None


def _times(job: Job) -> str:
    parts = [f"job {job.id}", f"asked {when(job.submitted)}"]
    if job.started is not None:
        end = job.ended if job.ended is not None else time.time()
        parts.append(f"{'ran' if job.ended else 'running for'} {duration(end - job.started)}")
    if job.attempt > 1:
        parts.append(f"attempt {job.attempt}")
    return " · ".join(parts)


def _metrics(job: Job) -> None:
    """The newest numbers of the training in progress, in one line."""
    names = {"validation_accuracy": "validation accuracy", "test_accuracy": "test accuracy"}
    found = [f"{words} {100 * float(value):.1f} %" for name, words in names.items()
             if isinstance(value := job.progress.metrics.get(name), float)]
    if found:
        st.caption("This training so far: " + ", ".join(found))


def _buttons(job: Job, question: Question | None) -> None:
    queue, writable = lab.lab().queue, lab.lab().store.writable
    with st.container(horizontal=True, width="content", vertical_alignment="center"):
        if job.state in ("queued", "running"):
            with st.popover("Cancel", icon=":material/stop:", disabled=not writable, key=f"cancel-{job.id}"):
                st.markdown("What it has finished stays in the store, and Resume goes on from there.")
                st.button("Stop this job", key=f"stop-{job.id}", type="primary",
                          on_click=lambda: act(lambda: queue.cancel(job.id)))
        elif job.state in ("failed", "cancelled"):
            st.button("Resume", key=f"resume-{job.id}", icon=":material/replay:", disabled=not writable,
                      on_click=lambda: act(lambda: _resume(job)))
        elif job.state == "done":
            open_answer(question)
        if not job.live:
            st.button("", key=f"forget-{job.id}", icon=":material/close:", disabled=not writable, type="tertiary",
                      help="Take it off the list; results stay in the store.",
                      on_click=lambda: act(lambda: queue.forget(job.id)))


def _resume(job: Job) -> None:
    lab.lab().queue.resume(job.id)
    lab.wake()


def _empty() -> None:
    st.info("Nothing was asked yet.", icon=":material/inbox:")
    frame.link("start/home.py", "Find a winning ticket in 60 seconds", "confirmation_number")
    frame.link("find/ticket.py", "Ask your own question", "search")

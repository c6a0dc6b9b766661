"""Asking a question of one's own about stored networks: pick them, set the knobs, see the cost, start."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

import streamlit as st

from lth_engine.core.knob import Knob, knobs
from lth_engine.specs.question import Question
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.tickets import DenseTicket, Run
from pages.ui import lab, share
from pages.ui.answer import act, state_of
from pages.ui.behind import cost_words
from pages.ui.choosing import add_to_address
from pages.ui.fields import label
from pages.ui.form import Incomplete, about, build, part
from pages.ui.networks import Picked, pick_dense, pick_run, pick_search

Begin = Mapping[str, Any] | Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Values of knobs that a form begins with; or how they follow from the networks that were picked, by knob."""

Form = Callable[[str], "tuple[Question, dict[str, Picked]] | None"]
"""Prefix of the widgets' keys -> the question and what was picked for it; None while something is missing or wrong,
which has been said."""

_PICKED = (Run, TicketSearch, DenseTicket)
"""Kinds of knobs that are picked from the store; other parts of a question are asked knob by knob."""

_TITLES = {"of": "Network", "first": "First network", "second": "Second network", "start": "Network and training"}


def ask(kinds: Sequence[type[Question]], name: str, *, expanded: bool = False,
        begin: Begin | None = None, cost: Callable[[Question], str] = cost_words,
        form: Form | None = None) -> None:
    """The panel "Ask your own".

    Args:
        kinds: the questions that can be asked; of several, one is picked first.
        name: prefix of the widgets' keys; the same as that of :func:`pages.ui.choosing.choose`.
        expanded: open to begin with (where there is nothing else to see).
        begin: values of knobs to begin with, where not with their defaults; those that follow from what was picked
            replace what was set before whenever they change.
        cost: what the answer costs, in words.
        form: draws the form where it is not that of the question's own knobs.
    """
    with _panel(name, expanded=expanded) as draw:
        if not draw:
            return
        kind = kinds[0]
        if len(kinds) > 1:
            titles = {k.name: k for k in kinds}
            kind = titles[st.selectbox("Question", list(titles), format_func=lambda n: titles[n].title,
                                       key=f"{name}.kind", persist_state="session")]
        st.caption(about(kind))
        key = f"{name}.ask.{kind.name}"
        asked = _form(kind, key, begin or {}) if form is None else form(key)
        if asked is not None:
            _card(*asked, name, cost)


def command(question: Question, picked: Mapping[str, Picked]) -> str:
    """The question on the command line; networks by their addresses, those without one spelled out."""
    words = ["python", "-m", "lth_engine", "answer", "--question", question.name]
    for k in knobs(type(question)):
        base = k.default
        if k.name in picked and picked[k.name].address:
            base = picked[k.name].base
            words += [f"--{k.name}", picked[k.name].address]
        for path, text in share.flags(getattr(question, k.name), base, k.name):
            words += [f"--{path}", text]
    return shlex.join(words)


def _form(kind: type[Question], key: str, begin: Begin) -> tuple[Question, dict[str, Picked]] | None:
    """The networks and the knobs; None while something is missing or wrong, which has been said."""
    declared = knobs(kind)
    parts = [k for k in declared if k.type in _PICKED]
    picked = {}
    for place, k in enumerate(parts):
        found = _pick(k, f"{key}.{k.name}", place)
        if found is not None:
            picked[k.name] = found
    if callable(begin):
        begin = begin({name: one.spec for name, one in picked.items()})
        key = ".".join([key, *map(str, begin.values())])
    try:
        values = part(kind, begin, key, columns=3, only=tuple(k.name for k in declared if k not in parts))
        if len(picked) < len(parts):
            return None
        asked = build(kind, values | {k: found.spec for k, found in picked.items()})
    except Incomplete:
        return None
    return cast(Question, asked), picked


def _pick(knob: Knob, key: str, place: int) -> Picked | None:
    """The widgets for a knob that is a network, a search or a setting of training."""
    words = _TITLES.get(knob.name, label(knob))
    if knob.type is Run:
        return pick_run(words, key, replicate=place)
    if knob.type is TicketSearch:
        return pick_search("Search" if knob.name == "of" else words, key)
    if knob.type is DenseTicket:
        return pick_dense(words, key)
    raise TypeError(f"No widget picks a {knob.type.__name__}.")


def _card(question: Question, picked: Mapping[str, Picked], name: str, cost: Callable[[Question], str]) -> None:
    """The cost, the button, and the question as command line and file."""
    state = state_of(question)

    def start() -> None:
        if state == "done" or act(lambda: lab.submit(question)):
            add_to_address(question.key, name)
            st.session_state[f"{name}.panel"] = False  # what was asked is seen without scrolling
    with st.container(horizontal=True, vertical_alignment="center"):
        words, icon = {"done": ("Show the answer", "visibility"), "running": ("Watch it", "visibility")}.get(
            state, ("Start", "play_arrow"))
        st.button(words, type="primary", icon=f":material/{icon}:", key=f"{name}.start", on_click=start,
                  disabled=state != "done" and not lab.lab().store.writable)
        st.markdown("This question is answered already." if state == "done" else cost(question), width="stretch")
    with st.expander("Command line, JSON", icon=":material/ios_share:"):
        st.code(command(question, picked), language="bash", wrap_lines=True)
        st.download_button("Save as JSON", json.dumps(question.to_dict(), indent=2), f"{question.key}.json",
                           "application/json", on_click="ignore", icon=":material/download:", key=f"{name}.json")


@contextmanager
def _panel(name: str, *, expanded: bool) -> Iterator[bool]:
    """The expander; yields whether it is open, since a closed form costs a second."""
    place = st.expander("Ask your own", expanded=expanded, icon=":material/edit:", key=f"{name}.panel",
                        on_change="rerun")
    with place:
        yield bool(place.open)

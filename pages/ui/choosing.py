"""Choosing answers: a list that the address follows and that follows the address (?ask=KEY, repeated)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from lth_engine.core.spec import catalogue
from lth_engine.specs.question import Question
from pages.ui import lab
from pages.ui.asked import key_of, known_questions, question_of
from pages.ui.picker import not_held
from pages.ui.titles import title
from pages.ui.where import PAGES, open_answer, page_of
from pages.ui.words import literal

PARAMETER = "ask"

LISTED = 200
"""Answers in the list at once; of more, those that fit what is typed."""

MOST = 10
"""Answers that are shown together: as many as there are colours."""


def newest(known: Mapping[str, Question]) -> list[str]:
    """The key of the first of them."""
    return list(known)[:1]


def choose(kinds: Sequence[str], name: str, *, most: int = MOST, last: Callable[[], set[str]] = set,
           first: Callable[[Mapping[str, Question]], list[str]] = newest) -> list[Question]:
    """The chosen questions, newest first to begin with the newest; empty if there is none or none was chosen.

    Args:
        kinds: names of the questions of this page, or of its open tab; the address's keys of other kinds are left to
            other tabs.
        name: prefix of the widgets' keys, unique in the app.
        most: how many may be chosen.
        last: keys of answers that stand behind the others in the list, and are not shown unless they are chosen.
        first: of the known questions by key, newest first, the keys that are chosen to begin with.
    """
    lab.lay_examples()
    known, asked = _known(kinds)
    behind = last()
    known = {key: known[key] for key in sorted(known, key=lambda key: key in behind)}
    if not known:
        return []
    if len(asked) > most:
        st.info(f"The link names {len(asked)} answers; the first {most} are shown.", icon=":material/filter_list:")
    picked = f"{name}.pick"
    if asked and asked != st.session_state.get(f"{name}.seen"):
        st.session_state[picked] = asked[:most]
    elif picked not in st.session_state:
        st.session_state[picked] = asked[:most] or first(known)[:most]
    kept = [key for key in st.session_state[picked] if key in known]
    if kept != st.session_state[picked]:
        st.session_state[picked] = kept
    chosen: list[str] = st.multiselect(
        "Answers", _offered(known, kept, name), key=picked, max_selections=most, persist_state="session",
        format_func=lambda key: _title(known[key], kinds), placeholder="Choose one or more; type to filter",
        help="Answers in the store and questions on the queue, newest first. Choose several to see them together.")
    st.session_state[f"{name}.seen"] = chosen
    st.query_params[PARAMETER] = chosen
    if not chosen:
        st.info("Choose an answer above.", icon=":material/arrow_upward:")
    return [known[key] for key in chosen]


def add_to_address(key: str, name: str) -> None:
    """Put a question that was just asked in front of those that are chosen (in a callback, before the page runs)."""
    st.query_params[PARAMETER] = [key, *(k for k in st.session_state.get(f"{name}.pick", []) if k != key)]
    st.session_state.pop(f"{name}.seen", None)


def kind_in_address(kinds: Sequence[str]) -> str | None:
    """The kind of the first question that the address asks for, if it is one of these: which tab a link means."""
    lab.lay_examples()
    found = (question_of(key_of(text) or text) for text in _texts()[:MOST])
    return next((q.name for q in found if q is not None and q.name in kinds), None)


def _known(kinds: Sequence[str]) -> tuple[dict[str, Question], list[str]]:
    """Every known question of these kinds, and those of them that the address names; what is unknown or belongs to
    another page is said."""
    known, asked, missing, others = known_questions(kinds), [], [], []
    for text in _texts():
        question = known.get(text) or question_of(key_of(text) or text)
        if question is None:
            missing.append(text)
        elif question.name in kinds:
            known[question.key] = question
            asked.append(question.key)
        elif page_of(question) != PAGES.get(kinds[0]):
            others.append(question)
    if missing:
        not_held(missing)
    for question in others[:MOST]:
        _elsewhere(question)
    return known, list(dict.fromkeys(asked))


def _texts() -> list[str]:
    """What the address asks for: keys or their beginnings, each once."""
    return [text for text in dict.fromkeys(st.query_params.get_all(PARAMETER)) if text.strip()]


def _elsewhere(question: Question) -> None:
    """Say that an answer of the link is shown on another page, and lead there."""
    with st.container(horizontal=True, vertical_alignment="center"):
        kind = question.title or question.name.replace("_", " ")
        st.info(f"{literal(question.key[:6])} is an answer of another kind, {literal(kind)}, which this page does not "
                "show.", icon=":material/alt_route:")
        open_answer(question)


def _offered(known: dict[str, Question], chosen: Sequence[str], name: str) -> list[str]:
    """Keys for the list: all, or of very many the newest that fit what is typed, and those that are chosen."""
    if len(known) <= LISTED:
        return list(known)
    typed = st.text_input("Filter", key=f"{name}.filter", persist_state="session",
                          placeholder="Words of the title: network, images, level, seed, start of a key",
                          help=f"{len(known):,} answers are stored; the newest {LISTED} that have all of these words "
                               "are listed.")
    wanted = typed.lower().split()
    fitting = [key for key, question in known.items()
               if not wanted or all(word in title(question).lower() for word in wanted)]
    st.caption(f"{min(len(fitting), LISTED):,} of {len(known):,} answers are listed below, newest first.")
    return list(dict.fromkeys([*fitting[:LISTED], *chosen]))


def _title(question: Question, kinds: Sequence[str]) -> str:
    words = title(question)
    return words if len(kinds) == 1 else f"{catalogue('question')[question.name].title}: {words}"

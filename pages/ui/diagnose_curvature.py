"""The curvature page: everything that is known of the Hessian at a network, and networks side by side."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lth_engine.specs.curvature import AtNetwork, HessianEigenpairs, HessianTrace, PyhessianOpinion, SpectralDensity
from lth_engine.specs.question import Question
from pages.ui import diagnose_eigenvalues, diagnose_opinion, diagnose_side_by_side, diagnose_trace, diagnosing
from pages.ui.asked import known_questions
from pages.ui.guard import guard
from pages.ui.made import named
from pages.ui.places import by_place, place_words
from pages.ui.trained import warn_of_loss
from pages.ui.unfinished import Partial
from pages.ui.words import literal

KINDS = (HessianTrace, HessianEigenpairs, SpectralDensity, PyhessianOpinion)
NAME = "curvature"
MOST = 40
"""Answers that may be chosen together: three ways of training, two densities, three replicates, and some."""

PARTIALS: dict[str, Partial] = {
    HessianTrace.name: diagnose_trace.PARTIAL, HessianEigenpairs.name: diagnose_eigenvalues.PARTIAL_TOP,
    SpectralDensity.name: diagnose_eigenvalues.PARTIAL_DENSITY}


def show() -> None:
    """The page."""
    diagnosing.show(KINDS, NAME, _draw, partial=Partial(_draw_partial, _seen), most=MOST)


def _draw_partial(question: Question) -> None:
    if question.name in PARTIALS:
        PARTIALS[question.name].draw(question)


def _seen(question: Question) -> object:
    return PARTIALS[question.name].seen(question) if question.name in PARTIALS else None


def _draw(done: list[Question]) -> None:
    known = [*done, *known_questions([kind.name for kind in KINDS]).values()]
    places = by_place(done)
    names = _names(places)
    for questions, name in zip(places, names, strict=True):
        _warn(questions, name if len(places) > 1 else "This network")
    if len(places) > 1:
        diagnose_side_by_side.show(places, names)
        st.subheader("One network", anchor=False)
        most = max(range(len(places)), key=lambda place: len(places[place]))
        index = st.selectbox("Network", range(len(places)), index=most, format_func=names.__getitem__,
                             key=f"{NAME}.one", label_visibility="collapsed")
    else:
        index = 0
    _one(places[index], known)


def _warn(questions: Sequence[AtNetwork], name: str) -> None:
    """Say so if a network has diverged; the first answer that knows its loss tells."""
    for question in questions:
        said = diagnosing.summary(question)
        if "loss" in said:
            warn_of_loss(question.of, said, name)
            return


def _names(places: Sequence[Sequence[AtNetwork]]) -> list[str]:
    """A name for each place; "A: ..." where there are several."""
    firsts = [questions[0] for questions in places]
    return list(named(firsts).values())


def _one(questions: Sequence[AtNetwork], known: Sequence[Question]) -> None:
    """Everything about one place."""
    first = questions[0]
    st.caption(literal(f"The Hessian of the mean cross-entropy over {place_words(first)}."))
    for draw in (diagnose_trace.show, diagnose_eigenvalues.show_top, diagnose_eigenvalues.show_density,
                 diagnose_opinion.show):
        with guard():
            draw(first, known)

"""Chosen questions that are not answered yet: how far each is, what there is of it already, and the way to go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from lth_engine.core.artifact import Array, Scalar
from lth_engine.core.spec import Spec
from lth_engine.specs.question import Question
from pages.ui import lab
from pages.ui.answer import act, answer, state_of
from pages.ui.guard import guard
from pages.ui.titles import title
from pages.ui.words import literal

Saved = tuple[dict[str, Array], dict[str, Scalar]]


@dataclass(frozen=True)
class Partial:
    """What can be shown of an answer that is not finished.

    Attributes:
        draw: draws it; called while the question runs and after it was cancelled or failed.
        seen: something that changes when there is more to draw; asked each second, so it must be cheap.
    """

    draw: Callable[[Question], None]
    seen: Callable[[Question], object]


def finished(chosen: Sequence[Question], name: str, partial: Partial | None = None) -> list[Question]:
    """Draw the state of each question that is not answered; those that are.

    Args:
        chosen: the questions of the page.
        name: prefix of the widgets' keys.
        partial: how to show what there is of an answer that is not finished.
    """
    done = []
    for question in chosen:
        if state_of(question) == "done":
            done.append(question)
        else:
            _show(question, f"{name}.{question.key}", partial)
    return done


def from_checkpoint(prefix: str, draw: Callable[[Question, Saved], None]) -> Partial:
    """A partial answer that waits in the question's checkpoint: the arrays below `prefix` (cut off; all if "") and all
    scalars."""
    def show(question: Question) -> None:
        saved = peek(question, prefix)
        if saved is not None and saved[0]:
            draw(question, saved)

    def seen(question: Question) -> object:
        saved = peek(question, prefix)
        return None if saved is None else _mark(saved)
    return Partial(show, seen)


def from_inputs(inputs: Callable[[Question], Sequence[Spec]], draw: Callable[[Question], None]) -> Partial:
    """A partial answer that consists of those of its inputs that are stored already."""
    return Partial(draw, lambda question: len(lab.lab().store.has([q.key for q in inputs(question)])))


def peek(question: Question, prefix: str) -> Saved | None:
    """What the checkpoint of a question holds below a path, NaN where nothing was measured; None if there is none."""
    return lab.lab().store.checkpoint(question.key).peek(prefix)


def measured(values: Array) -> Array:
    """The rows of a checkpoint's curve that are measured."""
    return values[np.isfinite(values).reshape(len(values), -1).all(axis=1)]


def _mark(saved: Saved) -> str:
    """A text that changes with every save: scalars, and of each array its shape, how much of it is known and its end
    (as text, since NaN differs from itself)."""
    arrays, scalars = saved
    facts = [(name, a.shape, int(np.isfinite(a).sum()) if a.dtype.kind == "f" else 0, repr(a.ravel()[-1:].tolist()))
             for name, a in arrays.items()]
    return repr((sorted(scalars.items()), facts))


def _show(question: Question, key: str, partial: Partial | None) -> None:
    with st.container(border=True):
        st.markdown(f"**{question.title}**: {literal(title(question))}")
        before = partial.seen(question) if partial is not None else None

        def draw() -> None:
            if partial is not None:
                with guard():
                    partial.draw(question)

        def more() -> bool:
            return partial is not None and partial.seen(question) != before
        answer(question, key, not_asked=lambda: again(question, key), done=lambda: None, partial=draw, more=more)


def again(question: Question, key: str) -> None:
    """A button that puts a question on the queue."""
    st.button("Compute it", icon=":material/play_arrow:", key=f"{key}.again", disabled=not lab.lab().store.writable,
              on_click=lambda: act(lambda: lab.submit(question)))

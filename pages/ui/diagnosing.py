"""The frame of every page under Diagnose: choose answers, ask a new one, see each in its state, then the figures.

A page is a list of kinds and a function that draws finished answers:

    diagnosing.show((HessianTrace,), "trace", draw, partial=from_checkpoint("running", draw_partial))

- `choosing.choose` lists what is stored or queued and keeps the address (?ask=KEY) equal to the choice.
- `asking.ask` is the panel "Ask your own"; `behind.cost_words` says what it costs.
- `unfinished.finished` draws what is not answered (running, cancelled, failed, with what there is of it), returns the
  rest; `unfinished.from_checkpoint` and `from_inputs` make the partial answers.
- `titles` names questions, `explaining` shows numbers with error and explanation, `chart.chart` a figure.
- `reading.arrays` and `reading.summary` read an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import streamlit as st

from lth_engine.specs.question import Question
from pages.ui.asking import Begin, Form, ask
from pages.ui.behind import cost_words
from pages.ui.choosing import MOST, choose, kind_in_address, newest
from pages.ui.guard import guard
from pages.ui.reading import arrays, read_arrays, summary
from pages.ui.unfinished import Partial, finished

__all__ = ["arrays", "in_detail", "read_arrays", "show", "summary", "tabs"]

Asked = TypeVar("Asked", bound=Question)

Draw = Callable[[list[Question]], None]


def show(kinds: Sequence[type[Question]], name: str, draw: Draw, *, partial: Partial | None = None,
         most: int = MOST, begin: Begin | None = None,
         cost: Callable[[Question], str] = cost_words, last: Callable[[], set[str]] = set,
         first: Callable[[Mapping[str, Question]], list[str]] = newest, form: Form | None = None) -> None:
    """A page, or a tab of one.

    Args:
        kinds: its questions.
        name: prefix of the widgets' keys, unique in the app.
        draw: draws the finished ones of the chosen answers; called with at least one.
        partial: how to show what there is of an answer that is not finished.
        most: how many answers may be chosen together.
        begin: values of knobs that the ask form begins with, where not with their defaults (see `asking.ask`).
        cost: what an answer costs, in words.
        last: keys of answers that stand behind the others in the list.
        first: of the known questions by key, the keys that are chosen to begin with.
        form: draws the ask form where it is not that of the question's own knobs.
    """
    chosen = choose([kind.name for kind in kinds], name, most=most, last=last, first=first)
    nothing = not chosen and f"{name}.pick" not in st.session_state
    if nothing:
        st.info("Nothing of this kind has been asked yet. Ask it here of any network of a search; what is not trained "
                "yet is trained first.", icon=":material/inbox:")
    ask(kinds, name, expanded=nothing, begin=begin, cost=cost, form=form)
    done = finished(chosen, name, partial)
    if done:
        with guard():
            draw(done)


def in_detail(asked: Sequence[Asked], names: Mapping[str, str], name: str, label: str = "In detail") -> Asked:
    """The one of several answers that is drawn in detail, as the reader chooses.

    Args:
        asked: at least one; a single one needs no choice.
        names: label of each by key.
        name: prefix of the widget's key.
        label: of the choice.
    """
    if len(asked) == 1:
        return asked[0]
    keys = {q.key: q for q in asked}
    return keys[st.selectbox(label, list(keys), format_func=names.__getitem__, key=f"{name}.one")]


def tabs(names: Mapping[str, Sequence[str]]) -> list[Any]:
    """Tabs that the address names (?view=); a link with ?ask= alone opens the tab of that question.

    Args:
        names: title of each tab -> kinds of its questions.
    """
    kinds = [kind for of_tab in names.values() for kind in of_tab]
    meant = kind_in_address(kinds) if "view" not in st.query_params else None
    first = next((title for title, of_tab in names.items() if meant in of_tab), None)
    return list(st.tabs(list(names), key="view", on_change="rerun", bind="query-params", default=first))

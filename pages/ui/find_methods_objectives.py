"""What the objectives say of untrained tickets, method by method, over density."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
import streamlit as st

from lth_engine.core.artifact import Array, texts
from lth_engine.core.spec import catalogue
from lth_engine.core.summary import number
from lth_engine.figures.methods import OverDensity, over_densities
from lth_engine.specs.comparing_methods import ObjectiveValues
from lth_engine.specs.question import Question
from pages.ui import diagnosing
from pages.ui.chart import chart
from pages.ui.explaining import glossary
from pages.ui.find_methods import cost, styles
from pages.ui.titles import lettered
from pages.ui.unfinished import from_inputs

KIND = ObjectiveValues
NAME = "objectives"

_NATS = ("task_loss", "reverse_kl")
_HIGH_IS_GOOD = ("gradient_norm",)
"""Objectives that are minus a number: the number itself is drawn."""


def show() -> None:
    """The tab."""
    st.caption("The value of each objective for tickets as they are drawn, before any training, by density. An "
               "objective is worth searching for if methods whose tickets train well have good values of it.")
    diagnosing.show((ObjectiveValues,), NAME, _draw, cost=cost, partial=from_inputs(
        lambda q: list(cast(ObjectiveValues, q).tickets().values()), _so_far))


def _draw(done: list[Question]) -> None:
    asked = cast(list[ObjectiveValues], done)
    question = diagnosing.in_detail(asked, lettered(asked), NAME)
    table = diagnosing.arrays(question, "table")
    places = [cell for _ in question.objectives[::2] for cell in st.columns(2)]
    for place, objective in zip(places, question.objectives, strict=False):
        with place:
            _panel(question, objective, table)
    count = number(diagnosing.summary(question), "images")
    st.caption(f"Means over the replicates, on {count:,.0f} training images. Lower is better, except for the norm of "
               "the gradient; the dashed line is the dense network. Where a method is missing, its values are not "
               "finite, or 0 on a log scale: no path is left from input to output.")
    glossary({"Objectives": "search_objective", "Density": "density"}, NAME)


def _panel(question: ObjectiveValues, objective: str, table: Mapping[str, Array]) -> None:
    names, values = np.array(texts(table["method"])), table[objective].astype(float)
    if objective in _HIGH_IS_GOOD:
        values = -values
    look = styles(question.methods)
    drawn = [OverDensity(look[name], table["density"][names == name].astype(float), values[names == name])
             for name in question.methods]
    dense = values[names == "dense"]
    title = objective_title(objective)
    chart(over_densities(drawn, title, objective, {"dense network": float(np.mean(dense))} if len(dense) else {},
                         height=400), f"objective-{objective}", f"{title} of untrained tickets over density")


def objective_title(name: str) -> str:
    """An objective as axes have it, with its unit and which side is better."""
    if name in _HIGH_IS_GOOD:
        return "Norm of the gradient (high is good)"
    return catalogue("objective")[name].title + (" (nats)" if name in _NATS else "")


def _so_far(question: Question) -> None:
    asked = cast(ObjectiveValues, question)
    st.markdown(f"It needs **{len(asked.tickets())} tickets**; the values follow at once when they are drawn.")

"""Health on images: how a network does class by class, whether it is as sure as it should be, and how its input is
normalised."""

from __future__ import annotations

from typing import cast

import streamlit as st

from lth_engine.core.artifact import texts
from lth_engine.figures.health import class_accuracy, confusion, reliability
from lth_engine.specs.health import DataHealth
from lth_engine.specs.question import Question
from pages.ui import diagnosing
from pages.ui.chart import chart
from pages.ui.explaining import Number, between, numbers
from pages.ui.titles import title
from pages.ui.upload_card import Card, number, text
from pages.ui.words import literal, percent

CONFUSED = 40
"""Classes up to which it is drawn what is taken for what."""


def show() -> None:
    """The answers, and the form to ask."""
    diagnosing.show((DataHealth,), "health", _draw, most=1)


def _draw(asked: list[Question]) -> None:
    for question in asked:
        _one(cast(DataHealth, question), title(question))


def _one(question: DataHealth, words: str) -> None:
    said = diagnosing.summary(question)
    st.subheader(literal(words), anchor=False)
    numbers(list(_numbers(said)), "health.numbers")
    for name, icon in (("normalisation_text", "tune"), ("classes_text", "shuffle")):
        if text(said, name):
            st.info(literal(text(said, name)), icon=f":material/{icon}:")
    found = diagnosing.arrays(question)
    names = texts(found["class/name"])
    left, right = st.columns(2)
    with left:
        chart(class_accuracy(names, found["class/accuracy"], found["class/low"], found["class/high"],
                             found["class/count"], number(said, "accuracy") or 0.0), "accuracy-by-class",
              "Accuracy of each class, the worst first")
    with right:
        chart(reliability(found["reliability/confidence"], found["reliability/accuracy"], found["reliability/count"],
                          found["reliability/edges"]), "reliability", "How often it is right, over how sure it is")
    if len(names) <= CONFUSED:
        with st.expander("What is taken for what", icon=":material/grid_on:"):
            chart(confusion(names, found["confusion"]), "confusion", "Which class is answered for which")


def _numbers(said: Card) -> list[Number]:
    def value(name: str) -> float:
        return number(said, name) or 0.0
    by_chance = number(said, "ece_by_chance_high")
    return [
        Number("Accuracy", percent(value("accuracy")), "",
               between(100 * value("accuracy_low"), 100 * value("accuracy_high"), "%")),
        Number("Worst class", percent(value("worst_accuracy")), "", literal(text(said, "worst_class"))),
        Number("Calibration error", percent(value("ece")), "calibration_error",
               f"below {percent(by_chance)} by chance alone" if by_chance is not None else ""),
        Number("Images", f"{int(value('images')):,}", "", f"a guess is right {percent(value('chance'))} of the time"),
    ]

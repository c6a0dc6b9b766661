"""One classifier on the features of one frozen network, and several of them in a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from lth_engine.core.summary import number
from lth_engine.figures.curves import Trained, learning_curves
from lth_engine.specs.features import OnFeatures
from pages.ui import diagnosing
from pages.ui.chart import chart
from pages.ui.explaining import Number, numbers, with_error
from pages.ui.titles import lettered
from pages.ui.transfer_features_words import NORMS, length_words, trained_how
from pages.ui.words import literal


def draw(asked: Sequence[OnFeatures], name: str) -> None:
    """Each in a table if there are several, then one in detail.

    Args:
        asked: finished questions.
        name: prefix of the widgets' keys.
    """
    names = lettered(asked)
    if len(asked) > 1:
        said = [diagnosing.summary(q) for q in asked]
        columns = {"network": [names[q.key] for q in asked]} | {
            words: [100 * number(s, column) for s in said] for words, column in (
                ("test accuracy (%)", "test_accuracy"), ("training accuracy (%)", "train_accuracy"),
                ("scikit-learn (%)", "opinion_accuracy"))}
        st.dataframe(columns, hide_index=True, key=f"{name}.singles", height="content", column_config={
            column: st.column_config.NumberColumn(format="%.2f") for column in list(columns)[1:]})
    _one(diagnosing.in_detail(asked, names, f"{name}.single"), name)


def _one(question: OnFeatures, name: str) -> None:
    said = diagnosing.summary(question)
    accuracy, chance = number(said, "test_accuracy"), number(said, "chance")
    st.info(f"A linear classifier on these features is right about **{100 * accuracy:.1f} %** of "
            f"{number(said, 'test_images'):,.0f} test images; guessing is {100 * chance:.3g} %.",
            icon=":material/linear_scale:")
    dead, features = number(said, "dead_features"), number(said, "features")
    if dead == features:
        st.warning("**A dead network.** All of its features are the same for every image, so nothing can be read off "
                   "them. A layer may keep no weight: look at the layers of the ticket.", icon=":material/power_off:")
    shown = [
        Number("Test accuracy", with_error(100 * accuracy, unit="%"), "linear_probe",
               f"loss {number(said, 'test_loss'):.3g} nats"),
        Number("Training accuracy", with_error(100 * number(said, "train_accuracy"), unit="%"), "",
               f"{number(said, 'train_images'):,.0f} images"),
        Number("Features", f"{features:,.0f}", "linear_probe", "what enters the last linear layer"),
        Number("Dead features", f"{dead:,.0f}", "dead_features", "constant on all training images"),
        Number("Normalisation", NORMS[question.norm_statistics][0], "frozen_statistics",
               NORMS[question.norm_statistics][1]),
        Number("Classifier", length_words(question.head.length), "linear_probe", trained_how(question.head))]
    if "opinion_accuracy" in said:
        shown.insert(1, Number("Logistic regression", with_error(100 * number(said, "opinion_accuracy"), unit="%"),
                               "logistic_regression", literal(said.get("opinion_note") or "scikit-learn")))
    numbers(shown, f"{name}.single.numbers")
    history = diagnosing.arrays(question, "history")
    if len(history.get("epoch", np.empty(0))) > 2:
        chart(learning_curves([Trained("test accuracy", history)]), f"{name}-history",
              "Test accuracy of the classifier while it is trained")

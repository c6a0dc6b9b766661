"""Classifiers on the features of frozen networks: a panel of variants, several panels, single ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import streamlit as st

from lth_engine.core.artifact import Array, Scalar, texts
from lth_engine.core.summary import number
from lth_engine.figures.features import LOOKS, REWOUND, Panel, Row, by_panel, by_variant
from lth_engine.specs.features import VARIANTS, FeaturePanel, OnFeatures, ProbePanel, fitting
from lth_engine.specs.question import Question
from lth_engine.specs.questions import TicketSearch
from pages.ui import diagnosing, transfer_features_single
from pages.ui.chart import chart
from pages.ui.explaining import Number, numbers, with_error
from pages.ui.lab import lab
from pages.ui.titles import lettered
from pages.ui.transfer_features_words import (
    NORMS,
    difference,
    headline,
    length_words,
    mean_words,
    signed,
    trained_how,
)
from pages.ui.unfinished import Partial, from_inputs
from pages.ui.words import literal

EARLY = 0.05
"""How far scikit-learn's accuracy may lie above the classifier's before the page says that it stopped early."""


def draw(done: list[Question], name: str) -> None:
    """Panels first, then single networks.

    Args:
        done: finished questions.
        name: prefix of the widgets' keys.
    """
    panels = [q for q in done if isinstance(q, FeaturePanel)]
    singles = [q for q in done if isinstance(q, OnFeatures)]
    if panels:
        names = lettered(panels)
        if len(panels) > 1:
            st.subheader("Side by side", anchor=False)
            chart(by_panel([Panel(names[q.key], _rows(q)) for q in panels], _chance(panels[0])), f"{name}-together",
                  "Test accuracy of a linear classifier on the features, a colour an answer")
        _one(cast(FeaturePanel, diagnosing.in_detail(panels, names, name)), name)
    if singles:
        if panels:
            st.subheader("Single networks" if len(singles) > 1 else "A single network", anchor=False)
        transfer_features_single.draw(singles, name)


def _one(question: FeaturePanel, name: str) -> None:
    said, table, found = (diagnosing.summary(question), diagnosing.arrays(question, "table"),
                          diagnosing.arrays(question, "variant"))
    early = _stopped_early(question, table)
    _verdict(question, said, found, early)
    opinion = isinstance(question, ProbePanel)
    chart(by_variant(_rows(question), number(said, "chance")), name,
          "Test accuracy of a linear classifier on the features of each network")
    st.caption("Large points are means with 95 % intervals, small ones replicates; the dashed line is guessing."
               + " Hollow points are scikit-learn's logistic regression on the same features." * opinion)
    _table(question, found, table)
    head = question.head
    density = question.of.search.density(question.level)
    numbers([
        Number("Ticket", with_error(100 * density, unit="%"), "density", f"level {question.level} of the search"),
        Number("Features", f"{number(said, 'features'):,.0f}", "linear_probe", "what enters the last linear layer"),
        Number("Normalisation", NORMS[question.norm_statistics][0], "frozen_statistics",
               NORMS[question.norm_statistics][1]),
        Number("Classifier", length_words(head.length), "linear_probe", trained_how(head))], f"{name}.numbers")


def _verdict(question: FeaturePanel, said: Mapping[str, Scalar], found: Mapping[str, Array], early: bool) -> None:
    """The ticket against its baselines at the start, in a headline and the engine's sentence; classifiers that stopped
    early give no headline."""
    if early:
        st.info(literal(said.get("verdict_text") or ""), icon=":material/help:")
        return
    word = dict(zip(texts(found["name"]), texts(found["word"]), strict=True))
    kind, head, icon = headline(word, rewound=_rewound(question))
    getattr(st, kind)(f"**{head}**  \n{literal(said.get('verdict_text') or '')}", icon=f":material/{icon}:")


def _stopped_early(question: FeaturePanel, table: Mapping[str, Array]) -> bool:
    """Warn where scikit-learn reads far more off the features of a variant than the classifier; whether it does."""
    if "opinion_accuracy" not in table:
        return False
    variants = np.array(texts(table["variant"]))
    means = {name: [float(np.mean(table[column][variants == name])) for column in ("test_accuracy",
                                                                                   "opinion_accuracy")]
             for name in question.variants}
    early = next((name for name, (mean, other) in means.items() if other - mean > EARLY), None)
    if early is None:
        return False
    mean, other = means[early]
    length = length_words(question.head.length)
    st.warning(f"**The classifiers stopped early.** On the same features ({_labels(question)[early]}) logistic "
               f"regression reaches {100 * other:.1f} %, the classifiers {100 * mean:.1f} %: {length} of so few "
               "images are too few steps. Go by the hollow points, or ask again with a longer training (More "
               "settings).", icon=":material/timer:")
    return True


def _rewound(question: FeaturePanel) -> bool:
    """Whether training starts from a later rewind point than the initialisation."""
    return question.of.search.rewind.count > 0


def _labels(question: FeaturePanel) -> dict[str, str]:
    """What the variants are called."""
    return {name: look.label for name, look in (REWOUND if _rewound(question) else LOOKS).items()}


def _table(question: FeaturePanel, found: Mapping[str, Array], table: Mapping[str, Array]) -> None:
    """A row a variant."""
    names, variant = texts(found["name"]), np.array(texts(table["variant"]))
    columns = {
        "Features of": [_labels(question)[name] for name in names],
        "Test accuracy (%, ± half of the 95 % interval)": [
            mean_words(a, h) for a, h in zip(found["accuracy"], found["half_width"], strict=True)],
        "Minus the ticket (points, 90 % interval)": [
            difference(d, low, high) for d, low, high in zip(found["difference"], found["low"], found["high"],
                                                             strict=True)],
        "Than the ticket": [signed(word) for word in texts(found["word"])]}
    if "opinion_accuracy" in table:
        columns["scikit-learn (%)"] = [f"{100 * float(np.mean(table['opinion_accuracy'][variant == name])):.1f}"
                                       for name in names]
    st.table(columns, hide_index=True, border="horizontal")


def _rows(question: FeaturePanel) -> list[Row]:
    """What is stored of a finished panel."""
    table = diagnosing.arrays(question, "table")
    variant = np.array(texts(table["variant"]))
    return [Row(name, table["test_accuracy"][variant == name],
                table["opinion_accuracy"][variant == name] if "opinion_accuracy" in table else np.empty(0),
                _rewound(question))
            for name in question.variants]


def _chance(question: FeaturePanel) -> float:
    return number(diagnosing.summary(question), "chance")


def begin(picked: Mapping[str, Any]) -> dict[str, Any]:
    """The variants that a form begins with: those that can be asked of the search."""
    of = picked.get("of")
    allowed = fitting(of) if isinstance(of, TicketSearch) else tuple(VARIANTS)
    return {} if allowed == tuple(VARIANTS) else {"variants": allowed}


def _inputs(question: Question) -> Sequence[Question]:
    return list(question.asked().values()) if isinstance(question, FeaturePanel) else []


def _so_far(question: Question) -> None:
    """The classifiers of a panel that are trained."""
    if not isinstance(question, FeaturePanel):
        return
    asked = question.asked()
    found = {cell: said for cell, q in asked.items() if (said := lab().store.summary(q.key)) is not None}
    if found:
        rows = [Row(name, *(np.array([number(said, column) for (v, _), said in found.items() if v == name])
                            for column in ("test_accuracy", "opinion_accuracy")), _rewound(question))
                for name in question.variants]
        chart(by_variant([row for row in rows if len(row.values)], number(next(iter(found.values())), "chance")),
              f"features-{question.key[:6]}", "Test accuracy on the features, so far", save=False)
        st.caption(f"{len(found)} of {len(asked)} classifiers are trained.")


PARTIAL: Partial = from_inputs(_inputs, _so_far)
"""What there is of a panel that is not finished."""

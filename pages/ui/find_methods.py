"""What the tickets of several methods reach at one density, and what each costs from nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import streamlit as st

from lth_engine.core.artifact import Array, Scalar, texts
from lth_engine.core.summary import number
from lth_engine.figures.beside import Row, beside
from lth_engine.figures.look import GRAY, Look, nth
from lth_engine.figures.methods import Costs, OverDensity, accuracy_over_cost, over_densities
from lth_engine.specs.comparing_methods import MethodComparison, OfMethods
from lth_engine.specs.question import Question
from pages.ui import diagnosing
from pages.ui.behind import cost_words
from pages.ui.chart import chart
from pages.ui.compared_words import interval, signed
from pages.ui.explaining import glossary
from pages.ui.find_titles import at_density, method_title
from pages.ui.lab import lab
from pages.ui.titles import dense_words, lettered
from pages.ui.unfinished import from_inputs
from pages.ui.words import counted, literal, percent

KIND = MethodComparison
NAME = "methods"

ORDER = ("better", "equivalent", "undecided", "worse")
"""Words of the test in the order in which they are said."""

COSTS: dict[str, tuple[str, str]] = {"total_epochs": ("Total epochs", "Epochs, all in all"),
                                     "total_train_seconds": ("Seconds", "Seconds of training, all in all")}
"""Columns that stand for a cost: what it is called, and the title of its axis."""


def show() -> None:
    """The tab."""
    st.caption("Every method finds a ticket of the same network at the same density; all tickets are trained alike. "
               "Costs count everything from an untrained network on: search, rewind point, and the ticket's training.")
    diagnosing.show((MethodComparison,), NAME, _draw, cost=cost, begin=BEGIN,
                    partial=from_inputs(lambda q: list(cast(MethodComparison, q).runs().values()), _so_far))


BEGIN: dict[str, object] = {"level": 10}
"""What the form begins with: a density that takes minutes to compare on small images (10.7 % at a fifth a level)."""


def cost(question: Question) -> str:
    """The density and the reference, then what is to be computed."""
    asked = cast(OfMethods, question)
    many = f"{counted(len(asked.methods), 'method')}, {counted(asked.of.replicates, 'replicate')}"
    if not isinstance(asked, MethodComparison):
        return f"{many}. {cost_words(question)}"
    return (f"{many}, at {at_density(asked.of.search, asked.level)}; the reference is "
            f"**{method_title(asked.methods[0])}**. {cost_words(question)}")


def styles(names: Sequence[str]) -> dict[str, Look]:
    """The look of each method of an answer, in the order in which they were asked for; dense is grey."""
    found = {name: nth(index, method_title(name)) for index, name in enumerate(n for n in names if n != "dense")}
    return found | {"dense": Look(method_title("dense"), GRAY, "dash", "cross")}


def _draw(done: list[Question]) -> None:
    asked = cast(list[MethodComparison], done)
    names = lettered(asked)
    if len(asked) > 1:
        _over_density(asked)
        st.subheader("One density", anchor=False)
    _one(diagnosing.in_detail(asked, names, NAME))


def _one(question: MethodComparison) -> None:
    said, table, methods = (diagnosing.summary(question), diagnosing.arrays(question, "table"),
                            diagnosing.arrays(question, "method"))
    _verdict(question, said, methods)
    look = styles(question.methods)
    words = dict(zip(texts(methods["name"]), texts(methods["word"]), strict=True))
    lines = {"dense": 100 * number(said, "dense_accuracy"), "chance": 100 * number(said, "chance")}
    left, right = st.columns(2)
    with left:
        rows = [Row(look[name], _column(table, name, "test_accuracy") * 100,
                    signed(words.get(name, "")))
                for name in question.methods]
        chart(beside(rows, "Test accuracy (%)", lines), "methods-accuracy",
              f"Test accuracy by method at {percent(number(said, 'density'))} density")
    with right:
        column = str(st.segmented_control("Cost", list(COSTS), format_func=lambda c: COSTS[c][0], required=True,
                                          default="total_epochs", key="methods.cost", persist_state="session"))
        drawn = [Costs(look[name], _column(table, name, column), 100 * _column(table, name, "test_accuracy"))
                 for name in dict.fromkeys(texts(table["method"]))]
        chart(accuracy_over_cost(drawn, COSTS[column][1], column, lines), "methods-cost",
              f"Test accuracy over {COSTS[column][0].lower()} by method")
    st.caption(f"Chance is {lines['chance']:.3g} %. "
               "Large points are means with 95 % Student-t intervals, small ones replicates. The words are those of a "
               f"paired test against {method_title(question.methods[0])}: better, worse, equivalent within the margin "
               f"of {100 * question.of.margin:g} points, or undecided. Seconds were measured when and where each "
               "training was done; epochs compare across machines.")
    _table(question, methods)
    glossary({"Total cost": "method_cost", "Epochs of the paper": "published_epochs", "Density": "density"}, NAME)


def _verdict(question: MethodComparison, said: Mapping[str, Scalar], methods: Mapping[str, Array]) -> None:
    """Which method is best, and what the test says of those against the reference."""
    best, density = str(said.get("best", "")), number(said, "density")
    reference = question.methods[0]
    by_word: dict[str, list[str]] = {}
    for name, word in zip(texts(methods["name"]), texts(methods["word"]), strict=True):
        if name not in (reference, "dense"):
            by_word.setdefault(word, []).append(method_title(name))
    tests = "".join(f"  \n**{signed(word)}** than {literal(method_title(reference))}: {literal('; '.join(titles))}."
                    if word in ("better", "worse") else f"  \n**{signed(word)}**: {literal('; '.join(titles))}."
                    for word, titles in sorted(by_word.items(), key=lambda item: ORDER.index(item[0])))
    guessing = f"; guessing is {percent(number(said, 'chance'))}"
    st.info(f"**{literal(method_title(best))}** reaches the highest mean accuracy at {percent(density)} density: "
            f"**{100 * number(said, 'best_accuracy'):.2f} %** (dense network "
            f"{100 * number(said, 'dense_accuracy'):.2f} %{guessing}).{tests}", icon=":material/leaderboard:")
    if question.of.replicates < 3:
        st.caption(f"With {counted(question.of.replicates, 'replicate')} a test can hardly settle anything.")


def _table(question: MethodComparison, methods: Mapping[str, Array]) -> None:
    names, reference = texts(methods["name"]), question.methods[0]
    st.dataframe({
        "method": [method_title(name) for name in names],
        "accuracy (%)": [_with_half(a, h) for a, h in zip(methods["accuracy"], methods["half_width"], strict=True)],
        f"minus {method_title(reference)} (points, 90 %)": [
            "" if name == reference else interval(float(d), float(low), float(high)) for name, d, low, high in zip(
                names, methods["difference"], methods["low"], methods["high"], strict=True)],
        "verdict": [signed(word) for word in texts(methods["word"])],
        "density (%)": 100 * methods["density"], "total epochs": methods["epochs"],
        "epochs as the paper counts": methods["published_epochs"], "seconds": methods["seconds"],
    }, hide_index=True, key="methods.table", height="content", column_config={
        name: st.column_config.NumberColumn(format="%.4g") for name in (
            "density (%)", "total epochs", "epochs as the paper counts", "seconds")})


def _over_density(asked: Sequence[MethodComparison]) -> None:
    """The accuracy of each method over density, of several answers about one network."""
    kinds = {dense_words(q.of.dense(0)) for q in asked}
    if len(kinds) > 1:
        st.info(f"The answers are about different networks ({literal('; '.join(sorted(kinds)))}), so they are not "
                "drawn together.", icon=":material/filter_alt:")
        return
    tables = [diagnosing.arrays(q, "table") for q in asked]
    names = list(dict.fromkeys(name for q in asked for name in q.methods))
    look, drawn = styles(names), []
    for name in names:
        density = np.concatenate([_column(table, name, "density") for table in tables])
        value = np.concatenate([_column(table, name, "test_accuracy") for table in tables])
        drawn.append(OverDensity(look[name], density, 100 * value))
    dense = float(np.mean([number(diagnosing.summary(q), "dense_accuracy") for q in asked]))
    chart(over_densities(drawn, "Test accuracy (%)", "test_accuracy_percent", {"dense network": 100 * dense}),
          "methods-density", "Test accuracy over density by method")


def _so_far(question: Question) -> None:
    """The runs that are trained."""
    asked = cast(MethodComparison, question)
    runs = asked.runs()
    found = {cell: said for cell, run in runs.items() if (said := lab().store.summary(run.key)) is not None}
    if not found:
        return
    st.markdown(f"So far: **{len(found)} of {len(runs)}** networks are trained.")
    look = styles(asked.methods)
    rows = [Row(look[name], np.array([100 * number(said, "test_accuracy") for (of, _), said in found.items()
                                      if of == name])) for name in (*asked.methods, "dense")]
    chart(beside([row for row in rows if len(row.values)], "Test accuracy (%)", {}), f"methods-{question.key[:6]}",
          "Test accuracy of what is trained so far", save=False)


def _column(table: Mapping[str, Array], method: str, column: str) -> Array:
    """A column of a table for one method."""
    chosen = np.array([name == method for name in texts(table["method"])])
    return table[column][chosen].astype(float)


def _with_half(accuracy: float, half: float) -> str:
    return f"{100 * accuracy:.2f}" + (f" ± {100 * half:.2f}" if np.isfinite(half) else "")

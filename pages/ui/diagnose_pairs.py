"""The line between two networks: error and loss along it, its barrier, and the four ways to measure it."""

from __future__ import annotations

import math
from functools import partial
from typing import cast

import streamlit as st

from lth_engine.core.summary import number
from lth_engine.figures.line import along
from lth_engine.specs.connecting import Connectivity
from lth_engine.specs.question import Question
from pages.ui import diagnosing, four_ways, lines
from pages.ui.chart import chart
from pages.ui.explaining import Number, explained, numbers, with_error
from pages.ui.line_parts import parts_of_others
from pages.ui.titles import lettered
from pages.ui.unfinished import Saved, from_checkpoint

KIND = Connectivity

ALT = "{} along the straight line between two networks"


def show() -> None:
    """The tab."""
    diagnosing.show((Connectivity,), "pairs", _draw, partial=from_checkpoint("", _so_far),
                    last=parts_of_others)


def _draw(done: list[Question]) -> None:
    asked = cast(list[Connectivity], done)
    names = lettered(asked)
    found = [lines.line_of(q, names[q.key]) for q in asked]
    if len(asked) == 1:
        lines.verdict(diagnosing.summary(asked[0]), adaptive=asked[0].adaptive)
    lines.guessing({key: name.split(":")[0] for key, name in names.items()})
    measure, parts = lines.controls("pairs", parts=any("train_error" in line.values for line in found))
    chart(along(found, measure, parts), "connectivity-line", ALT.format(measure.capitalize()))
    several = "Solid: test images; dotted: training images. " if len(asked) > 1 and len(parts) > 1 else ""
    st.caption(several + "The bar is the barrier: from the mean of the two ends (dashed, if the line is alone) up to "
               "the highest point of the curve, with the 95 % bootstrap interval over the test images.")
    if len(asked) == 1:
        _numbers(asked[0])
    else:
        _table(asked, names)
    four_ways.show(asked, names)


def _numbers(question: Connectivity) -> None:
    said = diagnosing.summary(question)
    value = partial(number, said)
    shown = [Number("Barrier, test error", lines.points(value("barrier_test")), "barrier",
                    lines.interval(value("barrier_test_low"), value("barrier_test_high"),
                                   after=" points" + lines.OF_MEASURED * question.adaptive))]
    if "barrier_train" in said:
        shown.append(Number("Barrier, training error", lines.points(value("barrier_train")), "barrier"))
    shown.append(Number("Barrier, test loss", with_error(value("loss_barrier_test"), unit="nats"), "loss_barrier"))
    shown.append(Number("Test error of the ends", f"{100 * value('first_test_error'):.3g} and "
                        f"{100 * value('second_test_error'):.3g} %", "", lines.from_ends(said)))
    densities = value("density_first"), value("density_second")
    if min(densities) < 1:
        shown.append(Number("Overlap of the masks", with_error(100 * value("mask_overlap"), unit="%"), "mask_overlap",
                            f"densities {100 * densities[0]:.3g} % and {100 * densities[1]:.3g} %"))
    if "moved_units" in said:
        shown.append(Number("Units put in another place", f"{value('moved_units'):,.0f}", "weight_matching"))
    if "evaluations" in said and question.adaptive:
        shown.append(Number("Points measured", f"{value('evaluations'):,.0f} of {question.points:,}", "adaptive_line"))
    if math.isfinite(value("barrier_test_low")):
        explained("bootstrap_interval", "pairs", "How the interval is made")
    numbers(shown, "pairs.numbers", columns=len(shown))


def _table(asked: list[Connectivity], names: dict[str, str]) -> None:
    """The barriers of several lines, a row each."""
    rows = [(names[q.key], diagnosing.summary(q)) for q in asked]
    percent = {"barrier": "barrier_test", "from": "barrier_test_low", "to": "barrier_test_high",
               "barrier, training": "barrier_train"}
    columns = {words: [100 * number(said, name) for _, said in rows] for words, name in percent.items()}
    columns |= {"loss barrier": [number(said, "loss_barrier_test") for _, said in rows]}
    columns |= {words: [100 * number(said, f"{end}_test_error") for _, said in rows]
                for words, end in (("error, first", "first"), ("error, second", "second"))}
    st.dataframe({"line": [name for name, _ in rows]} | columns, hide_index=True, key="pairs.table", height="content",
                 column_config={name: st.column_config.NumberColumn(format="%.3g") for name in columns})
    st.caption("Barriers in points of the error with their 95 % interval, the loss barrier in nats, errors in per "
               "cent.")


def _so_far(question: Question, saved: Saved) -> None:
    line = lines.partial_line(cast(Connectivity, question), saved)
    if line is not None:
        chart(along([line]), f"line-{question.key[:6]}", ALT.format("Error") + ", so far", save=False)
        st.caption(f"{len(line.alpha)} of {cast(Connectivity, question).points} points are measured.")

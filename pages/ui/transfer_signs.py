"""What a ticket's mask, signs and normalisation carry onto other weights, and how many signs searches keep."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import streamlit as st

from lth_engine.core.artifact import Array, Scalar, texts
from lth_engine.core.connected import STABLE, connected
from lth_engine.core.summary import number
from lth_engine.figures.barriers import Barriers, dots
from lth_engine.figures.interval import student_t
from lth_engine.figures.sign_panel import Case, Panel, by_case, case_name, panel
from lth_engine.specs.imported import start_known
from lth_engine.specs.question import Question
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.signs import MASK_ALONE, SIGNED, Cell, SignPanel
from pages.ui import diagnosing, lines, sign_agreement
from pages.ui.behind import cost_words
from pages.ui.chart import chart
from pages.ui.explaining import Number, glossary, numbers, with_error
from pages.ui.lab import lab
from pages.ui.titles import lettered
from pages.ui.unfinished import from_inputs
from pages.ui.words import counted, literal, percent

_VERDICTS = {"better": ("success", "check_circle", "The signs carry it."),
             "worse": ("warning", "trending_down", "The signs do harm."),
             "equivalent": ("info", "drag_handle", "The signs make no difference."),
             "undecided": ("info", "help", "Undecided.")}
"""Word for the gain -> kind of box, icon, headline."""


_WORDS = {"connected": "Yes", "separated": "No", "undecided": "Undecided"}
"""Word for a barrier -> answer to the question whether it is low."""


def show() -> None:
    """The page."""
    diagnosing.show((SignPanel,), "signs", _draw, cost=_cost, begin=_begin,
                    partial=from_inputs(lambda q: tuple(cast(SignPanel, q).runs().values()), _so_far))
    st.divider()
    sign_agreement.show()


def _begin(picked: Mapping[str, Any]) -> dict[str, Any]:
    """The signs of its end for a ticket that was brought without its beginning."""
    of = picked.get("of")
    known = not isinstance(of, TicketSearch) or start_known(of.search, of.levels, of.replicates)
    return {} if known else {"source": "solution"}


def _draw(done: list[Question]) -> None:
    asked = cast(list[SignPanel], done)
    names = lettered(asked)
    if len(asked) > 1:
        _together(asked, names)
    _one(diagnosing.in_detail(asked, names, "signs"))


def _together(asked: list[SignPanel], names: Mapping[str, str]) -> None:
    """Several panels in one figure, and what the signs gain in each."""
    st.subheader("Tickets side by side", anchor=False)
    chart(by_case([Panel(names[q.key], _cases(q)) for q in asked]), "signs-together",
          "Test accuracy by what is the ticket's, a colour a ticket")
    said = [diagnosing.summary(q) for q in asked]
    columns = {"gain of the signs (points)": "gain", "90 % interval from": "gain_low", "to": "gain_high",
               "mask + signs (%)": "signed_accuracy", "mask alone (%)": "mask_accuracy",
               "ticket itself (%)": "ticket_accuracy", "dense (%)": "dense_accuracy"}
    st.dataframe({"ticket": [names[q.key] for q in asked], "verdict": [str(s["verdict"]) for s in said]}
                 | {words: [100 * number(s, name) for s in said] for words, name in columns.items()},
                 hide_index=True, height="content", key="signs.gains",
                 column_config={words: st.column_config.NumberColumn(format="%.2f") for words in columns})


def _one(question: SignPanel) -> None:
    said, cases = diagnosing.summary(question), _cases(question)
    kind, icon, head = _VERDICTS[str(said["verdict"])]
    getattr(st, kind)(f"**{head}**  \n{literal(said['verdict_text'])}", icon=f":material/{icon}:")
    left, right = st.columns(2)
    with left:
        chart(panel(cases), "sign-panel", "What is the ticket's (mask, signs, normalisation), and the test accuracy")
        st.caption("Accuracy on other weights ± half its 95 % interval, and the difference to the mask alone "
                   "(paired, tested at 5 %).")
        glossary({"What is a case?": "sign_cases"}, "signs.panel")
    with right:
        chart(by_case([Panel("", cases, {"dense network": number(said, "dense_accuracy"),
                                         "the ticket itself": number(said, "ticket_accuracy")})]),
              "signs-by-case", "Test accuracy by what is the ticket's, beside the dense network and the ticket itself")
        st.caption("Rows say what is the ticket's; everything else is drawn anew. Small marks are single trainings.")
    _numbers(question, said)
    if question.lines:
        _barriers(question)
    _table(question, cases)


def _numbers(question: SignPanel, said: Mapping[str, Scalar]) -> None:
    """The gain, the two cases that it is the difference of, and how sparse they are."""
    width = {case.cell: case.half_width for case in _cases(question)}

    def shown(name: str, cell: Cell | None = None) -> str:
        half = 100 * width[cell] if cell is not None else None
        return with_error(100 * number(said, f"{name}_accuracy"), half, "%")
    low, high = number(said, "gain_low"), number(said, "gain_high")
    interval = (f"90 % interval {100 * low:+.2f} to {100 * high:+.2f}" if math.isfinite(low)
                else "one replicate: no test")
    numbers([Number("Gain of the signs", f"{100 * number(said, 'gain'):+.2f} points", "sign_gain", interval),
             Number("Mask + signs", shown("signed", SIGNED), "signed_mask",
                    f"on other weights; ticket itself {shown('ticket')}, dense {shown('dense')}"),
             Number("Mask alone", shown("mask", MASK_ALONE), "sign_cases", "on other weights"),
             Number("Density", percent(number(said, "density")), "density", f"level {question.level}")],
            "signs.numbers")


def _barriers(question: SignPanel) -> None:
    """How far apart siblings of each case end, and how far from the ticket's own solution."""
    found = diagnosing.arrays(question, "table")
    cells = [cell for cell in question.cells() if cell[0]]
    st.subheader("Do they end in the same valley?", anchor=False)
    series = []
    for what, label in (("siblings", "between two siblings"), ("solution", "to the ticket's own solution")):
        rows = [found[f"barrier_{what}"][_at(found, cell)] for cell in cells]
        mean = np.array([np.mean(row) for row in rows])
        spread = np.array([np.std(row, ddof=1) if len(row) > 1 else np.nan for row in rows])
        series.append(Barriers(label, [case_name(cell).replace(" + ", "<br>+ ") for cell in cells], mean,
                               mean - spread, mean + spread))
    for cell, words in ((SIGNED, "with mask and signs"), (MASK_ALONE, "with the mask alone")):
        st.markdown(_valley(words, *(found[f"barrier_{what}"][_at(found, cell)] for what in ("siblings", "solution"))))
    figure = dots(series, "", STABLE, "one standard deviation")
    figure.update_layout(height=420, legend={"y": -0.34})
    chart(figure, "signs-barriers",
          "Barrier of the test error between siblings and to the ticket's own solution, by what is the ticket's")
    st.caption("Means over the replicates, bars of one standard deviation. Siblings start from the same weights and "
               "see the images in different orders; below 2 points two networks count as connected, so training "
               "is stable to the noise of SGD.")
    glossary({"Barrier": "barrier", "Siblings": "siblings", "Connected": "connected"}, "signs.barriers")


def _valley(words: str, apart: Array, away: Array) -> str:
    """What the barriers of the replicates of a case say, by their 95% interval: so of two replicates or more.

    Args:
        words: the case.
        apart: barriers between siblings, fractions.
        away: barriers to the ticket's own solution.
    """
    said = []
    for what, values in (("between siblings", apart), ("to the ticket's own solution", away)):
        mean = student_t(values)
        height = f"{lines.points(mean.mean)} {what}{lines.interval(mean.lower, mean.upper, ', ')}"
        word = _WORDS[connected(mean.mean, mean.lower, mean.upper)] if mean.n > 1 else "one replicate tells nothing"
        said.append(f"**{word}** ({height})")
    return (f"Training **{words}**: is it stable to the order of the images? {said[0]}. Does it end in the "
            f"same valley as the ticket's own solution? {said[1]}.")


def _table(question: SignPanel, cases: Sequence[Case]) -> None:
    with st.expander("Every case and every training as a table"):
        percents = {"test accuracy (%)": [c.accuracy for c in cases], "± half its 95 % interval": [
            c.half_width for c in cases], "difference to the mask alone (points)": [c.difference for c in cases],
            "90 % interval from": [c.low for c in cases], "to": [c.high for c in cases]}
        found = diagnosing.arrays(question, "cell")
        percents |= {f"barrier, {what} (points)": found[f"barrier_{what}"].tolist()
                     for what in ("siblings", "solution") if f"barrier_{what}" in found}
        st.dataframe({"the ticket's": [c.name for c in cases], "verdict": [c.word for c in cases]}
                     | {name: [100 * v for v in values] for name, values in percents.items()},
                     hide_index=True, height="content", key="signs.cases",
                     column_config={name: st.column_config.NumberColumn(format="%.2f") for name in percents})
        table = diagnosing.arrays(question, "table")
        st.dataframe({name: texts(column) if column.dtype.kind == "S" else column for name, column in table.items()},
                     hide_index=True, key="signs.trainings",
                     column_config={"test_accuracy": st.column_config.NumberColumn("test accuracy", format="percent")})


def _cases(question: SignPanel) -> list[Case]:
    """The cases of a stored answer."""
    found, table = diagnosing.arrays(question, "cell"), diagnosing.arrays(question, "table")
    words = texts(found["word"])
    held = (found[name].astype(bool).tolist() for name in ("mask", "signs", "norms"))
    cells: list[Cell] = list(zip(*held, strict=True))
    return [Case(cell, table["test_accuracy"][_at(table, cell)].tolist(), *(float(found[name][i]) for name in (
        "accuracy", "half_width", "difference", "low", "high")), word=words[i]) for i, cell in enumerate(cells)]


def _at(table: Mapping[str, Array], cell: Cell) -> Array:
    """The rows of a case."""
    return np.all([table[name].astype(bool) == held
                   for name, held in zip(("mask", "signs", "norms"), cell, strict=True)], axis=0)


def _so_far(question: Question) -> None:
    """The trainings that are stored, while others run."""
    asked = cast(SignPanel, question)
    runs = asked.runs()
    rows = lab().store.rows([run.key for run in runs.values()])
    cases = []
    for cell in asked.cells():
        values = [number(rows[run.key].summary, "test_accuracy") for (of, _), run in runs.items()
                  if of == cell and run.key in rows]
        if values:
            cases.append(Case(cell, values, float(np.mean(values))))
    if cases:
        chart(by_case([Panel("mean so far", cases)]), f"signs-{question.key[:6]}", "Test accuracy by what is the "
              "ticket's, so far", save=False)
        done = sum(len(case.values) for case in cases)
        st.caption(f"{done} of {counted(len(runs), 'training')} {'is' if done == 1 else 'are'} done"
                   + ("; the lines between the networks follow." if done == len(runs) and asked.lines else "."))


def _cost(question: Question) -> str:
    """What of the ticket is asked about, and what that costs."""
    asked = cast(SignPanel, question)
    density = percent(asked.of.search.density(asked.level))
    return (f"{counted(len(asked.cells()), 'case')} of the ticket with **{density}** of the weights, "
            f"{counted(asked.of.replicates, 'replicate')} each. {cost_words(question)}")

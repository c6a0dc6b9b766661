"""Few images: the ticket trained on small parts of the images, beside its baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import streamlit as st

from lth_engine.core.artifact import Array, Scalar, texts
from lth_engine.core.summary import number
from lth_engine.figures.features import TRAINED
from lth_engine.figures.few_images import Series, over_percent
from lth_engine.specs.features import FewShot
from lth_engine.specs.question import Question
from pages.ui import diagnosing
from pages.ui.chart import chart
from pages.ui.explaining import Number, numbers, with_error
from pages.ui.lab import lab
from pages.ui.titles import lettered
from pages.ui.transfer_features_words import difference, mean_words, signed
from pages.ui.unfinished import from_inputs
from pages.ui.words import literal

KINDS = (FewShot,)

VARIANTS = ("ticket", "shuffled_mask", "dense")

_THAN = {"shuffled_mask": "shuffled", "dense": "dense"}


def show() -> None:
    """The tab."""
    st.caption("The ticket was found with all images; here it is trained on a class-balanced part of them, as are its "
               "mask shuffled in each layer and the dense network.")
    diagnosing.show(KINDS, "few", _draw, partial=from_inputs(lambda q: cast(FewShot, q).inputs(), _so_far))


def _draw(done: list[Question]) -> None:
    asked = cast(list[FewShot], done)
    _one(diagnosing.in_detail(asked, lettered(asked), "few"))


def _one(question: FewShot) -> None:
    said, table, rows = (diagnosing.summary(question), diagnosing.arrays(question, "table"),
                         diagnosing.arrays(question, "row"))
    _verdict(said, rows)
    chart(over_percent(_series(table), number(said, "chance")), "few",
          "Test accuracy over the share of the training images")
    st.caption("Lines are means with 95 % intervals, small points single trainings; the dashed line is guessing.")
    _table(table, rows)
    equal = "as many epochs as with all images" if question.equal == "epochs" else "about as many steps"
    numbers([Number("Density of the ticket", with_error(100 * number(said, "density"), unit="%"), "density"),
             Number("Guessing", with_error(100 * number(said, "chance"), unit="%")),
             Number("Training", "equal " + question.equal, "few_images", equal),
             Number("Batch", f"{question.training(question.percents[0], 0).batch_size:,} images", "",
                    "in a step, at every size")], "few.numbers")


def _verdict(said: Mapping[str, Scalar], rows: Mapping[str, Array]) -> None:
    """How often the ticket is above both of its baselines, and the engine's sentence."""
    words: dict[int, list[str]] = {}
    for percent, word in zip(rows["percent"].tolist(), texts(rows["word"]), strict=True):
        words.setdefault(int(percent), []).extend([word] if word else [])
    above = [percent for percent, of_size in words.items() if all(word == "better" for word in of_size)]
    below = [percent for percent, of_size in words.items() if "worse" in of_size]
    text = literal(said.get("verdict_text") or "")
    if len(above) == len(words):
        st.success(f"**The ticket learns more from few images.** It is above both baselines at every size.  \n{text}",
                   icon=":material/check_circle:")
    elif above:
        st.info(f"**Above both baselines at {_listed(above)}**, not told apart or below elsewhere.  \n{text}",
                icon=":material/help:")
    elif below:
        st.warning(f"**The ticket learns no more from few images.** It is below a baseline at {_listed(below)}.  \n"
                   f"{text}", icon=":material/remove_circle:")
    else:
        st.info(f"**Not told apart.** At no size is the ticket above both baselines.  \n{text}",
                icon=":material/help:")


def _listed(percents: Sequence[int]) -> str:
    return ", ".join(f"{percent} %" for percent in sorted(percents)) + " of the images"


def _table(table: Mapping[str, Array], rows: Mapping[str, Array]) -> None:
    """A row a size."""
    images = dict(zip(table["percent"].tolist(), table["train_images"].tolist(), strict=True))
    variant = np.array(texts(rows["variant"]))
    of = {name: {key: column[variant == name] for key, column in rows.items()} for name in VARIANTS}
    accuracy = {f"{TRAINED[name].label} (%)": [mean_words(a, h) for a, h in zip(
        of[name]["accuracy"], of[name]["half_width"], strict=True)] for name in VARIANTS}
    against = {f"Ticket minus {_THAN[name]}": [
        f"{signed(word).partition(' ')[0]} {difference(*row)}" for word, *row in zip(
            texts(of[name]["word"]), of[name]["difference"], of[name]["low"], of[name]["high"], strict=True)]
        for name in VARIANTS[1:]}
    st.table({"Images": [f"{p} % ({images[p]:,})" for p in of["ticket"]["percent"].tolist()]} | accuracy | against,
             hide_index=True, border="horizontal")
    st.caption("± is half of a 95 % interval over replicates. Differences are in points, paired by replicate, with "
               "their 90 % interval: ▲ the ticket is better, ▼ worse, = within the margin, ? undecided.")


def _series(table: Mapping[str, Array]) -> list[Series]:
    variant = np.array(texts(table["variant"]))
    return [Series(name, table["percent"][variant == name], table["test_accuracy"][variant == name],
                   table["train_images"][variant == name]) for name in VARIANTS if (variant == name).any()]


def _so_far(question: Question) -> None:
    """The trainings that are done."""
    runs = cast(FewShot, question).runs()
    found = {cell: said for cell, run in runs.items() if (said := lab().store.summary(run.key)) is not None}
    if not found:
        return
    cells = [(name, [(int(p), number(said, "test_accuracy")) for (p, variant, _), said in found.items()
                     if variant == name]) for name in VARIANTS]
    series = [Series(name, np.array([p for p, _ in of]), np.array([a for _, a in of]), np.zeros(len(of), int))
              for name, of in cells if of]
    chart(over_percent(series, number(next(iter(found.values())), "chance")), f"few-{question.key[:6]}",
          "Test accuracy over the share of the training images, so far", save=False)
    st.caption(f"{len(found)} of {len(runs)} trainings are done.")

"""Two networks weight by weight: distance, shared weights against chance, signs, and units that are dead."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import cast

import streamlit as st

from lth_engine.core.artifact import Scalar, texts
from lth_engine.core.summary import number
from lth_engine.figures.overlap import by_layer, shared_weights
from lth_engine.specs.comparing_networks import NetworkComparison
from lth_engine.specs.question import Question
from pages.ui import diagnosing
from pages.ui.chart import chart
from pages.ui.explaining import Number, numbers, with_error
from pages.ui.titles import lettered

KIND = NetworkComparison

_LAYERS = {"signs_agree": "Signs", "distance": "Distance", "dead": "Dead units"}


def show() -> None:
    """The tab."""
    diagnosing.show((NetworkComparison,), "weights", _draw)


def _draw(done: list[Question]) -> None:
    asked = cast(list[NetworkComparison], done)
    names = lettered(asked)
    if len(asked) > 1:
        _table(asked, names)
    question = diagnosing.in_detail(asked, names, "weights")
    said = diagnosing.summary(question)
    _overlap_words(said)
    found = diagnosing.arrays(question, "layers")
    layers = texts(found["name"])
    left, right = st.columns(2)
    with left:
        chart(shared_weights(layers, found["size"], found["both"], found["expected"], found["low"], found["high"]),
              "shared-weights", "Weights that both networks keep, by layer, against chance")
        st.caption("A dot above the grey band: the two masks share more of the layer than two random masks of the "
                   "same densities would in 95 of 100 draws.")
    with right:
        drawn = st.segmented_control("By layer", list(_LAYERS), format_func=_LAYERS.__getitem__, required=True,
                                     default="signs_agree", key="weights.layer", persist_state="session")
        column = {"dead": "dead_first"}.get(str(drawn), str(drawn))
        series = ({"first network": found["dead_first"], "second network": found["dead_second"]} if drawn == "dead"
                  else {"first and second": found[column]})
        chart(by_layer(layers, series, column), f"layers-{drawn}", f"{_LAYERS[str(drawn)]} by layer")
    _numbers(said)


def _overlap_words(said: Mapping[str, Scalar]) -> None:
    both = number(said, "both")
    expected, low, high = (number(said, f"both_expected{end}") for end in ("", "_low", "_high"))
    words = f"Both keep **{both:,.0f}** weights; two random masks of the same densities would share {expected:,.0f} " \
            f"(95 %: {low:,.0f} to {high:,.0f})"
    if not math.isfinite(expected) or low == high == both:
        st.info(f"Both keep **{both:,.0f}** weights; at these densities no other number is possible.",
                icon=":material/info:")
    elif both > high:
        st.success(f"**More in common than chance.** {words}.", icon=":material/join_inner:")
    elif both < low:
        st.warning(f"**Less in common than chance.** {words}.", icon=":material/join_left:")
    else:
        st.info(f"**As much in common as chance.** {words}.", icon=":material/casino:")


def _numbers(said: Mapping[str, Scalar]) -> None:
    value = partial(number, said)

    def percent(name: str) -> str:
        return with_error(100 * value(name), unit="%")

    def both(name: str) -> str:
        return f"{100 * value(f'{name}_first'):.3g} and {100 * value(f'{name}_second'):.3g} %"
    numbers([
        Number("Distance", with_error(value("distance")), "distance",
               f"{with_error(value('distance_all'))} with all parameters"),
        Number("Equal signs", percent("signs_agree"), "signs_agree", f"by chance {percent('signs_by_chance')}"),
        Number("Overlap of the masks", percent("overlap"), "mask_overlap", "kept by both, of those kept by either"),
        Number("Densities", both("density"), "density"),
        Number("Effective densities", both("effective_density"), "effective_density",
               "without the weights of dead units"),
        Number("Dead units", f"{value('dead_units_first'):,.0f} and {value('dead_units_second'):,.0f}", "dead_units"),
    ], "weights.numbers", columns=3)


def _table(asked: list[NetworkComparison], names: dict[str, str]) -> None:
    """Several comparisons, a row each."""
    rows = [(names[q.key], diagnosing.summary(q)) for q in asked]
    columns = {"distance": [number(said, "distance") for _, said in rows]}
    columns |= {words: [100 * number(said, name) for _, said in rows] for words, name in
                (("equal signs (%)", "signs_agree"), ("by chance (%)", "signs_by_chance"), ("overlap (%)", "overlap"))}
    columns |= {words: [number(said, name) for _, said in rows] for words, name in
                (("kept by both", "both"), ("expected", "both_expected"), ("from", "both_expected_low"),
                 ("to", "both_expected_high"))}
    st.dataframe({"networks": [name for name, _ in rows]} | columns, hide_index=True, key="weights.table",
                 height="content",
                 column_config={name: st.column_config.NumberColumn(format="%.4g") for name in columns})

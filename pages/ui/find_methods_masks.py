"""What the masks of several methods have in common: densities of layers, overlap against chance, two side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import streamlit as st

from lth_engine.core.artifact import Array, texts
from lth_engine.figures.method_masks import layers_by_method, overlap_matrix
from lth_engine.specs.comparing_methods import MethodComparison
from lth_engine.specs.question import Question
from pages.ui import diagnosing
from pages.ui.chart import chart
from pages.ui.explaining import glossary
from pages.ui.find_methods import BEGIN, cost, styles
from pages.ui.find_titles import method_title
from pages.ui.lab import lab
from pages.ui.masks import frame, large, layers_of, mask_of, views
from pages.ui.titles import lettered
from pages.ui.words import literal

KIND = MethodComparison
NAME = "method_masks"

_VIEWS = {"input": "As the input sees it", "kernels": "Kernels", "matrix": "As a matrix"}


def show() -> None:
    """The tab."""
    st.caption("Methods that reach the same density can keep quite different weights: elsewhere in the network, or "
               "others in the same layer.")
    diagnosing.show((MethodComparison,), NAME, _draw, cost=cost, begin=BEGIN)


def _draw(done: list[Question]) -> None:
    asked = cast(list[MethodComparison], done)
    question = diagnosing.in_detail(asked, lettered(asked), NAME)
    layers = diagnosing.arrays(question, "layers")
    rows = texts(diagnosing.arrays(question, "method")["name"])
    kept = [place for place, name in enumerate(rows) if name != "dense"]      # the dense network keeps everything
    names = [rows[place] for place in kept]
    overlap = {name: values[kept] if values.ndim == 1 else values[np.ix_(kept, kept)]
               for name, values in diagnosing.arrays(question, "overlap").items()}
    look = styles(question.methods)
    st.subheader("Where the weights are kept", anchor=False)
    chart(layers_by_method(texts(layers["name"]), layers["size"], [look[name] for name in names],
                           layers["density"][kept]), "method-layers",
          "Density of each layer by method, over the size of the layer")
    st.caption("Means over the replicates; a layer that keeps no weight has no point. Grey bars: how much of the "
               "network the layer is.")
    if len(names) > 1:
        st.subheader("What two masks share", anchor=False)
        chart(overlap_matrix([look[name].label for name in names], overlap["both"], overlap["expected"],
                             overlap["low"], overlap["high"]), "method-overlap",
              "Weights that two methods both keep, as a multiple of chance")
        st.caption("How many times as many weights two masks share as random masks with the same densities in every "
                   "layer would; in brackets where chance alone explains it (95 %). Replicate 0.")
        _pair(question, names, overlap)
    glossary({"Overlap against chance": "overlap_by_chance", "Density": "density"}, NAME)


def _pair(question: MethodComparison, names: Sequence[str], overlap: Mapping[str, Array]) -> None:
    """Two methods side by side: what they share in numbers, and their masks of one layer."""
    st.subheader("Two masks side by side", anchor=False)
    cells = st.columns(4)
    begin = _most_alike(overlap)
    first = cells[0].selectbox("First", names, index=begin[0], format_func=method_title, key=f"{NAME}.first")
    second = cells[1].selectbox("Second", names, index=begin[1], format_func=method_title, key=f"{NAME}.second")
    a, b = names.index(first), names.index(second)
    _shared(first, second, {name: float(overlap[name][a, b]) for name in ("both", "expected", "low", "high")},
            (int(overlap["kept"][a]), int(overlap["kept"][b])))
    tickets = {name: question.run(name, 0).ticket.key for name in (first, second)}
    if not set(tickets.values()) <= lab().store.has(tickets.values()):
        st.info("The tickets themselves are not stored (any more), so their masks cannot be drawn.",
                icon=":material/inventory_2:")
        return
    shapes = layers_of(tickets[first])
    layer = cells[2].selectbox("Layer", list(shapes), key=f"{NAME}.layer",
                               format_func=lambda n: f"{n} ({' x '.join(map(str, shapes[n]))})")
    ways = views(shapes[layer], question.of.data.name, first=layer == next(iter(shapes)))
    way = cells[3].selectbox("View", ways, format_func=_VIEWS.__getitem__, key=f"{NAME}.view.{'-'.join(ways)}")
    for place, name in zip(st.columns(2), (first, second), strict=True):
        with place:
            words = frame(tickets[name], layer, way, question.of.data.name, question.level, 1.0)["caption"]
            st.image(large(mask_of(tickets[name], layer), way, question.of.data.name), width="stretch",
                     caption=f"{method_title(name)}, {words}")


def _most_alike(overlap: Mapping[str, Array]) -> tuple[int, int]:
    """The two methods that share the most, as a multiple of chance."""
    ratio = np.triu(overlap["both"] / np.maximum(overlap["expected"], 1.0), 1)
    first, second = np.unravel_index(int(np.argmax(ratio)), ratio.shape)
    return (int(first), int(second)) if first != second else (0, 1)


def _shared(first: str, second: str, found: Mapping[str, float], kept: tuple[int, int]) -> None:
    """What two masks share, in a sentence."""
    one, other = (literal(method_title(name)) for name in (first, second))
    both, expected = found["both"], found["expected"]
    words = (f"**{one}** keeps {kept[0]:,} weights, **{other}** {kept[1]:,}; both keep **{both:,.0f}**. By chance "
             f"they would share {expected:,.1f} (95 %: {found['low']:,.0f} to {found['high']:,.0f})")
    if first == second:
        st.info("Choose two different methods.", icon=":material/info:")
    elif both > found["high"]:
        st.success(f"**More than chance.** {words}.", icon=":material/join_inner:")
    elif both < found["low"]:
        st.warning(f"**Less than chance.** {words}.", icon=":material/join_left:")
    else:
        st.info(f"**As much as chance.** {words}.", icon=":material/casino:")

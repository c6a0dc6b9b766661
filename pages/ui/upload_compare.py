"""Two files side by side: how far apart, layer by layer, and whether one was trained on from the other."""

from __future__ import annotations

import functools

import streamlit as st

from lth_engine.figures.pair_layers import PairedLayer, pair_layers
from pages.ui import (
    upload_ask,
    upload_gate,
    upload_headline,
    upload_held,
    upload_line,
    upload_passport,
    upload_states,
)
from pages.ui.chart import chart
from pages.ui.explaining import Number, explained, numbers
from pages.ui.upload_answer import answered
from pages.ui.upload_card import Card, findings, number, part, parts, shape_words, status, text, texts, whole
from pages.ui.upload_findings import listed
from pages.ui.upload_held import Brought
from pages.ui.upload_work import begin
from pages.ui.words import literal, percent


def show(first: Brought) -> None:
    """Ask for the second file; once both are read, how they relate."""
    st.subheader("Compare it with another file", anchor=False)
    second = upload_held.brought("second")
    upload_ask.ask("second", expanded=False)
    if second is None:
        st.caption("Is one trained on from the other? Do they keep the same weights, with the same signs?")
        return
    if second.card is None:
        upload_states.reading("second", second)
    elif status(second.card) != "read":
        upload_states.not_read(second.card)
    else:
        upload_headline.show(second.card)
        if upload_passport.is_passport(second.card):
            upload_passport.show(second)
            return
        _relation(first, second)
        upload_line.show(first, second)


def _relation(first: Brought, second: Brought) -> None:
    if first.clean is None or second.clean is None:
        return
    if "upload.comparison" not in st.session_state:
        st.session_state["upload.comparison"] = begin("Comparing", functools.partial(
            upload_gate.ask, "compare", [first.clean, second.clean], {}))
    answer = answered(st.session_state["upload.comparison"])
    if answer is not None:
        _answer(answer)


def _answer(answer: Card) -> None:
    st.subheader(literal(text(part(answer, "kinship"), "text") or "They cannot be compared."), anchor=False)
    explained("compare_kinship", "upload.pair", "How is this told?")
    total = part(answer, "whole")
    numbers([n for n in (
        _share("Same sign", total, "sign_agreement", "sign_chance", "signs_agree"),
        _share("Kept by both", total, "overlap", "", "mask_overlap"),
        Number("Correlation", f"{number(total, 'cosine'):.3f}", "", "of all weights")
        if number(total, "cosine") is not None else None,
        Number("Distance", f"{number(total, 'distance'):.3g}", "distance", f"{_relative(total)}")
        if number(total, "distance") is not None else None,
    ) if n is not None], "upload.pair.numbers")
    listed([f for f in findings(answer) if text(f, "code") != "kinship"], "upload.pair")
    layers = parts(answer, "layers")
    if layers:
        chart(pair_layers([paired(layer) for layer in layers]), "two-files-layer-by-layer",
              "Signs and masks in common, layer by layer, beside chance")
        with st.expander("All layers as a table", icon=":material/table_rows:"):
            st.dataframe(table(layers), hide_index=True, key="upload.pair.table")
    _differences(answer)


def _share(label: str, total: Card, name: str, chance: str, explained: str) -> Number | None:
    value, by_chance = number(total, name), number(total, chance)
    if value is None:
        return None
    return Number(label, percent(value), explained, f"{percent(by_chance)} by chance" if by_chance is not None else "")


def _relative(total: Card) -> str:
    relative = number(total, "relative")
    return f"{percent(relative)} of the weights' norm" if relative is not None else ""


def paired(layer: Card) -> PairedLayer:
    """One layer of the answer, for the figure."""
    both, by_chance, overlap = number(layer, "both"), number(layer, "chance"), number(layer, "overlap")
    chance = None
    if both and overlap and by_chance is not None:
        kept = both / overlap + both  # of either + of both = of the one + of the other
        chance = by_chance / (kept - by_chance) if kept > by_chance else None
    return PairedLayer(text(layer, "name"), number(layer, "cosine"), number(layer, "sign_agreement"),
                       number(layer, "sign_chance"), overlap, chance)


def table(layers: list[Card]) -> dict[str, list[object]]:
    """One row a layer."""
    columns = {"Correlation": "cosine", "Distance": "distance", "Relative": "relative",
               "Same sign": "sign_agreement", "By chance": "sign_chance", "Density, first": "density_first",
               "Density, second": "density_second", "Kept by both": "overlap"}
    return {"Layer": [text(layer, "name") for layer in layers],
            "Weights": [whole(layer, "weights") for layer in layers],
            **{title: [number(layer, name) for layer in layers] for title, name in columns.items()}}


def _differences(answer: Card) -> None:
    """Names and shapes that only one of them has."""
    first, second = texts(answer, "only_first"), texts(answer, "only_second")
    shapes = answer.get("shapes")
    rows = [("only in the first", name, "") for name in first] + [("only in the second", "", name) for name in second]
    rows += [("other shape", f"{row[0]}: {shape_words(row[1])}", shape_words(row[2])) for row in shapes
             if isinstance(row, list) and len(row) == 3] if isinstance(shapes, list) else []
    if rows:
        with st.expander("What differs", icon=":material/difference:"):
            st.dataframe({"Difference": [r[0] for r in rows], "First": [r[1] for r in rows],
                          "Second": [r[2] for r in rows]}, hide_index=True, key="upload.pair.differences")

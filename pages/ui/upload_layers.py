"""Layer by layer: the density of each, and all weight tensors as a table."""

from __future__ import annotations

import streamlit as st

from lth_engine.figures.layer_bars import layer_bars
from pages.ui.chart import chart
from pages.ui.upload_card import Card, number, parts, shape_words, text, whole
from pages.ui.words import counted


def show(card: Card) -> None:
    """The figure and the table; nothing for a file without weight tensors."""
    layers = parts(card, "layers")
    if not layers:
        return
    st.subheader("Where is it thin?", anchor=False)
    pruned = [layer for layer in layers if layer.get("prunable") is True and number(layer, "density") is not None]
    if pruned:
        chart(layer_bars([text(layer, "name") for layer in pruned],
                         [number(layer, "density") or 0 for layer in pruned],
                         [whole(layer, "weights") or 0 for layer in pruned], number(card, "density")),
              "density-of-each-layer", "Density of each layer of the file")
    with st.expander(f"{counted(len(layers), 'weight tensor')} as a table", icon=":material/table_rows:"):
        st.dataframe(table(layers), hide_index=True, key="upload.layers", column_config={
            "Density": st.column_config.NumberColumn(format="percent"),
            "Weights": st.column_config.NumberColumn(format="localized"),
            "Kept": st.column_config.NumberColumn(format="localized"),
        })


def table(layers: list[Card]) -> dict[str, list[object]]:
    """One row a weight tensor, its name exactly as the file has it."""
    return {
        "Tensor": [text(layer, "name") for layer in layers],
        "Shape": [shape_words(layer.get("shape")) for layer in layers],
        "Weights": [whole(layer, "weights") for layer in layers],
        "Kept": [whole(layer, "kept") for layer in layers],
        "Density": [number(layer, "density") for layer in layers],
        "Counts as prunable": ["yes" if layer.get("prunable") is True else "no" for layer in layers],
    }

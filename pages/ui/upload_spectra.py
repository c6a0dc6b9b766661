"""The spectrum of each weight matrix: asked on request, drawn with the edge of noise and the heavy-tail fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from lth_engine.figures.weight_spectrum import PowerLaw, weight_spectrum
from pages.ui.chart import chart
from pages.ui.explaining import Number, numbers
from pages.ui.upload_answer import Later, answered, later
from pages.ui.upload_card import Card, number, numbers_of, part, parts, shape_words, text, whole
from pages.ui.upload_held import Brought
from pages.ui.words import counted, literal

QUESTION = Later(
    "spectra", "What do the spectra of its layers say?",
    "The eigenvalues of every weight matrix beside those of noise: how much structure each layer has, and whether "
    "their tail is heavy, as of well trained layers. Takes some seconds.",
    "Compute the spectra", ":material/ssid_chart:", "Computing the spectra")


def show(brought: Brought) -> None:
    """The button, or the answer, layer by layer as it comes."""
    task = later(brought, QUESTION)
    if task is None:
        return
    answer = answered(task)
    layers = parts(answer, "layers") if answer is not None else parts({"": task.heard("layer")}, "")
    if layers:
        _draw(layers)


def _draw(layers: list[Card]) -> None:
    heavy = [layer for layer in layers if _applies(layer)]
    names = ", ".join(f"{text(layer, 'name')} ({_exponent(part(layer, 'tail'))})" for layer in heavy[:6])
    st.markdown(f"**{len(heavy)} of {counted(len(layers), 'layer')}** "
                f"{'has' if len(heavy) == 1 else 'have'} a heavy tail"
                + (f", with its exponent: {literal(names)}{' ...' * (len(heavy) > 6)}" if heavy else "") + ".")
    with st.expander("All layers as a table", icon=":material/table_rows:"):
        st.dataframe(table(layers), hide_index=True, key="upload.spectra.table")
    places = list(range(len(layers)))
    chosen = st.selectbox("Layer", places, format_func=lambda i: text(layers[i], "name"), key="upload.spectra.layer",
                          index=next((i for i in places if _applies(layers[i])), 0))
    _one(layers[chosen])


def _one(layer: Card) -> None:
    bulk, tail = part(layer, "bulk"), part(layer, "tail")
    values, rows, columns = numbers_of(layer, "eigenvalues"), whole(layer, "rows"), whole(layer, "columns")
    st.markdown(literal(text(layer, "text")))
    if not (values and rows and columns):
        return
    fit = PowerLaw(number(tail, "alpha") or 2.0, number(tail, "lowest") or 1.0, whole(tail, "count") or 1)
    chart(weight_spectrum(values, rows, columns, number(bulk, "variance") or 0.0, number(bulk, "limit") or 1.0,
                          fit if _applies(layer) else None), "spectrum-of-a-layer",
          "Eigenvalues of the layer beside those of noise")
    numbers([
        Number("Spectral norm", f"{number(layer, 'spectral_norm') or 0:.3g}", "", "the largest singular value"),
        Number("Stable rank", f"{number(layer, 'stable_rank') or 0:.3g}", "", f"of at most {rows:,}"),
        Number("Beyond noise", f"{whole(bulk, 'spikes') or 0:,}", "spectrum_bulk",
               counted(rows, "eigenvalue") + " in all"),
        Number("Exponent", _exponent(tail), "spectrum_tail",
               "of the heavy tail" if _applies(layer) else "does not apply"),
    ], "upload.spectra.numbers")


def _exponent(tail: Mapping[str, Any]) -> str:
    alpha, error = number(tail, "alpha"), number(tail, "error")
    if tail.get("applies") is not True or alpha is None:
        return "none"
    return f"{alpha:.2f}" + (f" ± {error:.2f}" if error is not None else "")


def _applies(layer: Card) -> bool:
    return part(layer, "tail").get("applies") is True


def table(layers: list[Card]) -> dict[str, list[object]]:
    """One row a layer."""
    return {
        "Layer": [text(layer, "name") for layer in layers],
        "Shape": [shape_words(layer.get("shape")) for layer in layers],
        "Spectral norm": [number(layer, "spectral_norm") for layer in layers],
        "Stable rank": [number(layer, "stable_rank") for layer in layers],
        "Beyond noise": [whole(part(layer, "bulk"), "spikes") for layer in layers],
        "Exponent of the tail": [number(part(layer, "tail"), "alpha") if _applies(layer) else None
                                 for layer in layers],
        "Why none": [text(part(layer, "tail"), "reason") for layer in layers],
    }

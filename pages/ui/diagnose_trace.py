"""The trace of the Hessian at one network: of the kept weights and of all, how it was estimated, and by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from lth_engine.core.artifact import Scalar, texts
from lth_engine.core.summary import number
from lth_engine.figures.by_layer import LayerValues, largest, layer_values
from lth_engine.figures.estimate import Running, running_estimate
from lth_engine.specs.curvature import AtNetwork, HessianTrace
from lth_engine.specs.question import Question
from pages.ui import diagnosing
from pages.ui.answer import state_of
from pages.ui.chart import chart
from pages.ui.companions import chosen_keys, there
from pages.ui.explaining import Number, between, glossary, numbers, with_error
from pages.ui.places import MEANING, WEIGHTS, companion
from pages.ui.unfinished import Saved, from_checkpoint
from pages.ui.words import percent

NAME = "curvature"
TITLE = "Trace of the Hessian (nats)"
LAYERS = 16
"""Layers in the figure before "All layers"."""


def show(first: AtNetwork, known: Sequence[Question]) -> None:
    """Both traces side by side, their estimates over the products, and their layers."""
    st.subheader("Trace", anchor=False)
    glossary({"Kept or all": "kept_and_all", "Products": "products", "Probes": "probes",
              "Standard error": "standard_error"}, f"{NAME}.trace")
    held: list[tuple[str, HessianTrace]] = []
    same = _settings(first, known)
    for place, (weights, words) in zip(st.columns(2, border=False), WEIGHTS.items(), strict=True):
        question = companion(HessianTrace, first, weights, known, **same)
        with place:
            st.markdown(f"**{words}**")
            st.caption(MEANING[weights])
            if there(question, f"{NAME}.trace", f"trace, {words.lower()}", chosen_keys(NAME), PARTIAL):
                held.append((words, question))
                _numbers(question, f"{NAME}.{weights}")
    if held:
        left, right = st.columns([3, 2])
        with left:
            chart(running_estimate([_running(words, q) for words, q in held], TITLE), "trace-estimate",
                  "The estimate of the trace after so many products with the Hessian")
            st.caption("The band is one standard error on either side; the bar at the end is the 95 % interval.")
        with right:
            _layers(held)


def _settings(first: AtNetwork, known: Sequence[Question]) -> dict[str, Any]:
    """How a trace that is not there yet would be estimated: as the one that is."""
    for weights in WEIGHTS:
        found = companion(HessianTrace, first, weights, known)
        if state_of(found) != "not asked":
            return {"estimator": found.estimator, "error": found.error, "most_products": found.most_products}
    return {}


def trace_words(found: Mapping[str, Scalar]) -> str:
    """A trace with its error: "704 ± 35 nats"."""
    exact = bool(found.get("exact"))
    return with_error(number(found, "trace"), None if exact else number(found, "trace_stderr"), "nats")


def _numbers(question: HessianTrace, key: str) -> None:
    found = diagnosing.summary(question)
    exact = bool(found.get("exact"))
    note = "exact: every coordinate was measured" if exact else \
        between(number(found, "trace_low"), number(found, "trace_high"), "nats")
    numbers([Number("Trace ± standard error", trace_words(found), "hessian_trace", note)], key, 1)
    relative = number(found, "trace_stderr") / max(abs(number(found, "trace")), 1e-300)
    of_what = " (of a tenth of the Frobenius norm: positive and negative curvature cancel here)" * \
        bool(found.get("near_zero"))
    reached = "exact" if exact else f"standard error {percent(relative, 2)} of the trace, " + (
        f"target of {percent(question.error)}{of_what} reached" if found.get("reached") else
        f"**target of {percent(question.error)}{of_what} not reached** within {found['products']:,} products")
    st.caption(f"{found['products']:,} products with the Hessian ({question.estimator}), {reached}; {found['size']:,} "
               f"coordinates; loss {number(found, 'loss'):.4g} nats, gradient norm "
               f"{number(found, 'gradient_norm'):.3g}.")


def _running(words: str, question: HessianTrace) -> Running:
    found, running = diagnosing.summary(question), diagnosing.arrays(question, "running")
    ends = (number(found, "trace_low"), number(found, "trace_high"))
    return Running(words, running["products"].astype(float), running["trace"], running["stderr"],
                   ends if np.isfinite(ends).all() else None)


def _layers(held: Sequence[tuple[str, HessianTrace]]) -> None:
    networks = []
    for words, question in held:
        found = diagnosing.arrays(question, "layers")
        networks.append(LayerValues(words, texts(found["name"]), found["trace"], found["stderr"], found["size"]))
    names = list(dict.fromkeys(name for network in networks for name in network.names))
    everything = len(names) <= LAYERS or st.toggle(
        "All layers", key=f"{NAME}.layers", bind="query-params", help=f"Not only the {LAYERS} of the greatest trace.")
    chart(layer_values(networks, TITLE, names if everything else largest(networks, LAYERS)), "trace-by-layer",
          "The trace of each layer with its standard error")
    st.caption("The trace of the whole is the sum over the layers. " + " ".join(filter(None, (
        _layer_note(words, diagnosing.summary(question)) for words, question in held))))


def _layer_note(words: str, found: Mapping[str, Scalar]) -> str:
    """What the errors of a trace's layers rest on; "" if everything was measured."""
    if found.get("exact"):
        return ""
    return f"{words}: the errors of the layers rest on {found['probes']:,} probes alone (see Standard error)."


def _draw_partial(question: Question, saved: Saved) -> None:
    """The estimate as far as it is, with its error."""
    running = saved[0]
    if not {"products", "trace", "stderr"} <= set(running) or not len(running["products"]):
        return
    products, trace, stderr = running["products"], running["trace"], running["stderr"]
    st.markdown(f"So far: **{with_error(float(trace[-1]), float(stderr[-1]), 'nats')}** (± standard error) after "
                f"{int(products[-1]):,} products.")
    chart(running_estimate([Running("so far", products.astype(float), trace, stderr)], TITLE),
          f"trace-so-far-{question.key[:6]}", "The estimate of the trace so far", save=False)


PARTIAL = from_checkpoint("running", _draw_partial)

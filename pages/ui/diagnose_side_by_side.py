"""The curvature of several networks side by side: traces by how the networks were made, and their spectra."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lth_engine.figures.settings import Measured, by_setting
from lth_engine.figures.spectrum import eigenvalues, spectral_density
from lth_engine.specs.curvature import AtNetwork, HessianEigenpairs, HessianTrace, SpectralDensity
from pages.ui import diagnosing
from pages.ui.chart import chart
from pages.ui.diagnose_eigenvalues import density, outermost
from pages.ui.diagnose_trace import TITLE
from pages.ui.explaining import explained, with_error
from pages.ui.made import apart, density_words
from pages.ui.places import WEIGHTS, place_of
from pages.ui.titles import run_words

NAME = "curvature"
TOGETHER = 10
"""Spectra in one figure: as many as there are colours."""


def show(places: Sequence[Sequence[AtNetwork]], names: Sequence[str]) -> None:
    """What the chosen answers have in common, one figure a kind.

    Args:
        places: the chosen answers, those about one network together.
        names: what the networks are called.
    """
    st.subheader("Networks side by side", anchor=False)
    if len({place_of(questions[0])[1:] for questions in places}) > 1:
        st.warning("These answers differ in more than the network: in the images, the weights that may move, or the "
                   "statistics of normalisation. Their numbers do not compare.", icon=":material/warning:")
    _traces([q for questions in places for q in questions if isinstance(q, HessianTrace)])
    label = {place_of(questions[0]): name for questions, name in zip(places, names, strict=True)}
    every = [q for questions in places for q in questions]
    tops = [q for q in every if isinstance(q, HessianEigenpairs)][:TOGETHER]
    spectra = [q for q in every if isinstance(q, SpectralDensity)][:TOGETHER]
    if len(tops) > 1:
        chart(eigenvalues([outermost(label[place_of(q)], q) for q in tops]), "eigenvalues-compared",
              "The largest and the smallest eigenvalues of several networks")
    if len(spectra) > 1:
        chart(spectral_density([density(label[place_of(q)], q) for q in spectra]), "spectral-density-compared",
              "The spectral density of several networks")


def _traces(chosen: Sequence[HessianTrace]) -> None:
    """Traces with errors by the setting that the networks were made with, and as a table."""
    held = [weights for weights in WEIGHTS if any(q.weights == weights for q in chosen)]
    if len(chosen) < 2:
        return
    weights = held[0]
    if len(held) > 1:
        weights = st.segmented_control("Weights", held, format_func=WEIGHTS.__getitem__, default=held[0],
                                       required=True, key="weights", bind="query-params", width="content",
                                       help="Directions in which the network may move.")
    shown = [q for q in chosen if q.weights == weights]
    runs = [q.of for q in shown]
    made, densities = apart(runs), [density_words(run) for run in runs]
    named = any(made)
    points = []
    for question, how, kept in zip(shown, made, densities, strict=True):
        found = diagnosing.summary(question)
        points.append(Measured(how or "default" if named else kept, kept if named else "", run_words(question.of),
                               float(found["trace"] or 0), float(found["trace_stderr"] or 0)))
    chart(by_setting(points, TITLE), "trace-by-setting",
          f"The trace of the Hessian by how the networks were made, {WEIGHTS[weights].lower()}")
    st.caption("A small dot is one network with the standard error of its trace; a large one is the mean of the "
               "networks of a setting, from three on with its 95 % Student-t interval.")
    with st.expander("The numbers"):
        explained("hessian_trace", f"{NAME}.several")
        st.dataframe({
            "made with": [p.setting for p in points], "density": densities, "network": [p.label for p in points],
            "trace ± standard error (nats)": [with_error(p.value, p.stderr) for p in points],
            "products": [diagnosing.summary(q)["products"] for q in shown],
            "target reached": [bool(diagnosing.summary(q)["reached"]) for q in shown],
        }, hide_index=True, key=f"{NAME}.traces")

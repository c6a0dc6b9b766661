"""The eigenvalues of the Hessian at one network: the outermost ones, and the density of all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from lth_engine.core.artifact import Scalar
from lth_engine.core.summary import number
from lth_engine.figures.estimate import Running, running_estimate
from lth_engine.figures.spectrum import EIGENVALUE, Density, Outermost, eigenvalues, spectral_density
from lth_engine.specs.curvature import AtNetwork, HessianEigenpairs, SpectralDensity
from lth_engine.specs.question import Question
from pages.ui import diagnosing
from pages.ui.chart import chart
from pages.ui.companions import chosen_keys, there
from pages.ui.explaining import Number, between, explained, numbers, with_error
from pages.ui.places import WEIGHTS, companion
from pages.ui.unfinished import Saved, from_checkpoint
from pages.ui.words import percent

NAME = "curvature"
WANTED = 5
"""Largest eigenvalues that the page offers to compute."""


def show_top(first: AtNetwork, known: Sequence[Question]) -> None:
    """The largest eigenvalues with their residuals, and the smallest ones found."""
    st.subheader("Largest eigenvalues", anchor=False)
    question = companion(HessianEigenpairs, first, first.weights, known, count=WANTED)
    if not there(question, f"{NAME}.top", f"largest eigenvalues, {WEIGHTS[first.weights].lower()}", chosen_keys(NAME),
                 PARTIAL_TOP):
        return
    found = diagnosing.summary(question)
    left, right = st.columns([2, 3])
    with left:
        top, residual = (float(found[name] or 0) for name in ("top", "top_residual"))
        numbers([Number("Largest eigenvalue", with_error(top, None, "nats", 4), "top_eigenvalue",
                        f"residual {residual:.2g}: a true eigenvalue lies within it"),
                 _smallest(question)], f"{NAME}.top", 1)
        st.caption(f"{WEIGHTS[question.weights]}; {found['products']:,} products with the Hessian (Lanczos), " + (
            f"{_of_the_largest(question)} below {percent(question.tolerance)} of the largest eigenvalue. "
            if found.get("reached") else f"**target of {percent(question.tolerance)} not reached** within "
            f"{question.most_products:,} products. ") + _of_the_smallest(question))
    with right:
        chart(eigenvalues([outermost("eigenvalues", question)]), "eigenvalues",
              "The largest and the smallest eigenvalues of the Hessian with their residuals")


def _smallest(question: HessianEigenpairs) -> Number:
    """The smallest eigenvalue that the search came by, and whether it is below 0 for certain."""
    found = diagnosing.arrays(question, "bottom")
    value, residual = float(found["value"][0]), float(found["residual"][0])
    sign = "; below 0 for certain" if value + residual < 0 else "; not told apart from 0" if value <= residual else ""
    return Number("Smallest one found", with_error(value, None, "nats"), "residual",
                  f"residual {residual:.2g}{sign}; there may be smaller ones")


def _of_the_largest(question: HessianEigenpairs) -> str:
    count = len(diagnosing.arrays(question, "top")["value"])
    return "the residual of the largest is" if count == 1 else f"every residual of the {count} largest is"


def _of_the_smallest(question: HessianEigenpairs) -> str:
    """How far off the smallest eigenvalues may be: the target is not theirs."""
    residual = diagnosing.arrays(question, "bottom")["residual"]
    which = "smallest one" if len(residual) == 1 else f"{len(residual)} smallest"
    return f"The {which} came along without a target: residual up to {residual.max():.2g} nats, drawn as a bar."


def outermost(label: str, question: HessianEigenpairs) -> Outermost:
    """The eigenvalues of a stored answer, for the figure."""
    top, bottom = diagnosing.arrays(question, "top"), diagnosing.arrays(question, "bottom")
    return Outermost(label, top["value"], top["residual"], bottom["value"], bottom["residual"])


def show_density(first: AtNetwork, known: Sequence[Question]) -> None:
    """The spectral density with its error, and how much of it lies below 0."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader("Spectral density", anchor=False, width="content")
        explained("spectral_density", f"{NAME}.density")
    question = companion(SpectralDensity, first, first.weights, known)
    if not there(question, f"{NAME}.density", f"spectral density, {WEIGHTS[first.weights].lower()}", chosen_keys(NAME),
                 PARTIAL_DENSITY):
        return
    found = diagnosing.summary(question)
    value = {name: float(found.get(name) or 0) for name in (
        "trace", "trace_stderr", "lowest", "highest")}
    left, right = st.columns([2, 3])
    with left:
        numbers([
            _below_zero(found),
            Number("Range", f"{value['lowest']:.3g} to {value['highest']:.4g} nats", "top_eigenvalue",
                   "the outermost nodes, which lie within the spectrum"),
            Number("Trace from it", with_error(value["trace"], value["trace_stderr"], "nats"), "hessian_trace",
                   "± standard error; the sum over the density")], f"{NAME}.density", 1)
    with right:
        chart(spectral_density([density(WEIGHTS[question.weights], question)]), "spectral-density",
              "The density of the eigenvalues of the Hessian")
    st.caption(f"{WEIGHTS[question.weights]}; stochastic Lanczos quadrature with {question.vectors} random vectors of "
               f"{question.lanczos_steps} steps. The band is one standard error over the vectors; narrow peaks are "
               "drawn as wide as the smoothing.")


def _below_zero(found: Mapping[str, Scalar]) -> Number:
    """The share of the eigenvalues below 0 with its interval: its standard error alone would say too little."""
    share, low, high, zero = (100 * number(found, name) for name in (
        "share_negative", "share_negative_low", "share_negative_high", "share_near_zero"))
    return Number("Eigenvalues below 0", with_error(share, None, "%"), "share_negative",
                  f"{between(low, high, '%')}; {with_error(zero, None, '%')} are about 0")


def density(label: str, question: SpectralDensity) -> Density:
    """The density of a stored answer, for the figure."""
    found, summary = diagnosing.arrays(question, "density"), diagnosing.summary(question)
    share, low, high = (number(summary, f"share_negative{end}") for end in ("", "_low", "_high"))
    return Density(label, found["value"], found["density"], found["stderr"], (share, low, high))


def _draw_top(question: Question, saved: Saved) -> None:
    running = saved[0]
    if {"products", "top"} <= set(running) and len(running["products"]):
        products, top = running["products"].astype(float), running["top"]
        st.markdown(f"So far: **{float(top[-1]):.5g} nats** after {int(products[-1]):,} products; it can only grow.")
        chart(running_estimate([Running("largest so far", products, top, np.full(len(top), np.nan))], EIGENVALUE),
              f"top-so-far-{question.key[:6]}", "The largest eigenvalue found so far", save=False)


def _draw_density(question: Question, saved: Saved) -> None:
    found = saved[0]
    if {"value", "density", "stderr"} <= set(found):
        stderr = np.nan_to_num(found["stderr"])
        below = found["value"] < 0
        mass = np.trapezoid(found["density"] * below, found["value"])
        drawn = Density("so far", found["value"], found["density"], stderr, (float(mass), math.nan, math.nan))
        chart(spectral_density([drawn]), f"density-so-far-{question.key[:6]}",
              "The spectral density so far", save=False)


PARTIAL_TOP = from_checkpoint("running", _draw_top)
PARTIAL_DENSITY = from_checkpoint("density", _draw_density)

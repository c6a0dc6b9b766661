"""One PAC-Bayes bound: oracle beside certified, every term, its layers, and how the optimisation went."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import streamlit as st

from lth_engine.core.artifact import texts
from lth_engine.figures.bound import GAUSSIAN, MASK, optimisation, stacked_bounds, term_colour
from lth_engine.figures.by_layer import LayerParts, layer_parts
from lth_engine.specs.bounds import PacBayes
from lth_engine.specs.question import Question
from pages.ui import diagnosing
from pages.ui.bound_terms import PRIORS, SIDES, bound_words, confidence, guessing, said, terms, vacuous, value
from pages.ui.chart import chart
from pages.ui.explaining import Number, glossary, numbers, with_error
from pages.ui.unfinished import Saved
from pages.ui.words import literal, percent

NAME = "bounds"

EXPLAINED = {"Risk": "empirical_risk", "Monte-Carlo error": "monte_carlo_error", "KL": "kl",
             "Gaussian part": "kl_gaussian", "Mask": "kl_mask", "Delta": "delta", "Density": "density",
             "Vacuous": "vacuous"}
"""Terms of the table and their texts."""

DRIFT = 0.02
"""Share of the way of the KL in the last tenth of the epochs, above which the optimisation was not at rest: a fifth of
what a steady drift makes."""

WHAT = {"oracle": "The prior variance of each weight is the best one, which the data chose: what the paper reports, "
                  "and no certificate.",
        "certified": "One prior variance from a grid, every choice paid for: holds for new images with probability "
                     "1 - delta, and for networks drawn around the ticket, not for the ticket itself."}


def show(question: PacBayes, name: str) -> None:
    """The bound and all that it is made of."""
    st.markdown(f"**{literal(name)}** · {PRIORS[question.prior]}")
    for place, side in zip(st.columns(2), SIDES, strict=True):
        with place:
            _side(question, side)
    bars = [terms(question, side, words) for side, words in SIDES.items()]
    error = value(question, "test_error")
    errors = [error if math.isfinite(error) else None] * len(bars)
    chart(stacked_bounds(bars, errors, guessing(question)), "bound-terms",
          "The oracle and the certified bound, each with its terms")
    tighter = value(question, "certified_bound") < value(question, "oracle_bound")
    st.caption("The way from the risk to the bound is shared out among the terms in proportion to their nats." + (
        " The certified bound is the lower one here although it pays for more: it inverts kl(risk, bound) exactly, "
        "while the paper's formulas are looser." if tighter else ""))
    _terms(question)
    left, right = st.columns(2)
    with left:
        _layers(question)
    with right:
        _history(question)


def _side(question: PacBayes, side: str) -> None:
    """One of the two bounds with its word."""
    words = with_error(100 * value(question, f"{side}_bound"), None, "%")
    note = "vacuous: no better than guessing"
    if not vacuous(question, side):
        note = "no guarantee; to compare networks with" if side == "oracle" or said(question, "certified_why_not") \
            else "a network drawn around the ticket errs on new images at most this often (with probability " \
            f"{percent(1 - question.delta)})"
    numbers([Number(f"{SIDES[side]} bound on the error of drawn networks", words, f"bound_{side}", note)],
            f"{NAME}.{side}", 1)
    if side == "certified" and said(question, "certified_why_not"):
        why = said(question, "certified_why_not")
        st.warning(literal(f"No certificate: {why[0].lower()}{why[1:]}{'' if why.endswith('.') else '.'}"),
                   icon=":material/gpp_maybe:")
    st.caption(WHAT[side])


def _terms(question: PacBayes) -> None:
    """Every term of both bounds, as a table."""
    rows: dict[str, Sequence[str]] = {
        "Risk on the training images ± Monte-Carlo error": _both(question, "risk", 100, "%", error="risk_stderr"),
        "KL": _both(question, "kl", 1, "nats"),
        "of it, Gaussian part": _both(question, "kl_gaussian", 1, "nats"),
        "of it, mask": _both(question, "kl_mask", 1, "nats"),
        "Confidence, log(2 √n / δ)": [with_error(confidence(question, side), None, "nats") for side in SIDES],
        "Choice of the prior (union bound)": ("none paid", _certified(question, "grid_cost", "nats")),
        "Normalisation of the images": ("none paid", _certified(question, "input_cost", "nats")),
        "Finite number of draws": ("none paid", _certified(question, "sample_term", "points", 100)),
        "Prior standard deviation": ("one a weight", _certified(question, "prior_sigma", "")),
        "Bound": [bound_words(question, side) for side in SIDES]}
    shown = {name: pair for name, pair in rows.items() if pair[1] != "unknown"}
    with st.expander("Every term", expanded=True, icon=":material/receipt_long:"):
        sides = {words: [pair[index] for pair in shown.values()] for index, words in enumerate(SIDES.values())}
        st.table({"": list(shown)} | sides, hide_index=True, border="horizontal")
        st.caption(literal(
            f"n = {value(question, 'n'):,.0f} training images, delta = {question.delta:g}, "
            f"{value(question, 'perturbed'):,.0f} weights drawn, density {percent(value(question, 'density'))}. The "
            f"oracle bound is the lower of {with_error(100 * value(question, 'oracle_quad'), None, '%')} (quad) and "
            f"{with_error(100 * value(question, 'oracle_pinsker'), None, '%')} (Pinsker). Without noise the network "
            f"errs on {with_error(100 * value(question, 'train_error'), None, '%')} of the training and "
            f"{with_error(100 * value(question, 'test_error'), None, '%')} of the test images."))
        glossary(EXPLAINED, f"{NAME}.terms")


def _both(question: PacBayes, name: str, scale: float, unit: str, error: str = "") -> tuple[str, str]:
    found = [with_error(scale * value(question, f"{side}_{name}"),
                        scale * value(question, f"{side}_{error}") if error else None, unit) for side in SIDES]
    return found[0], found[1]


def _certified(question: PacBayes, name: str, unit: str, scale: float = 1.0) -> str:
    return with_error(scale * value(question, f"certified_{name}"), None, unit)


def _layers(question: PacBayes) -> None:
    """The KL of each layer, both bounds."""
    st.markdown("**KL by layer**")
    groups = []
    for group, words in zip(("layers", "certified_layers"), SIDES.values(), strict=True):
        found = diagnosing.arrays(question, group)
        groups.append(LayerParts(words, found["kl_gaussian"], found["kl_mask"]))
    found = diagnosing.arrays(question, "layers")
    weighs = np.flatnonzero(sum(np.abs(g.first) + np.abs(g.second) for g in groups) > 0)
    names = texts(found["name"])
    parts = [LayerParts(group.label, group.first[weighs], group.second[weighs]) for group in groups]
    colours = {term: term_colour(term) for term in (GAUSSIAN, MASK)}
    chart(layer_parts(parts, colours, [names[i] for i in weighs], found["size"][weighs], "KL (nats)"), "kl-by-layer",
          "The KL of each layer, oracle and certified")


def _history(question: PacBayes) -> None:
    st.markdown("**Optimisation of the variances**")
    found = diagnosing.arrays(question, "history")
    if len(found["epoch"]):
        chart(optimisation(found["epoch"], found["risk"], found["kl"], found["bound"]), "bound-history",
              "Bound, surrogate risk and KL over the epochs of the optimisation")
        st.caption("The surrogate risk is a bounded cross-entropy: it is what has a gradient.")
        _rest(question)
    else:
        st.caption("The variances were not optimised (0 epochs).")


def _rest(question: PacBayes) -> None:
    """Says so if the optimisation was not at rest when it ended."""
    late, fall = value(question, "search_late_share"), value(question, "search_fall")
    if late > DRIFT:
        how = f"came down by {percent(fall)} in all" if fall > 0 else "has not come down"
        st.info(f"**Still moving at the end.** The last tenth of the epochs made {percent(late)} of the change of the "
                f"KL, and the bound on the surrogate risk {how}. A larger learning rate of the bound (now "
                f"{question.lr:g}) or more epochs (now {question.length:,}) would go further.",
                icon=":material/trending_down:")


def draw_partial(question: Question, saved: Saved) -> None:
    """The optimisation so far."""
    found = saved[0]
    if {"epoch", "risk", "kl", "bound"} <= set(found) and len(found["epoch"]):
        st.markdown(f"**{float(found['epoch'][-1]):g} epochs** so far: bound on the surrogate risk "
                    f"{percent(float(found['bound'][-1]))}, KL {float(found['kl'][-1]):,.5g} nats.")
        chart(optimisation(found["epoch"], found["risk"], found["kl"], found["bound"]),
              f"bound-so-far-{question.key[:6]}", "The optimisation of the bound so far", save=False)

"""The search of a mask near initialisation: how it goes while it runs, and how it went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import streamlit as st

from lth_engine.core.artifact import Array, Scalar
from lth_engine.core.summary import number
from lth_engine.figures.mask_search import Course, course, retention
from lth_engine.specs.mask_learners import Cts
from lth_engine.specs.question import Question
from lth_engine.specs.tickets import LearnedMask
from pages.ui import diagnosing, find_near_form, frame, share
from pages.ui.chart import chart
from pages.ui.explaining import Number, glossary, numbers, with_error
from pages.ui.titles import lettered
from pages.ui.unfinished import Partial, peek
from pages.ui.words import counted, duration, literal, percent

NAME = "near"

EVEN = 0.5
"""Probability from which on a weight is more likely kept than not."""

DECIDED = 0.5
"""Share of the kept weights that must be likely, or the page says that the search has not decided."""

_ABOUT = ("Concrete Ticket Search keeps the weights of an untrained network as they are and learns, for each, how "
          "likely it is to be kept, so that the sparse network does what the dense one does. A price on the expected "
          "number of kept weights, the balancer, leads the search to the density that you ask for.")

_DENSITY = {"edge_popup": "Density of the mask", "gem_miner": "Density of the mask",
            "continuous_sparsification": "Density of the soft mask"}
"""What the density of learners without probabilities is."""

_LIKELY = {"edge_popup": "Score s against the least kept t: s / (s + t)", "gem_miner": "Score (0: frozen out)",
           "continuous_sparsification": "Soft mask"}
"""What stands along x of the histogram for learners without probabilities."""


def show() -> None:
    """The page."""
    st.caption(_ABOUT)
    diagnosing.show((LearnedMask,), NAME, _draw, partial=Partial(_so_far, _seen), form=find_near_form.form)


def _draw(done: list[Question]) -> None:
    asked = cast(list[LearnedMask], done)
    names = lettered(asked)
    if len(asked) > 1:
        _together(asked, names)
    _one(diagnosing.in_detail(asked, names, NAME))


def _one(question: LearnedMask) -> None:
    said = diagnosing.summary(question)
    remark = str(said.get("remark") or "")
    if remark:
        st.warning(literal(remark), icon=":material/wrong_location:")
    history, histogram = diagnosing.arrays(question, "history"), diagnosing.arrays(question, "histogram")
    if isinstance(question.search, Cts):
        _decided(histogram, _kept(question, said))
    _numbers(question, said)
    _figures(question, history, histogram, "near")
    _next(question)


def _kept(question: LearnedMask, said: Mapping[str, Scalar]) -> int:
    """Weights that the mask keeps."""
    return question.search.kept(question.at_level, int(number(said, "prunable")))


def _decided(histogram: Mapping[str, Array], kept: int) -> None:
    """Say so if the search has not told the weights that it keeps from the others: few are likely to be kept."""
    likely = int(histogram["count"][histogram["edge"][:-1] >= EVEN].sum())
    if likely < DECIDED * kept:
        st.info(f"**Not decided yet.** The mask keeps {kept:,} weights, but only {likely:,} are more likely kept than "
                "not; for the others small differences between low probabilities decide. Search longer (length), or "
                "raise the learning rate.", icon=":material/blur_on:")


def _numbers(question: LearnedMask, said: Mapping[str, Scalar]) -> None:
    unit, each = _unit(question), question.learner.each_level
    name = "objective" if "objective" in said else "loss"
    shown = [
        Number(_density(question), with_error(100 * number(said, "density"), unit="%"), "expected_density",
               f"at the end; asked for {percent(question.density)}" if each else
               "at the end; no density was asked for"),
        Number(name.capitalize(), with_error(number(said, name), unit=unit), "search_objective",
               (f"{_title(question, name)}, " if name == "objective" else "") + "last step; lower is better"),
        Number("Weights kept", f"{_kept(question, said):,}", "density",
               f"of {int(number(said, 'prunable')):,}: the mask has this density exactly") if each else
        Number("Weights kept", "at every level", "density", "one search is cut at the density of each level: the "
               f"highest scores of {int(number(said, 'prunable')):,} weights"),
        Number("Cost", with_error(number(said, "epochs"), unit="epochs"), "method_cost",
               f"{counted(int(number(said, 'steps')), 'step')}, {duration(number(said, 'train_seconds'))}")]
    numbers(shown, "near.numbers")


def _figures(question: LearnedMask, history: Mapping[str, Array], histogram: Mapping[str, Array], key: str,
             end: float | None = None) -> None:
    """Density, objective, balancer and the histogram, two in a row."""
    epoch = history["epoch"].astype(float)
    drawn = [(name, title, scale, alt) for name, title, scale, alt in (
        ("density", f"{_density(question)} (%)", 100.0, f"{_density(question)} over the search"),
        ("active", "Weights not frozen out (%)", 100.0, "Weights that are not frozen out over the search"),
        ("objective", _with_unit(question, "objective"), 1.0, "The objective over the search"),
        ("loss", _with_unit(question, "loss"), 1.0, "The loss over the search"),
        ("balancer", _balancer(question), 1.0, "The balancer over the search"),
        ("beta", "Hardness of the soft mask", 1.0, "The hardness over the search")) if name in history]
    places = [cell for _ in range(-(-(len(drawn) + 1) // 2)) for cell in st.columns(2)]
    for place, (name, title, scale, alt) in zip(places, drawn, strict=False):
        with place:
            wanted = 100 * question.density if name in ("density", "active") and question.learner.each_level else None
            chart(course([Course("this search", epoch, scale * history[name].astype(float))], name, title,
                         wanted=wanted, end=end, linear=name == "balancer"), f"{key}-{name}", alt, save=end is None)
    if len(histogram):
        with places[len(drawn)]:
            title = _LIKELY.get(question.search.name, "Probability to be kept")
            chart(retention(histogram["count"], histogram["edge"], title), f"{key}-histogram",
                  "How many weights have which probability to be kept", save=end is None)
    if end is None:
        learned = "Objective" if "objective" in history else "Loss"
        terms = {_density(question): "expected_density", learned: "search_objective"}
        glossary(terms | ({"Balancer": "balancer", "Probability to be kept": "retention_probability"}
                          if isinstance(question.search, Cts) else {}), key)


def _so_far(question: Question) -> None:
    """The curves of a checkpoint, in the scale of the whole search."""
    asked = cast(LearnedMask, question)
    history, histogram = peek(question, "history"), peek(question, "histogram")
    if history is None or not len(history[0].get("epoch", ())):
        return
    epoch, density = history[0]["epoch"], history[0]["density"]
    length = asked.learner.length
    end = float(asked.rounds * length.count) if length.unit == "ep" else None
    of = f" of {end:g}" if end else ""
    st.markdown(f"So far: epoch **{float(epoch[-1]):.3g}**{of}, {_density(asked).lower()} "
                f"**{percent(float(density[-1]))}**"
                + (f", asked for {percent(asked.density)}." if asked.learner.each_level else "."))
    _figures(asked, history[0], histogram[0] if histogram else {}, f"near-{question.key[:6]}", end or float(epoch[-1]))


def _seen(question: Question) -> object:
    """How many rows the checkpoint has; the learner's own state, which is large, is not read."""
    history = peek(question, "history")
    return None if history is None else len(history[0].get("epoch", ()))


def _together(asked: Sequence[LearnedMask], names: Mapping[str, str]) -> None:
    """Several searches: their densities in one figure, their numbers in a table."""
    series = [Course(names[q.key], found["epoch"].astype(float), 100 * found["density"].astype(float))
              for q in asked for found in (diagnosing.arrays(q, "history"),)]
    wanted = {q.density for q in asked if q.learner.each_level}
    chart(course(series, "density", "Expected density (%)", wanted=100 * wanted.pop() if len(wanted) == 1 else None),
          "near-together", "Expected density over several searches")
    rows = [diagnosing.summary(q) for q in asked]
    st.dataframe({
        "search": [names[q.key] for q in asked],
        "objective or loss": [number(r, "objective" if "objective" in r else "loss") for r in rows],
        "expected density (%)": [100 * number(r, "density") for r in rows],
        "asked for (%)": [100 * q.density if q.learner.each_level else None for q in asked],
        "epochs": [number(r, "epochs") for r in rows], "seconds": [number(r, "train_seconds") for r in rows],
    }, hide_index=True, key="near.table", height="content", column_config={
        name: st.column_config.NumberColumn(format="%.4g") for name in (
            "objective or loss", "expected density (%)", "asked for (%)", "epochs", "seconds")})
    st.subheader("One search", anchor=False)


def _next(question: LearnedMask) -> None:
    """What to do with a mask: train its tickets, and check them."""
    search = find_near_form.ticket_search(question, find_near_form.known_trainings())
    if search is None:
        st.caption("No ticket search rests on this very search (its start, seeds and level), so its tickets are "
                   "trained on the command line.")
        return
    st.subheader("What now?", anchor=False)
    with st.container(horizontal=True):
        frame.link("find/ticket.py", "Train its tickets: a ticket search with this very search", "search",
                   spec=share.to_text(search))
        level = {"level": str(question.at_level)} if question.learner.each_level else {}
        frame.link("diagnose/sanity.py", "Check the ticket", "fact_check", spec=share.to_text(search), **level)
    if question.learner.each_level and question.at_level > 1:
        st.caption(f"A ticket search looks for a mask at each of its {question.at_level} levels anew; sanity checks "
                   "train the ticket of this level alone.")


def _density(question: LearnedMask) -> str:
    return _DENSITY.get(question.search.name, "Expected density")


def _title(question: LearnedMask, name: str) -> str:
    search = question.search
    return search.objective.title if name == "objective" and isinstance(search, Cts) else "Loss"


def _unit(question: LearnedMask) -> str:
    """Nats for divergences and losses; other objectives have no unit."""
    search = question.search
    return "" if isinstance(search, Cts) and search.objective.name not in ("task_loss", "reverse_kl") else "nats"


def _with_unit(question: LearnedMask, name: str) -> str:
    unit = _unit(question)
    return _title(question, name) + (f" ({unit})" if unit else "")


def _balancer(question: LearnedMask) -> str:
    lagrange = isinstance(question.search, Cts) and question.search.balance == "lagrange"
    return "Lagrange multiplier" if lagrange else "Balancer"

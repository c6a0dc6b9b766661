"""Picking what a question is about: a network of a stored search, a whole search, or a setting of training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import streamlit as st

from lth_engine.core.knob import knobs
from lth_engine.core.spec import Spec
from lth_engine.figures.look import look
from lth_engine.specs.data import SEED_HIGH
from lth_engine.specs.presets import presets
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.tickets import DenseTicket, Run
from lth_engine.specs.training import Training
from pages.ui.asked import question_of
from pages.ui.form import Incomplete, branch, opened
from pages.ui.lab import lab
from pages.ui.naming import title
from pages.ui.searching import known_searches
from pages.ui.words import literal, percent

_BY_KEY = "by its key"
_KEPT: dict[str, Any] = {"persist_state": "session"}


@dataclass(frozen=True)
class Picked:
    """What was picked.

    Attributes:
        spec: the network, search or setting.
        address: how the command line points to `base`; "" if it has to spell `spec` out.
        base: what the address means; where it differs from `spec`, flags follow.
    """

    spec: Spec
    address: str
    base: Spec


def pick_run(words: str, key: str, *, replicate: int = 0) -> Picked | None:
    """Pick a network: search or preset, ticket or control, replicate and level; or any stored run by its key.

    Networks that are not trained yet are marked. None while no run has the key that is typed; that has been said.

    Args:
        words: what the network is to the question: "First network".
        key: prefix of the widgets' keys.
        replicate: the replicate to begin with; if the search has not so many, another level takes its place.
    """
    searches = offered()
    with st.container(border=True):
        place = st.selectbox(words, [*searches, _BY_KEY], key=f"{key}.search", **_KEPT,
                             format_func=lambda k: title(searches[k]) if k in searches else "A run by its key ...",
                             help="A stored search, or a preset that may have to be trained first; its levels are "
                                  "offered below.")
        if place == _BY_KEY:
            return _by_key(key)
        return _of_search(searches[place], key, replicate)


def pick_search(words: str, key: str) -> Picked:
    """Pick a search that is stored or on the queue, or a preset; dense networks that were brought alone are none."""
    searches = {key: search for key, search in offered().items() if search.levels}
    found = st.selectbox(words, list(searches), key=f"{key}.search", **_KEPT,
                         format_func=lambda k: title(searches[k]))
    return Picked(searches[found], address_of(searches[found]), searches[found])


def pick_dense(words: str, key: str) -> Picked | None:
    """Pick network, images and training of a preset or a stored search, and change the training if wanted."""
    searches = offered()
    with st.container(border=True):
        chosen = st.selectbox(words, list(searches), key=f"{key}.from", **_KEPT,
                              format_func=lambda k: title(searches[k]),
                              help="Network, images and training are those of a preset or of a stored search.")
        search = searches[chosen]
        seed = int(st.number_input("Seed", value=search.seed, min_value=0, max_value=SEED_HIGH, step=1,
                                   key=f"{key}.{chosen}.seed", **_KEPT,
                                   help="Of the initial weights and of the order of the images."))
        training = search.training
        declared = next(k for k in knobs(TicketSearch) if k.name == "training")
        with opened("Change the training", f"{key}.{chosen}") as draw:
            if draw:
                try:
                    training = cast(Training, branch(declared, training, f"{key}.{chosen}.training"))
                except Incomplete:
                    return None
    replicate = seed - search.seed if 0 <= seed - search.seed < search.replicates else 0
    base = _dense(search, search.training, search.seed + replicate)
    return Picked(_dense(search, training, seed), f"{address_of(search)}/{replicate}", base)


def offered() -> dict[str, TicketSearch]:
    """Searches by key: those that are stored or on the queue, newest first, then the presets."""
    known = known_searches()
    for preset in presets().values():
        if isinstance(preset.question, TicketSearch):
            known.setdefault(preset.question.key, preset.question)
    return known


def address_of(search: TicketSearch) -> str:
    """How the command line points to a search: a preset by its name, any other by its key."""
    names = {preset.question.key: name for name, preset in presets().items()}
    return names.get(search.key, search.key)


def _dense(search: TicketSearch, training: Training, seed: int) -> DenseTicket:
    return DenseTicket(model=search.model, data=search.data, training=training, init_seed=seed, order_seed=seed)


def _by_key(key: str) -> Picked | None:
    typed = st.text_input("Key of the run", key=f"{key}.key", **_KEPT,
                          help="24 hex digits, as lists and JSON have it.")
    if not typed.strip():
        return None
    run = question_of(typed.strip())
    if isinstance(run, Run):
        return Picked(run, run.key, run)
    if run is None:
        st.error(f"The store holds no run {literal(typed.strip()[:40])}. Copy the key of a run.",
                 icon=":material/error:")
    else:
        st.error(f"{literal(typed.strip()[:40])} is a {literal(run.name)}. Copy the key of a run.",
                 icon=":material/error:")
    return None


def _of_search(search: TicketSearch, key: str, replicate: int) -> Picked:
    key = f"{key}.{search.key[:8]}"
    cells = st.columns(3)
    variants = ["ticket", *search.controls]
    variant = cells[0].selectbox("Trained", variants, format_func=lambda name: look(name).label, key=f"{key}.variant",
                                 **_KEPT)
    chosen = int(cells[1].selectbox("Replicate", range(search.replicates), key=f"{key}.replicate", **_KEPT,
                                    index=min(replicate, search.replicates - 1)))
    levels = range(variant != "ticket", search.levels + 1)
    held = _held(search.run(level, chosen, variant) for level in levels)
    stored = [level for level in levels if search.run(level, chosen, variant).key in held]
    apart = replicate >= search.replicates  # there is no other replicate, so another level
    level = int(cells[2].selectbox(
        "Level and density", levels, index=_last(levels, stored, before=apart), key=f"{key}.{variant}.level", **_KEPT,
        format_func=lambda n: _density(search, n) + ("" if n in stored else _not_yet(search, n)),
        help="Level 0 is the dense network."))
    address = f"{address_of(search)}/{level}/{chosen}" + (f"/{variant}" if variant != "ticket" else "")
    return Picked(search.run(level, chosen, variant), address, search.run(level, chosen, variant))


def _density(search: TicketSearch, level: int) -> str:
    return "dense" if level == 0 else f"{percent(search.search.density(level))} (level {level})"


def _not_yet(search: TicketSearch, level: int) -> str:
    """What has to happen to a network first."""
    return ", to be measured first" if search.search.brought and level in search.reported_levels else \
        ", to be trained first"


def _held(runs: Iterable[Run]) -> set[str]:
    return lab().store.has([run.key for run in runs])


def _last(levels: Sequence[int], stored: Sequence[int], *, before: bool) -> int:
    """Place of the sparsest level that is stored (or the one `before` it); the first if none is."""
    if not stored:
        return min(int(before), len(levels) - 1)
    return levels.index(stored[-2 if before and len(stored) > 1 else -1])

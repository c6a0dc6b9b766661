"""Asking for the search of a mask: the network of a stored search or a preset, a learner, and a density.

What is asked is the very search that a ticket search with these settings rests on, so neither is computed twice.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lth_engine.core.errors import BadInput
from lth_engine.core.knob import knobs
from lth_engine.core.spec import catalogue
from lth_engine.specs.finding import SearchSpec
from lth_engine.specs.mask_learners import Cts, MaskLearner
from lth_engine.specs.phases import Same
from lth_engine.specs.question import Question
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.tickets import FoundTicket, LearnedMask
from lth_engine.specs.training import Training
from pages.ui.form import Incomplete, about, build, part
from pages.ui.networks import Picked, offered, pick_search
from pages.ui.words import literal, percent

LEVELS = 200
"""Greatest level of a question."""

_EVERY = "One search is cut at the density of every level, so no level is asked for."


def form(key: str) -> tuple[Question, dict[str, Picked]] | None:
    """The form, and nothing that the command line could point to; None while something is wrong, which has been said.

    Args:
        key: prefix of the widgets' keys.
    """
    like = pick_search("Network, images and seeds of", f"{key}.of").spec
    assert isinstance(like, TicketSearch)
    begin = like.search if isinstance(like.search, MaskLearner) else Cts(fraction=like.search.fraction)
    key = f"{key}.{like.key[:8]}"
    cells = st.columns(3)
    kind = _kind(begin, f"{key}.search")
    level = int(cells[0].number_input(
        "Level", 1, LEVELS, like.levels, key=f"{key}.level", persist_state="session", disabled=not kind.each_level,
        help="A ticket of level L keeps (1 - fraction)^L of the weights." if kind.each_level else _EVERY))
    replicate = int(cells[1].selectbox("Replicate", range(like.replicates), key=f"{key}.replicate",
                                       persist_state="session", help="Which initialisation is searched."))
    try:
        learner = _learner(kind, begin, f"{key}.search")
        if learner.each_level:
            cells[2].metric("Density", percent(learner.density(level)), help="Weights that the ticket keeps.")
        else:
            cells[2].metric("Density", "every level's", help=_EVERY)
        asked = question(like, learner, level, replicate)
    except Incomplete:
        return None
    except BadInput as error:
        st.error(literal(error), icon=":material/error:")
        return None
    return asked, {}


def question(like: TicketSearch, learner: MaskLearner, level: int, replicate: int) -> LearnedMask:
    """The search of the mask behind a ticket of `like` with another way to find it. Raises BadInput."""
    found = with_search(like, learner, level).found(level, replicate)
    assert isinstance(found, FoundTicket)
    learned = found.learned()
    assert learned is not None
    return learned


def with_search(like: TicketSearch, search: SearchSpec, levels: int) -> TicketSearch:
    """A ticket search with network, images, training and seeds of another. Raises BadInput."""
    return like.replace(search=search, mask_search=Same(), levels=levels)


def ticket_search(learned: LearnedMask, known: Sequence[TicketSearch]) -> TicketSearch | None:
    """The ticket search that finds its ticket by a learned mask; None if its seeds fit none.

    Args:
        learned: the search of the mask.
        known: searches whose training is taken, the first that fits; with none, the default one's.
    """
    start = learned.start
    training = start.training if start.rewind.count else None
    fitting = [one for one in known if (one.model, one.data) == (start.model, start.data)]
    for like in [*fitting, TicketSearch(model=start.model, data=start.data, training=training or Training())]:
        for seed in dict.fromkeys((like.seed, learned.seed)):
            try:
                levels = learned.at_level if learned.learner.each_level else like.levels
                found = with_search(like, learned.search, levels).replace(seed=seed)
                if any(question(found, learned.learner, levels, replicate) == learned
                       for replicate in range(found.replicates)):
                    return found
            except BadInput:  # a training that ends before the rewind point: the next one may reach it
                continue
    return None


def known_trainings() -> list[TicketSearch]:
    """Stored searches that trained, newest first, then the presets."""
    return [search for search in offered().values() if not search.search.brought]


def _kind(begin: MaskLearner, key: str) -> type[MaskLearner]:
    """Which learner."""
    members = {name: cls for name, cls in catalogue("search").items() if issubclass(cls, MaskLearner)}
    name = st.selectbox("How the mask is learned", list(members), index=list(members).index(begin.name),
                        format_func=lambda n: members[n].title, key=f"{key}.name", persist_state="session")
    st.caption(about(members[name]))
    return members[name]


def _learner(cls: type[MaskLearner], begin: MaskLearner, key: str) -> MaskLearner:
    """The widgets of a learner. Raises Incomplete."""
    same = begin if isinstance(begin, cls) else cls(fraction=begin.fraction, rewind=begin.rewind)
    made = build(cls, part(cls, {k.name: getattr(same, k.name) for k in knobs(cls)}, f"{key}.{cls.name}", columns=3))
    assert isinstance(made, MaskLearner)
    return made

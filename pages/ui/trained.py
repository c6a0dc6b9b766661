"""Whether a network that an answer is about has learned anything; where it has not, its page says so."""

from __future__ import annotations

import math
from collections.abc import Mapping

import streamlit as st

from lth_engine.core.artifact import Scalar
from lth_engine.core.summary import number
from lth_engine.specs.tickets import Run
from pages.ui.explaining import with_error
from pages.ui.lab import lab
from pages.ui.words import literal, percent

ABSURD = 2.0
"""A loss above this many times that of guessing is that of a network that has diverged."""

GUESSING = 0.98
"""A network guesses if its error is at least this share of that of guessing."""


def warn_of_loss(run: Run, said: Mapping[str, Scalar], name: str = "This network", loss: str = "loss") -> None:
    """A warning if the loss is absurd; nothing if it is not, or if the number of classes is not known.

    Args:
        run: the network.
        said: the summary of an answer about it.
        name: of the network, where there are several.
        loss: what the summary calls its loss, in nats.
    """
    chance = chance_error(run, said)
    found, guessing = number(said, loss), -math.log(1 - chance) if chance < 1 else math.nan
    if found > ABSURD * guessing:
        _warn(name, f"its loss is {with_error(found, None, 'nats')}, and guessing has {with_error(guessing)}")


def warn_of_error(run: Run, said: Mapping[str, Scalar], error: str, name: str = "This network") -> None:
    """A warning if the error is that of guessing.

    Args:
        run: the network.
        said: the summary of an answer about it.
        error: what the summary calls its error, a fraction.
        name: of the network, where there are several.
    """
    chance, found = chance_error(run, said), number(said, error)
    if found >= GUESSING * chance:
        _warn(name, f"it errs on {percent(found)} of the images, and guessing on {percent(chance)}")


def chance_error(run: Run, said: Mapping[str, Scalar]) -> float:
    """The error of guessing, as the answer or the run says it; nan if neither does."""
    found = number(said, "chance_error")
    if math.isfinite(found):
        return found
    row = lab().store.rows([run.key]).get(run.key)
    return math.nan if row is None else 1 - number(row.summary, "chance")


def _warn(name: str, why: str) -> None:
    st.warning(f"**{literal(name)} is not trained:** {why}. The numbers hold for it as it is, and say nothing of "
               "trained networks; look at a run with a lower learning rate or a longer training.",
               icon=":material/warning:")

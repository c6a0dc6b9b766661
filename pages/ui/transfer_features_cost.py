"""What classifiers on frozen features cost in words, with the trainings that come before them."""

from __future__ import annotations

from lth_engine.specs.features import OnFeatures
from lth_engine.specs.question import Question
from lth_engine.specs.tickets import DenseTicket, Run
from pages.ui.behind import missing
from pages.ui.words import counted


def cost(question: Question) -> str:
    """One sentence or two."""
    needed = missing(question)
    heads = [q for q in (*needed, question) if isinstance(q, OnFeatures)]
    words = [f"**{counted(len(heads), 'classifier')}** on frozen features, together as much as "
             f"{_epochs(sum(q.epochs for q in heads))} of training."] if heads else ["**Seconds**."]
    trained = [q for q in needed if isinstance(q, Run | DenseTicket) and q.trains]
    words += [f"Before them **{counted(len(trained), 'training')}** ({_epochs(sum(q.epochs for q in trained))})."
              if trained else "All networks that they need are stored."]
    return " ".join(words)


def _epochs(count: float) -> str:
    return counted(round(count), "epoch") if count >= 1 else f"{count:.2g} epochs"

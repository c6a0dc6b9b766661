"""What an answer costs in words: its own work, and what has to be computed before."""

from __future__ import annotations

from collections import Counter
from typing import cast

from lth_engine.core.spec import Spec
from lth_engine.specs.connecting import Connectivity
from lth_engine.specs.curvature import AtNetwork, HessianTrace
from lth_engine.specs.landscapes import Landscape
from lth_engine.specs.question import Question
from lth_engine.specs.tickets import DenseTicket, LearnedMask, Run
from pages.ui.lab import lab
from pages.ui.words import counted

MOST = 2000
"""Missing answers after which they are no longer counted."""

_NOTHING = 0.05
"""Epochs below which an answer costs next to nothing."""


def missing(question: Question) -> list[Spec]:
    """The answers that the store lacks and that are needed before this one; at most MOST.

    What lies behind a stored answer is not needed.
    """
    store, found = lab().store, dict[str, Spec]()
    front = {q.key: q for q in question.needs(store.summary)}
    while front and len(found) < MOST:
        held = store.has(front)
        found |= {key: q for key, q in front.items() if key not in held}
        front = {q.key: q for key, parent in front.items() if key not in held
                 for q in cast(Question, parent).needs(store.summary) if q.key not in found}
    return list(found.values())


def cost_words(question: Question) -> str:
    """One or two sentences: the work of the answer itself, and how many trainings and lines come before it."""
    needed = missing(question)
    words = _own_words(question)
    trained = [q for q in needed if isinstance(q, Run | DenseTicket) and q.trains]
    lines = [q for q in needed if isinstance(q, Connectivity)]
    parts = []
    if trained:
        parts.append(f"**{counted(len(trained), 'training')}** ({_epochs(sum(q.epochs for q in trained))})")
    if lines:
        parts.append(f"**{counted(len(lines), 'line')}** (as much as {_epochs(sum(q.epochs for q in lines))})")
    masks = [q for q in needed if isinstance(q, LearnedMask)]
    if masks:
        parts.append(f"**{len(masks)} {'search' if len(masks) == 1 else 'searches'} of a mask** (as much as "
                     f"{_epochs(sum(q.epochs for q in masks))})")
    others = Counter(q.title or q.name for q in needed if isinstance(q, Question) and q.epochs >= _NOTHING
                     and q not in trained and q not in lines and q not in masks)
    parts += [f"{count} x {name}" for name, count in others.items()]
    if parts:
        more = "at least " if len(needed) >= MOST else ""
        return f"{words} To be computed before: {more}{' and '.join(parts)}."
    return f"{words} Everything it needs is stored."


def _own_words(question: Question) -> str:
    """The work of the answer itself, in what is known without its images."""
    if isinstance(question, AtNetwork):
        images = f"{question.images:,} images" if question.images else f"all {question.part} images"
        if isinstance(question, Landscape):
            return f"The answer itself takes **{question.points**question.dimensions:,} passes** over {images}."
        if isinstance(question, HessianTrace) and question.estimator == "gauss_newton":
            return f"The answer itself takes **one backward pass a class** over {images}."
        return (f"The answer itself takes about **{question.about_products:,} products** with the Hessian over "
                f"{images}, each about two gradients.")
    own = question.epochs
    return (f"The answer itself costs about as much as **{_epochs(own)}** of training." if own >= _NOTHING
            else "The answer itself takes **seconds**.")


def _epochs(count: float) -> str:
    if count < 1:
        return f"{count:.2g} epochs"
    return counted(round(count), "epoch")
